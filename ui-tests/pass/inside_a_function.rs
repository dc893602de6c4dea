#![deny(warnings)]
use micro::Result;

fn main() {
    #[micro::message]
    struct Request {
        name: String,
    }

    struct Local;

    #[micro::service]
    impl Local {
        #[handler]
        async fn hello(&self, req: Request) -> Result<String> {
            Ok(req.name)
        }
    }

    #[micro::service]
    trait Other {
        #[handler]
        async fn other(&self) -> Result<()>;
    }

    #[micro::service]
    impl Other for Local {
        async fn other(&self) -> Result<()> {
            Ok(())
        }
    }

    fn count<C, S: micro::server::Handle<C>>(_: &S) -> usize {
        S::METHODS.len()
    }
    assert_eq!(count::<LocalClient, _>(&Local) + count::<OtherClient, _>(&Local), 2);
}
