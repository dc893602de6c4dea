#[allow(async_fn_in_trait, clippy::manual_async_fn)]
pub trait Greeter: __GreeterContract + ::micro::__private::std::marker::Send + ::micro::__private::std::marker::Sync {
    #[allow(
        clippy::unused_async,
        clippy::unused_self,
        clippy::needless_pass_by_value,
        clippy::trivially_copy_pass_by_ref
    )]
    fn hello(
        &self,
        req: HelloRequest,
    ) -> impl ::micro::__private::std::future::Future<
        Output = Result<HelloResponse>,
    > + ::micro::__private::std::marker::Send;
    #[allow(
        clippy::unused_async,
        clippy::unused_self,
        clippy::needless_pass_by_value,
        clippy::trivially_copy_pass_by_ref
    )]
    fn bye(
        &self,
    ) -> impl ::micro::__private::std::future::Future<
        Output = Result<()>,
    > + ::micro::__private::std::marker::Send {
        async move { Ok(()) }
    }
}
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#[doc(hidden)]
pub trait __GreeterContract {
    type MarkTheTraitWithMicroService;
}
#[automatically_derived]
impl<__MicroService: ?::micro::__private::std::marker::Sized> __GreeterContract
for __MicroService {
    type MarkTheTraitWithMicroService = GreeterClient;
}
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#[automatically_derived]
impl<__MicroService: Greeter + 'static> ::micro::__private::Contract<__MicroService>
for GreeterClient {
    const SERVICE: ::micro::server::About = ::micro::server::About::new("Greeter");
    const METHODS: &'static [::micro::server::Method<__MicroService>] = {
        use ::micro::__private::probes::*;
        use ::micro::__private::NotShared as _;
        &[
            ::micro::server::Method {
                definition: *__micro_GreeterClient_hello::GreeterClient::__micro_hello,
                call: |service, context, message| ::micro::__private::Dispatch::<
                    __MicroService,
                >::unary::<
                    HelloRequest,
                    HelloResponse,
                    _,
                    _,
                >(
                    (
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<HelloRequest>::WIRE,
                            ::micro::__private::Probe::<HelloRequest>::PROTO,
                        ),
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<HelloResponse>::WIRE,
                            ::micro::__private::Probe::<HelloResponse>::PROTO,
                        ),
                    ),
                    service,
                    context,
                    message,
                    |service, context, message| {
                        <__MicroService as Greeter>::hello(service, message)
                    },
                ),
            },
            ::micro::server::Method {
                definition: *__micro_GreeterClient_hello::GreeterClient::__micro_bye,
                call: |service, context, message| ::micro::__private::Dispatch::<
                    __MicroService,
                >::unary::<
                    (),
                    (),
                    _,
                    _,
                >(
                    (
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<()>::WIRE,
                            ::micro::__private::Probe::<()>::PROTO,
                        ),
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<()>::WIRE,
                            ::micro::__private::Probe::<()>::PROTO,
                        ),
                    ),
                    service,
                    context,
                    message,
                    |service, context, message| {
                        <__MicroService as Greeter>::bye(service)
                    },
                ),
            },
        ]
    };
}
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
mod __micro_GreeterClient_hello {
    /**A client of `Greeter`: one method for each endpoint.

It is cheap to clone.*/
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        non_upper_case_globals,
        private_bounds,
        private_interfaces,
        unreachable_pub,
        unused_imports,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    pub struct GreeterClient {
        pub(super) target: ::micro::client::Target,
        marker: ::micro::__private::std::marker::PhantomData<fn() -> ()>,
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        non_upper_case_globals,
        private_bounds,
        private_interfaces,
        unreachable_pub,
        unused_imports,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    #[automatically_derived]
    impl ::micro::__private::std::clone::Clone for GreeterClient {
        fn clone(&self) -> Self {
            Self {
                target: ::micro::__private::std::clone::Clone::clone(&self.target),
                marker: ::micro::__private::std::marker::PhantomData,
            }
        }
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        non_upper_case_globals,
        private_bounds,
        private_interfaces,
        unreachable_pub,
        unused_imports,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    #[automatically_derived]
    impl ::micro::__private::std::fmt::Debug for GreeterClient {
        fn fmt(
            &self,
            f: &mut ::micro::__private::std::fmt::Formatter<'_>,
        ) -> ::micro::__private::std::fmt::Result {
            f.debug_struct("GreeterClient").field("target", &self.target).finish()
        }
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        non_upper_case_globals,
        private_bounds,
        private_interfaces,
        unreachable_pub,
        unused_imports,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    #[automatically_derived]
    impl ::micro::client::Typed for GreeterClient {
        fn connect(target: ::micro::client::Target) -> Self {
            Self {
                target,
                marker: ::micro::__private::std::marker::PhantomData,
            }
        }
    }
    #[allow(
        dead_code,
        deprecated,
        non_camel_case_types,
        non_snake_case,
        non_upper_case_globals,
        private_bounds,
        private_interfaces,
        unreachable_pub,
        unused_imports,
        unused_qualifications,
        clippy::all,
        clippy::pedantic,
        clippy::nursery
    )]
    #[automatically_derived]
    impl GreeterClient {
        /// A client that calls the service of that name in the registry.
        #[must_use]
        pub fn new(
            service: impl ::micro::__private::std::convert::Into<
                ::micro::__private::std::sync::Arc<
                    ::micro::__private::std::primitive::str,
                >,
            >,
            client: impl ::micro::__private::std::convert::Into<::micro::Client>,
        ) -> Self {
            Self {
                target: ::micro::client::Target::new(service, client),
                marker: ::micro::__private::std::marker::PhantomData,
            }
        }
        /// The same client for calls that take part in the call of `context`: its deadline and cancellation, the
        /// metadata that travels on. Inside of a handler calls do so by themselves; tasks that it spawned need this.
        #[must_use]
        pub fn within(&self, context: &::micro::Context) -> Self {
            Self {
                target: self.target.within(context),
                marker: ::micro::__private::std::marker::PhantomData,
            }
        }
        /// The same client for calls that take part in no other call, even inside of a handler.
        #[must_use]
        pub fn detached(&self) -> Self {
            Self {
                target: self.target.detached(),
                marker: ::micro::__private::std::marker::PhantomData,
            }
        }
    }
}
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
pub use __micro_GreeterClient_hello::GreeterClient;
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#[automatically_derived]
impl __micro_GreeterClient_hello::GreeterClient {
    #[doc(hidden)]
    const __micro_hello: &'static ::micro::endpoint::Definition = {
        use ::micro::__private::probes::*;
        &::micro::endpoint::Definition::unary(
            "Greeter.Hello",
            ::micro::schema::Described::new::<
                HelloRequest,
            >(
                    "HelloRequest",
                    ::micro::__private::wire(
                        ::micro::__private::Probe::<HelloRequest>::WIRE,
                        ::micro::__private::Probe::<HelloRequest>::PROTO,
                    ),
                    ::micro::__private::Probe::<HelloRequest>::SHAPE,
                )
                .with_proto(
                    ::micro::__private::Probe::<HelloRequest>::DESCRIBED,
                    ::micro::__private::Probe::<
                        (::micro::__private::proto::kind::Foreign, HelloRequest),
                    >::TEXT,
                ),
            ::micro::schema::Described::new::<
                HelloResponse,
            >(
                    "HelloResponse",
                    ::micro::__private::wire(
                        ::micro::__private::Probe::<HelloResponse>::WIRE,
                        ::micro::__private::Probe::<HelloResponse>::PROTO,
                    ),
                    ::micro::__private::Probe::<HelloResponse>::SHAPE,
                )
                .with_proto(
                    ::micro::__private::Probe::<HelloResponse>::DESCRIBED,
                    ::micro::__private::Probe::<
                        (::micro::__private::proto::kind::Foreign, HelloResponse),
                    >::TEXT,
                ),
        )
    };
    #[doc(hidden)]
    const __micro_bye: &'static ::micro::endpoint::Definition = {
        use ::micro::__private::probes::*;
        &::micro::endpoint::Definition::unary(
            "Greeter.Bye",
            ::micro::schema::Described::nothing(),
            ::micro::schema::Described::nothing(),
        )
    };
    ///Calls `Greeter.Hello`.
    pub fn hello(
        &self,
        message: HelloRequest,
    ) -> ::micro::Call<HelloRequest, HelloResponse> {
        use ::micro::__private::probes::*;
        ::micro::client::Call::new(
            &self.target,
            Self::__micro_hello,
            ::micro::__private::Way::new(
                ::micro::__private::wire(
                    ::micro::__private::Probe::<HelloRequest>::WIRE,
                    ::micro::__private::Probe::<HelloRequest>::PROTO,
                ),
                ::micro::__private::Probe::<HelloRequest>::CODER,
            ),
            ::micro::__private::Way::new(
                ::micro::__private::wire(
                    ::micro::__private::Probe::<HelloResponse>::WIRE,
                    ::micro::__private::Probe::<HelloResponse>::PROTO,
                ),
                ::micro::__private::Probe::<HelloResponse>::CODER,
            ),
            message,
        )
    }
    ///Calls `Greeter.Bye`.
    pub fn bye(&self) -> ::micro::Call<(), ()> {
        use ::micro::__private::probes::*;
        ::micro::client::Call::new(
            &self.target,
            Self::__micro_bye,
            ::micro::__private::Way::new(
                ::micro::__private::wire(
                    ::micro::__private::Probe::<()>::WIRE,
                    ::micro::__private::Probe::<()>::PROTO,
                ),
                ::micro::__private::Probe::<()>::CODER,
            ),
            ::micro::__private::Way::new(
                ::micro::__private::wire(
                    ::micro::__private::Probe::<()>::WIRE,
                    ::micro::__private::Probe::<()>::PROTO,
                ),
                ::micro::__private::Probe::<()>::CODER,
            ),
            (),
        )
    }
}
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused_imports,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
const _: () = {
    use ::micro::__private::probes::*;
    ::micro::__private::agree((
        ::micro::__private::wire(
            ::micro::__private::Probe::<HelloRequest>::WIRE,
            ::micro::__private::Probe::<HelloRequest>::PROTO,
        ),
        ::micro::__private::wire(
            ::micro::__private::Probe::<HelloResponse>::WIRE,
            ::micro::__private::Probe::<HelloResponse>::PROTO,
        ),
    ))
};
