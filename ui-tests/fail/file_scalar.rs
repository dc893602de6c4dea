micro::proto!("proto/scalar.proto");

fn main() {}
