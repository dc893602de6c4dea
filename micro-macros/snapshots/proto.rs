/// Whom to greet.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    rustdoc::all
)]
#[::micro::message(json = "proto3", crate = ::micro)]
#[derive(::core::cmp::PartialEq, Eq, Hash)]
pub struct HelloRequest {
    /// The name.
    #[proto(1)]
    pub name: ::micro::__private::std::string::String,
    #[doc = ::micro::__private::unwritten!(" The field `times`, number 2.")]
    #[proto(2)]
    pub times: i64,
}
/// The greeting.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    rustdoc::all
)]
#[::micro::message(json = "proto3", crate = ::micro)]
#[derive(::core::cmp::PartialEq, Eq)]
pub struct HelloResponse {
    #[doc = ::micro::__private::unwritten!(" The field `greeting`, number 1.")]
    #[proto(1)]
    pub greeting: ::micro::__private::std::string::String,
}
/// Says hello.
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    rustdoc::all
)]
#[::micro::service(name = "Greeter", proto, crate = ::micro)]
pub trait Greeter {
    /// Greets one person by name.
    #[handler(idempotent)]
    async fn hello(
        &self,
        request: self::HelloRequest,
    ) -> ::micro::Result<self::HelloResponse>;
    /// Says it in the language of the house.
    #[handler(name = "SayIT")]
    async fn say_it(
        &self,
        request: self::HelloRequest,
    ) -> ::micro::Result<self::HelloResponse>;
    /// Forgets whom it greeted.
    #[handler]
    async fn forget(&self) -> ::micro::Result<()>;
}
