#[micro::message(json = "proto3")]
struct HelloRequest {
    #[proto(well_known)]
    name: String,
}

fn main() {}
