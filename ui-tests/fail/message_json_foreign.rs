/// Of protobuf alone: no serde.
#[derive(Debug, Clone, Default, micro::Message)]
struct Plain {
    name: String,
}

#[micro::message(json = "proto3")]
struct HelloRequest {
    plain: Option<Plain>,
}

fn main() {}
