impl<T: Item, L> Store<T, L>
where
    L: Log,
{
    #[allow(
        clippy::unused_async,
        clippy::unused_self,
        clippy::needless_pass_by_value,
        clippy::trivially_copy_pass_by_ref
    )]
    #[cfg(unix)]
    #[deprecated]
    async fn list(&self) -> Result<Page<T>> {
        self.list_all()
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
impl<T: Item, L> framework::server::Handle<__micro_StoreClient_list::StoreClient<T>>
for Store<T, L>
where
    L: Log,
{
    const SERVICE: framework::server::About = framework::server::About::new("Store");
    const METHODS: &'static [framework::server::Method<Self>] = {
        use framework::__private::probes::*;
        use framework::__private::NotShared as _;
        &[
            #[cfg(unix)]
            framework::server::Method {
                definition: *__micro_StoreClient_list::StoreClient::<T>::__micro_list,
                call: |service, context, message| framework::__private::Dispatch::<
                    Self,
                >::unary::<
                    (),
                    Page<T>,
                    _,
                    _,
                >(
                    (
                        framework::__private::wire(
                            framework::__private::Probe::<()>::WIRE,
                            framework::__private::Probe::<()>::PROTO,
                        ),
                        framework::__private::wire(
                            framework::__private::Probe::<Page<T>>::WIRE,
                            framework::__private::Probe::<Page<T>>::PROTO,
                        ),
                    ),
                    service,
                    context,
                    message,
                    |service, context, message| { Self::list(service) },
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
mod __micro_StoreClient_list {
    use super::*;
    /**A client of `Store`: one method for each endpoint.

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
    pub struct StoreClient<T> {
        pub(super) target: framework::client::Target,
        marker: framework::__private::std::marker::PhantomData<fn() -> (*const T,)>,
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
    impl<T> framework::__private::std::clone::Clone for StoreClient<T> {
        fn clone(&self) -> Self {
            Self {
                target: framework::__private::std::clone::Clone::clone(&self.target),
                marker: framework::__private::std::marker::PhantomData,
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
    impl<T> framework::__private::std::fmt::Debug for StoreClient<T> {
        fn fmt(
            &self,
            f: &mut framework::__private::std::fmt::Formatter<'_>,
        ) -> framework::__private::std::fmt::Result {
            f.debug_struct("StoreClient").field("target", &self.target).finish()
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
    impl<T> framework::client::Typed for StoreClient<T> {
        fn connect(target: framework::client::Target) -> Self {
            Self {
                target,
                marker: framework::__private::std::marker::PhantomData,
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
    impl<T> StoreClient<T> {
        /// A client that calls the service of that name in the registry.
        #[must_use]
        pub fn new(
            service: impl framework::__private::std::convert::Into<
                framework::__private::std::sync::Arc<
                    framework::__private::std::primitive::str,
                >,
            >,
            client: impl framework::__private::std::convert::Into<framework::Client>,
        ) -> Self {
            Self {
                target: framework::client::Target::new(service, client),
                marker: framework::__private::std::marker::PhantomData,
            }
        }
        /// The same client for calls that take part in the call of `context`: its deadline and cancellation, the
        /// metadata that travels on. Inside of a handler calls do so by themselves; tasks that it spawned need this.
        #[must_use]
        pub fn within(&self, context: &framework::Context) -> Self {
            Self {
                target: self.target.within(context),
                marker: framework::__private::std::marker::PhantomData,
            }
        }
        /// The same client for calls that take part in no other call, even inside of a handler.
        #[must_use]
        pub fn detached(&self) -> Self {
            Self {
                target: self.target.detached(),
                marker: framework::__private::std::marker::PhantomData,
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
pub use __micro_StoreClient_list::StoreClient;
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
impl<T: Item> __micro_StoreClient_list::StoreClient<T> {
    #[cfg(unix)]
    #[doc(hidden)]
    const __micro_list: &'static framework::endpoint::Definition = {
        use framework::__private::probes::*;
        &framework::endpoint::Definition::unary(
                "Store.List",
                framework::schema::Described::nothing(),
                framework::schema::Described::new::<
                    Page<T>,
                >(
                        "Page<T>",
                        framework::__private::wire(
                            framework::__private::Probe::<Page<T>>::WIRE,
                            framework::__private::Probe::<Page<T>>::PROTO,
                        ),
                        framework::__private::Probe::<Page<T>>::SHAPE,
                    )
                    .with_proto(
                        framework::__private::Probe::<Page<T>>::DESCRIBED,
                        framework::__private::Probe::<
                            (framework::__private::proto::kind::Foreign, Page<T>),
                        >::TEXT,
                    ),
            )
            .with_deprecated()
    };
    #[cfg(unix)]
    ///Calls `Store.List`.
    #[deprecated]
    pub fn list(&self) -> framework::Call<(), Page<T>> {
        use framework::__private::probes::*;
        framework::client::Call::new(
            &self.target,
            Self::__micro_list,
            framework::__private::Way::new(
                framework::__private::wire(
                    framework::__private::Probe::<()>::WIRE,
                    framework::__private::Probe::<()>::PROTO,
                ),
                framework::__private::Probe::<()>::CODER,
            ),
            framework::__private::Way::new(
                framework::__private::wire(
                    framework::__private::Probe::<Page<T>>::WIRE,
                    framework::__private::Probe::<Page<T>>::PROTO,
                ),
                framework::__private::Probe::<Page<T>>::CODER,
            ),
            (),
        )
    }
}
