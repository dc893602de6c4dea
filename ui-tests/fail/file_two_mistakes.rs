micro::proto!("proto/two_mistakes.proto");

fn main() {}
