#![allow(unused)]
use micro::{Options, Result, Selector};
use std::sync::Arc;

#[derive(Debug)]
struct Nearest;

impl Selector for Nearest {
    fn pick<'n>(
        &self,
        nodes: &'n micro::selector::Snapshot,
        _: &[&str],
    ) -> Option<&'n Arc<micro::selector::Node>> {
        nodes.nodes().first()
    }
}

#[micro::plugin(selector = "nearest", registry = "nearest")]
fn nearest(_: &Options) -> Result<Nearest> {
    Ok(Nearest)
}

fn main() {}
