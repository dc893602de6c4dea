micro::proto!("proto/nobody.proto");

fn main() {}
