micro::proto!("proto/greeter.proto", include = "protos");

fn main() {}
