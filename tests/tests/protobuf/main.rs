//! Protobuf.

mod shapes;

use micro::proto::prost::Message;
use shapes::*;

#[test]
fn smoke() {
    let numbered = Numbered { late: "x".into(), early: 1, choice: Some(Choice::Number(-3)), last: true, number: -2 };
    let bytes = numbered.encode_to_vec();
    assert_eq!(Numbered::decode(&bytes[..]).unwrap(), numbered);
    let nested = Nested {
        change: Change::Renamed { from: "a".into(), to: "b".into() },
        wrapped: Some(String::new()),
        ..Nested::default()
    };
    let bytes = nested.encode_to_vec();
    println!("{bytes:?}");
    assert_eq!(Nested::decode(&bytes[..]).unwrap(), nested);
    let tree = Tree { left: Some(Box::default()), children: vec![Tree::default()], ..Tree::default() };
    assert_eq!(Tree::decode(&tree.encode_to_vec()[..]).unwrap(), tree);
}
