#![allow(unused)]
#[micro::message]
struct Hello {
    name: std::borrow::Cow<'_, str>,
}

fn main() {}
