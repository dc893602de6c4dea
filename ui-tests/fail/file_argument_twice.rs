micro::proto!("proto/greeter.proto", bytes, bytes);

fn main() {}
