micro::proto!("proto/group.proto");

fn main() {}
