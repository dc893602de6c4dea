micro::proto!("proto/unknown_type.proto");

fn main() {}
