micro::proto!("proto/number_twice.proto");

fn main() {}
