micro::proto!("proto/import.proto", include = "proto");

fn main() {}
