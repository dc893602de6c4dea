//! The files of `proto/` as items. No lint has a word to say of any of them.

#![deny(missing_docs, warnings, clippy::all, clippy::pedantic, rustdoc::all)]

/// gRPC's interop tests.
pub mod interop {
    micro::proto!("proto/grpc/test.proto");
}

/// gRPC's health protocol.
pub mod health {
    micro::proto!("proto/grpc/health.proto");
}

/// gRPC's reflection protocol; its one method has streams.
pub mod reflection {
    micro::proto!("proto/grpc/reflection.proto");
}

/// The handler of every server of Go Micro.
pub mod server {
    micro::proto!("proto/micro/server.proto");
}

/// Go Micro's debug handler.
pub mod debug {
    micro::proto!("proto/micro/debug.proto");
}

/// The well-known types, as messages like others.
pub mod wellknown {
    micro::proto!("proto/wellknown.proto");
}

/// A user of the well-known types.
pub mod users {
    micro::proto!("proto/users.proto");
}

/// All that proto3 has.
pub mod shop {
    micro::proto!("proto/shop/v1/proto3.proto");
}

/// The same with every option.
pub mod shop_with_options {
    micro::proto!(
        "proto/shop/v1/proto3.proto",
        "proto/greeter.proto",
        include = "proto",
        derive(PartialEq, PartialOrd, on("Scalars")),
        derive(Eq, Hash, on("Order.Card", "shop.v1.money.Money", "greeter.HelloRequest")),
        bytes,
        btree_map("Maps", "shop.v1.Maps.by_bool"),
        crate = ::micro,
    );
}

/// What people still use of proto2.
pub mod proto2 {
    micro::proto!("proto/proto2.proto");
}

/// A service as people write it.
pub mod greeter {
    micro::proto!("proto/greeter.proto");
}

/// Options of others, and the descriptors of protobuf as a field.
pub mod options {
    micro::proto!("proto/options.proto");
}
