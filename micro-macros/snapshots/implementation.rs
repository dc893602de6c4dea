impl<T: Words> contract::Greeter for Polite<T> {
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(self.0.greet(req))
    }
}
const _: () = {
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
    trait __MicroWay {
        type Client;
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
    impl<__MicroService: contract::Greeter> __MicroWay for __MicroService {
        type Client = __MicroService::MarkTheTraitWithMicroService;
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
    impl<T: Words> ::micro::server::Handle<<Polite<T> as __MicroWay>::Client>
    for Polite<T> {
        const SERVICE: ::micro::server::About = <<Polite<
            T,
        > as __MicroWay>::Client as ::micro::__private::Contract<Polite<T>>>::SERVICE;
        const METHODS: &'static [::micro::server::Method<Self>] = <<Polite<
            T,
        > as __MicroWay>::Client as ::micro::__private::Contract<Polite<T>>>::METHODS;
    }
};
