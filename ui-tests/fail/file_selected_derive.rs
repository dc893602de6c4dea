micro::proto!("proto/greeter.proto", derive(Eq, on("HelloReqest")));

fn main() {}
