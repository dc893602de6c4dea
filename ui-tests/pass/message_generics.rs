#![deny(warnings)]
use std::collections::{BTreeMap, HashMap};

#[micro::message]
struct Page<T> {
    items: Vec<T>,
    by_name: HashMap<String, T>,
    next: Option<Box<T>>,
}

#[micro::message]
struct Pair<K: Ord, V = String>
where
    V: Clone,
{
    all: BTreeMap<K, V>,
}

#[micro::message]
struct Block<const N: usize> {
    words: Vec<u32>,
}

#[micro::message]
struct Wrapper<T>(T);

#[micro::message]
struct Tree {
    name: String,
    children: Vec<Tree>,
    parent: Option<Box<Self>>,
}

fn is_message<T: micro::Message>() {}

fn main() {
    is_message::<Page<Tree>>();
    is_message::<Pair<u32>>();
    is_message::<Block<3>>();
    is_message::<Wrapper<Page<String>>>();
    assert_eq!(serde_json::to_string(&Wrapper(3)).expect("it has a form"), "3");
    let tree: Tree = serde_json::from_str(r#"{"name":"root","children":[{"name":"leaf"}]}"#).expect("it is one");
    assert_eq!(tree.children.len(), 1);
}
