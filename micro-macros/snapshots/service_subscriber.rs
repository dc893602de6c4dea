impl Mailer {
    #[allow(
        clippy::unused_async,
        clippy::unused_self,
        clippy::needless_pass_by_value,
        clippy::trivially_copy_pass_by_ref
    )]
    async fn on_placed(&self, ctx: Context, event: OrderPlaced) -> Result<()> {
        self.mail(ctx, event).await
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
impl ::micro::server::Handle<__micro_MailerClient_on_placed::MailerClient> for Mailer {
    const SERVICE: ::micro::server::About = ::micro::server::About::new("Mailer");
    const METHODS: &'static [::micro::server::Method<Self>] = {
        use ::micro::__private::probes::*;
        use ::micro::__private::NotShared as _;
        &[]
    };
    const SUBSCRIBERS: &'static [::micro::server::Subscriber<Self>] = {
        use ::micro::__private::probes::*;
        use ::micro::__private::NotSharedEvents as _;
        &[
            ::micro::server::Subscriber {
                name: "Mailer.OnPlaced",
                terms: || {
                    ::micro::broker::Terms::new(
                            ::micro::__private::topic::<OrderPlaced>(PLACED),
                        )
                        .queue("mailer")
                        .concurrency(8usize)
                        .redelivery()
                },
                message: ::micro::schema::Described::new::<
                    OrderPlaced,
                >(
                        "OrderPlaced",
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<OrderPlaced>::WIRE,
                            ::micro::__private::Probe::<OrderPlaced>::PROTO,
                        ),
                        ::micro::__private::Probe::<OrderPlaced>::SHAPE,
                    )
                    .with_proto(
                        ::micro::__private::Probe::<OrderPlaced>::DESCRIBED,
                        ::micro::__private::Probe::<
                            (::micro::__private::proto::kind::Foreign, OrderPlaced),
                        >::TEXT,
                    ),
                call: |service, context, message| {
                    ::micro::__private::Events::<
                        Self,
                    >::event::<
                        OrderPlaced,
                        _,
                        _,
                    >(
                        ::micro::__private::wire(
                            ::micro::__private::Probe::<OrderPlaced>::WIRE,
                            ::micro::__private::Probe::<OrderPlaced>::PROTO,
                        ),
                        service,
                        context,
                        message,
                        |service, context, message| Self::on_placed(
                            service,
                            context,
                            message,
                        ),
                    )
                },
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
mod __micro_MailerClient_on_placed {
    /**A client of `Mailer`: one method for each endpoint.

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
    pub struct MailerClient {
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
    impl ::micro::__private::std::clone::Clone for MailerClient {
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
    impl ::micro::__private::std::fmt::Debug for MailerClient {
        fn fmt(
            &self,
            f: &mut ::micro::__private::std::fmt::Formatter<'_>,
        ) -> ::micro::__private::std::fmt::Result {
            f.debug_struct("MailerClient").field("target", &self.target).finish()
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
    impl ::micro::client::Typed for MailerClient {
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
    impl MailerClient {
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
pub use __micro_MailerClient_on_placed::MailerClient;
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
impl __micro_MailerClient_on_placed::MailerClient {}
