#![deny(warnings)]
use micro::{Context, Result};

macro_rules! service {
    ($name:ident, $request:ident, $field:ident, $result:ty, $body:block) => {
        #[micro::message]
        struct $request {
            $field: String,
        }

        struct $name;

        #[micro::service]
        impl $name {
            #[handler]
            async fn hello(&self, _: Context, req: $request) -> Result<$result> {
                drop(req);
                $body
            }
        }
    };
}

macro_rules! request {
    ($name:ident) => {
        #[micro::message]
        struct $name {
            word: String,
        }
    };
}

macro_rules! marked {
    ($item:item) => {
        #[micro::service]
        $item
    };
}

macro_rules! methods {
    ($type:ty { $($name:ident => $reply:ty = $value:expr;)* }) => {
        #[micro::service]
        impl $type {
            $(
                #[handler]
                async fn $name(&self) -> Result<$reply> {
                    Ok($value)
                }
            )*
        }
    };
}

request!(Ask);

struct Whole;

marked! {
    impl Whole {
        #[handler]
        async fn ask(&self, req: Ask) -> Result<String> {
            Ok(req.word)
        }
    }
}

struct Many;

methods!(Many {
    one => u32 = 1;
    two => String = "2".into();
});

mod made {
    use super::*;

    macro_rules! all {
        ($($name:ident)*) => {$(
            pub struct $name;

            #[micro::service]
            impl $name {
                #[handler]
                async fn hello(&self) -> Result<()> {
                    Ok(())
                }
            }
        )*};
    }

    all!(First Second);
}

fn endpoints<C, S: micro::server::Handle<C>>(_: &S) -> Vec<&'static str> {
    S::METHODS.iter().map(|method| method.definition.name).collect()
}

service!(Greeter, Request2, name, u64, { Ok(1) });

fn main() {
    assert_eq!(endpoints(&Whole), ["Whole.Ask"]);
    assert_eq!(endpoints(&Many), ["Many.One", "Many.Two"]);
    assert_eq!(endpoints(&Greeter), ["Greeter.Hello"]);
    assert_eq!(endpoints(&made::First), ["First.Hello"]);
    assert_eq!(endpoints(&made::Second), ["Second.Hello"]);
}
