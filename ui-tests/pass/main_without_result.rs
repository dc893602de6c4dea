#![deny(warnings)]
#[micro::main]
async fn main() {
    let task = micro::Context::current();
    assert!(task.is_none());
    match std::env::args().count() {
        0 => unreachable!("the program has a name"),
        _ => std::future::ready(()).await,
    }
}
