micro::proto!("proto/cycle.proto");

fn main() {}
