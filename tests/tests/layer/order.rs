//! Added first is outermost, on every position.

use micro::layer::{FromFn, Next, from_fn};
use micro::testing::Network;
use micro::{Context, Request, Response, Result};

use super::{Seen, Text, taken, text};

/// A layer that writes down when a request goes in and its response comes out.
fn mark(name: &'static str, seen: &Seen) -> FromFn<impl Fn(Request, Next) -> Marked + Send + Sync + 'static> {
    let seen = seen.clone();
    from_fn(move |request: Request, next: Next| -> Marked {
        let seen = seen.clone();
        Box::pin(async move {
            seen.lock().unwrap().push(format!("{name} in"));
            let response = next.run(request).await;
            seen.lock().unwrap().push(format!("{name} out"));
            response
        })
    })
}

type Marked = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

static SEEN: std::sync::LazyLock<Seen> = std::sync::LazyLock::new(Seen::default);
static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

struct Ordered;

#[micro::service]
impl Ordered {
    const NAME: &'static str = "endpoint one";

    #[handler(layer(Self::counted(), mark("endpoint two", &SEEN)))]
    async fn around(&self, ctx: Context, request: Text) -> Result<Text> {
        SEEN.lock().unwrap().push("handler".to_owned());
        let _ = ctx;
        Ok(request)
    }

    #[handler]
    async fn plain(&self) -> Result<()> {
        SEEN.lock().unwrap().push("plain".to_owned());
        Ok(())
    }

    fn counted() -> FromFn<impl Fn(Request, Next) -> Marked + Send + Sync + 'static> {
        MADE.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        mark(Self::NAME, &SEEN)
    }
}

#[tokio::test]
async fn what_was_added_first_is_outermost() {
    let net = Network::new();
    let service = net.service("ordered").layer(mark("service one", &SEEN)).layer(mark("service two", &SEEN));
    net.start(service.handle(Ordered)).await;
    let caller = net.service("caller").client_layer(mark("client one", &SEEN)).client_layer(mark("client two", &SEEN));
    let ordered = OrderedClient::new("ordered", caller.client());
    for _ in 0..2 {
        ordered.around(text("x")).await.unwrap();
        let layers = ["client one", "client two", "service one", "service two", "endpoint one", "endpoint two"];
        let mut expected: Vec<String> = layers.iter().map(|name| format!("{name} in")).collect();
        expected.push("handler".to_owned());
        expected.extend(layers.iter().rev().map(|name| format!("{name} out")));
        assert_eq!(taken(&SEEN), expected);
    }
    assert_eq!(MADE.load(std::sync::atomic::Ordering::SeqCst), 1, "made once, at the start");
    ordered.plain().await.unwrap();
    let seen = taken(&SEEN);
    assert!(seen.contains(&"service two in".to_owned()) && !seen.contains(&"endpoint one in".to_owned()), "{seen:?}");
}
