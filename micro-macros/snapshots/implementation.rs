impl<T: Words> contract::Greeter for Polite<T> {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(self.0.greet(req))
    }
}
const _: () = {
    #[allow(type_alias_bounds)]
    type __MicroClient<__MicroService: contract::Greeter> = __MicroService::MarkTheTraitWithMicroService;
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
    impl<T: Words> ::micro::server::Handle<__MicroClient<Polite<T>>> for Polite<T> {
        const SERVICE: ::micro::server::About = <__MicroClient<
            Polite<T>,
        > as ::micro::__private::Contract<Polite<T>>>::SERVICE;
        const METHODS: &'static [::micro::server::Method<Self>] = <__MicroClient<
            Polite<T>,
        > as ::micro::__private::Contract<Polite<T>>>::METHODS;
        const SUBSCRIBERS: &'static [::micro::server::Subscriber<Self>] = <__MicroClient<
            Polite<T>,
        > as ::micro::__private::Contract<Polite<T>>>::SUBSCRIBERS;
    }
};
