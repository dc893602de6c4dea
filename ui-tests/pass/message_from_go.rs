#![deny(warnings)]
//! What Go peers send: `null` for what was never set, and fields that are not known here.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

#[micro::message]
#[derive(PartialEq)]
struct Order {
    id: u64,
    tags: Vec<String>,
    prices: HashMap<String, f64>,
    sorted: BTreeMap<String, i64>,
    unique: HashSet<String>,
    queue: VecDeque<u8>,
    note: Option<String>,
    #[serde(rename = "userName")]
    user: String,
}

fn main() {
    let sent = r#"{"id":7,"tags":null,"prices":null,"sorted":null,"unique":null,"queue":null,"note":null,"new":1}"#;
    let order: Order = serde_json::from_str(sent).expect("Go writes it so");
    assert_eq!(order, Order { id: 7, ..Order::default() });
    assert_eq!(serde_json::from_str::<Order>("{}").expect("all is empty"), Order::default());
    let error = serde_json::from_str::<Order>(r#"{"tags":"x"}"#).expect_err("that is no list").to_string();
    assert!(error.starts_with("invalid type: string \"x\", expected a sequence at line 1"), "{error}");
}
