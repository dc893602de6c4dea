micro::proto!("proto/greeter.proto", derive = Eq);

fn main() {}
