micro::proto!("proto/syntax.proto");

fn main() {}
