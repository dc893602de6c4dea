micro::proto!("proto/in_import.proto");

fn main() {}
