#![deny(warnings)]
//! A service that others see, with messages that they do not.

use micro::Result;

#[micro::message]
struct HelloRequest {
    name: String,
}

#[micro::message]
struct HelloResponse {
    greeting: String,
}

pub struct Greeter;

#[micro::service]
impl Greeter {
    #[handler]
    async fn hello(&self, req: HelloRequest) -> Result<HelloResponse> {
        Ok(HelloResponse { greeting: req.name })
    }
}

pub mod inner {
    use micro::Result;

    #[micro::message]
    pub(super) struct Inner {
        pub(super) word: String,
    }

    pub(crate) struct Hidden;

    #[micro::service]
    impl Hidden {
        #[handler]
        pub(super) async fn hello(&self, req: Inner) -> Result<String> {
            Ok(req.word)
        }
    }

    #[micro::service]
    pub(crate) trait Whisper {
        #[handler]
        async fn whisper(&self) -> Result<()>;
    }
}

struct Unused;

#[micro::service]
impl Unused {
    #[handler]
    async fn unused(&self) -> Result<()> {
        Ok(())
    }
}

impl inner::Whisper for Unused {
    async fn whisper(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let _ = (Greeter, inner::Hidden, Unused, inner::Inner::default().word);
    drop(inner::Whisper::whisper(&Unused));
}
