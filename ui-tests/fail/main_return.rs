#![allow(unused)]
use micro::Result;

#[micro::main]
async fn main() -> u8 {
    0
}
