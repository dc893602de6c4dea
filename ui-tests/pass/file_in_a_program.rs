#![deny(warnings, unreachable_pub, missing_docs, missing_debug_implementations, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]
//! Nothing of the file is used, and nobody says so.

mod shapes {
    micro::proto!("proto/shapes.proto", derive(Eq, on("HelloResponse")));
}

mod several {
    micro::proto!("proto/shapes.proto", "proto/other.proto", bytes("HelloRequest.data"));
}

fn main() {
    let reply = several::other::Reply { inner: Some(several::HelloResponse::default()), ..Default::default() };
    assert_eq!(reply.mood, several::other::Mood::Sober);
}
