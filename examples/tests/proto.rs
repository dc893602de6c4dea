//! The `.proto` files that others build from are what the programs have.

#[test]
fn the_greeter() {
    micro::assert_proto!("proto/greeter.proto");
}
