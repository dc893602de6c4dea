micro::proto!("proto/greeter.proto", includes = "proto");

fn main() {}
