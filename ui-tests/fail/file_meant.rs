micro::proto!("proto/greter.proto");

fn main() {}
