#![deny(warnings)]
#[micro::message]
#[derive(PartialEq)]
enum Unit {
    First,
    Second,
}

#[micro::message]
#[derive(PartialEq)]
enum Chosen {
    First,
    #[default]
    Second,
}

#[micro::message]
#[derive(PartialEq)]
enum Content {
    Named { a: u32, b: Option<String> },
    Tuple(u32, String),
    Unit,
}

#[micro::message]
#[derive(PartialEq)]
enum Generic<T> {
    One(T),
    Many(Vec<T>),
}

#[micro::message]
#[derive(PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tagged {
    FirstOne { a: u32 },
    SecondOne,
}

fn main() {
    assert_eq!(Unit::default(), Unit::First);
    assert_ne!(Unit::default(), Unit::Second);
    assert_eq!(Chosen::default(), Chosen::Second);
    assert_ne!(Chosen::default(), Chosen::First);
    assert_eq!(Content::default(), Content::Named { a: 0, b: None });
    assert_ne!(Content::Tuple(1, String::new()), Content::Unit);
    assert_eq!(Generic::<u32>::default(), Generic::One(0));
    assert_ne!(Generic::Many(vec![1]), Generic::default());
    assert_eq!(Tagged::default(), Tagged::FirstOne { a: 0 });
    let second: Tagged = serde_json::from_str(r#"{"type":"second_one"}"#).expect("it is one");
    assert_eq!(second, Tagged::SecondOne);
}
