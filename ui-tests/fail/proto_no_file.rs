micro::proto!();

fn main() {}
