#![deny(warnings)]
use micro::Message;
use serde::{Deserialize, Serialize};

#[micro::message]
struct None {
    name: String,
}

#[micro::message]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Some {
    name: String,
}

#[micro::message]
#[derive(Clone, std::fmt::Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct All {
    long_name: String,
}

/// Written by hand where the derive is not wanted.
#[micro::message]
#[derive(Serialize, Deserialize)]
#[serde(default = "mine")]
struct Mine {
    count: u32,
}

fn mine() -> Mine {
    Mine { count: 7 }
}

fn is_message<T: Message + Clone + Default + std::fmt::Debug>() {}

fn main() {
    is_message::<None>();
    is_message::<Some>();
    is_message::<All>();
    is_message::<Mine>();
    assert_eq!(serde_json::from_str::<Mine>("{}").expect("all fields have a default").count, 7);
    assert_eq!(serde_json::to_string(&All::default()).expect("it has a form"), r#"{"longName":""}"#);
    assert_eq!(serde_json::from_str::<None>("{}").expect("an absent field is empty").name, "");
    assert_eq!(Some::default(), Some { name: String::new() });
}
