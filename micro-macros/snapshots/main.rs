fn main() -> ::micro::__private::std::process::ExitCode {
    async fn main() -> Result<()> {
        Service::new("greeter").run().await
    }
    ::micro::__private::main(main)
}
