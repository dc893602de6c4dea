micro::proto!("proto/greeter.proto", bytes("HelloRequest.nmae"));

fn main() {}
