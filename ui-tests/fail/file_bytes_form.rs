micro::proto!("proto/greeter.proto", bytes = "micro::Bytes");

fn main() {}
