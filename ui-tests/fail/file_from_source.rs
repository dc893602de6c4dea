micro::proto!("../proto/greeter.proto");

fn main() {}
