//! Layers, as those who write them and those who are called through them see them, on a network in memory.

mod events;
mod limits;
mod order;
mod stock;
mod streams;
mod trace;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use micro::layer::{Next, from_fn};
use micro::testing::Network;
use micro::{Body, Code, Context, Error, Request, Response, Result, Stage};
use tokio::sync::{Semaphore, mpsc};

#[micro::message]
#[derive(PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
}

pub(crate) fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

/// Answers at once, or when it is let; says when it begins and ends.
pub(crate) struct Desk {
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) heard: mpsc::UnboundedSender<&'static str>,
}

impl Desk {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<&'static str>) {
        let (heard, hears) = mpsc::unbounded_channel();
        (Self { gate: Arc::new(Semaphore::new(0)), heard }, hears)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct User(pub(crate) String);

#[micro::service]
impl Desk {
    #[handler]
    async fn say(&self, ctx: Context, request: Text) -> Result<Text> {
        let tenant = ctx.metadata().get("tenant").unwrap_or("nobody");
        let user = ctx.extension::<User>().map_or("nobody", |user| &user.0);
        Ok(text(&format!("{} for {tenant} by {user}", request.text)))
    }

    #[handler]
    async fn fail(&self) -> Result<()> {
        Err(Error::from_status(418, "short and stout"))
    }

    #[handler]
    async fn held(&self) -> Result<()> {
        struct Ends(mpsc::UnboundedSender<&'static str>);
        impl Drop for Ends {
            fn drop(&mut self) {
                let _ = self.0.send("ended");
            }
        }
        let _ends = Ends(self.heard.clone());
        let _ = self.heard.send("began");
        let _permit = self.gate.acquire().await.or_code_of_test()?;
        Ok(())
    }
}

trait OfTest<T> {
    fn or_code_of_test(self) -> Result<T>;
}

impl<T, E> OfTest<T> for Result<T, E> {
    fn or_code_of_test(self) -> Result<T> {
        self.map_err(|_| Error::internal("the gate is closed"))
    }
}

/// Of what a layer saw.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

pub(crate) fn taken(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut seen.lock().unwrap())
}

#[tokio::test]
async fn a_layer_of_a_client_adds_metadata_that_the_handler_sees() {
    let net = Network::new();
    net.serve("desk", Desk::new().0).await;
    let caller = net.service("caller").client_layer(from_fn(|mut request: Request, next: Next| async move {
        assert!(
            request.metadata.is_empty() && request.endpoint == "Desk.Say" && request.peer.remote.starts_with("memory")
        );
        request.extensions.insert(User("of the client".into()));
        request.metadata.insert("tenant", "acme")?;
        Ok(next.run(request).await)
    }));
    let reply = DeskClient::new("desk", caller.client()).say(text("hello")).await.unwrap();
    assert_eq!(reply.text, "hello for acme by nobody", "metadata travels, extensions do not");
}

#[tokio::test]
async fn a_layer_of_a_server_tells_the_handler_who_calls_and_nobody_without_a_name_gets_through() {
    let net = Network::new();
    let who = from_fn(|mut request: Request, next: Next| async move {
        assert!(Context::current().is_none());
        let Some(user) = request.metadata.get("user").map(str::to_owned) else {
            return Response::error(Error::unauthenticated("say who you are"));
        };
        request.metadata.insert("tenant", "acme").unwrap();
        request.extensions.insert(User(user));
        let mut response = next.run(request).await;
        response.metadata.insert("served-by", "desk 7").unwrap();
        response
    });
    net.start(net.service("desk").layer(who).handle(Desk::new().0)).await;
    let desk: DeskClient = net.client("desk");
    let reply = desk.say(text("hello")).metadata("user", "ann").reply().await.unwrap();
    assert_eq!(reply.message.text, "hello for acme by ann");
    assert_eq!(reply.metadata.get("served-by"), Some("desk 7"));
    let error = desk.say(text("hello")).await.unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::Unauthenticated, Some(Stage::Handle)));
    // The built-in endpoints tell how it is whatever stands around the others; an unknown one meets no layer.
    let health: serde_json::Value =
        net.caller().call("desk", "Debug.Health", &serde_json::json!({})).await.expect("no layer");
    assert!(!health.is_null());
    let unknown = net.caller().call::<_, serde_json::Value>("desk", "Desk.Gone", &serde_json::json!({})).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_error_of_a_handler_is_in_the_response_that_layers_see() {
    let net = Network::new();
    let seen = Seen::default();
    let look = |place: &'static str, seen: &Seen| {
        let seen = seen.clone();
        from_fn(move |request: Request, next: Next| {
            let seen = seen.clone();
            async move {
                let response = next.run(request).await;
                let status = response.result.as_ref().map_or_else(Error::status, |_| 200);
                seen.lock().unwrap().push(format!("{place} {status}"));
                response
            }
        })
    };
    net.start(net.service("desk").layer(look("server", &seen)).handle(Desk::new().0)).await;
    let caller = net.service("caller").client_layer(look("client", &seen)).client();
    let desk = DeskClient::new("desk", caller);
    let error = desk.fail().await.unwrap_err();
    assert_eq!((error.status(), error.stage(), error.attempt()), (418, Some(Stage::Handle), Some(1)));
    assert_eq!(taken(&seen), ["server 418", "client 418"]);
}

#[tokio::test]
async fn a_layer_that_panics_is_one_failed_call() {
    let net = Network::new();
    let trap = |name: &'static str| {
        from_fn(move |request: Request, next: Next| {
            assert!(request.metadata.get(name) != Some("at once"), "a trap");
            async move {
                assert!(request.metadata.get(name) != Some("later"), "a trap");
                next.run(request).await
            }
        })
    };
    net.start(net.service("desk").layer(trap("server")).handle(Desk::new().0)).await;
    let caller = net.service("caller").client_layer(trap("client")).client();
    let desk = DeskClient::new("desk", caller);
    for place in ["server", "client"] {
        for when in ["at once", "later"] {
            let error = desk.say(text("hello")).metadata(place, when).await.unwrap_err();
            let stage = if place == "server" { Stage::Handle } else { Stage::Layer };
            assert_eq!((error.code(), error.stage()), (Code::Internal, Some(stage)), "{place} {when}");
            assert!(error.detail().contains("a trap"), "{error}");
        }
        desk.say(text("hello")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_through_layers_drops_the_handler() {
    let net = Network::new();
    let through = || from_fn(|request: Request, next: Next| async move { next.run(request).await });
    let (desk, mut hears) = Desk::new();
    net.start(net.service("desk").layer(through()).layer(through()).handle(desk)).await;
    let caller = net.service("caller").client_layer(through()).client_layer(through()).client();
    let desk = DeskClient::new("desk", caller);
    let call = tokio::spawn(async move { desk.held().await });
    assert_eq!(hears.recv().await, Some("began"));
    call.abort();
    assert_eq!(hears.recv().await, Some("ended"));
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_gives_up_drops_the_attempt_and_goes_on() {
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    net.serve("desk", desk).await;
    let caller = net.service("caller").client_layer(from_fn(|request: Request, next: Next| async move {
        let again = request.try_clone().expect("one message");
        tokio::select! {
            response = next.run(request) => return response,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let mut again = again;
        again.body = Body::from("{}");
        let second = tokio::time::timeout(Duration::from_secs(1), next.run(again)).await;
        assert!(second.is_err());
        Response::error(Error::aborted("twice"))
    }));
    let error = DeskClient::new("desk", caller.client()).held().await.unwrap_err();
    assert_eq!((error.code(), error.stage(), error.attempt()), (Code::Aborted, Some(Stage::Layer), Some(1)));
    for heard in ["began", "ended", "began", "ended"] {
        assert_eq!(hears.recv().await, Some(heard));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_repeated_passes_the_layers_again_with_the_next_node() {
    let net = Network::new();
    let nodes = [net.serve("desk", Desk::new().0).await, net.serve("desk", Desk::new().0).await];
    let seen = Seen::default();
    let look = {
        let seen = seen.clone();
        from_fn(move |request: Request, next: Next| {
            seen.lock().unwrap().push(request.peer.remote.clone());
            async move { next.run(request).await }
        })
    };
    let caller = net.service("caller").client_layer(look);
    let desk = DeskClient::new("desk", caller.client());
    desk.say(text("warm")).await.unwrap();
    nodes[0].refuse();
    taken(&seen);
    for _ in 0..8 {
        desk.say(text("hello")).await.unwrap();
    }
    let seen = taken(&seen);
    let refused = seen.iter().filter(|address| *address == nodes[0].address()).count();
    let served = seen.iter().filter(|address| *address == nodes[1].address()).count();
    assert_eq!((served, seen.len()), (8, 8 + refused));
    nodes[1].refuse();
    let error = desk.say(text("hello")).await.unwrap_err();
    assert_eq!((error.stage(), error.attempt()), (Some(Stage::Connect), Some(2)));
}

#[tokio::test]
async fn only_errors_of_layers_that_say_so_are_tried_again() {
    let net = Network::new();
    net.serve("desk", Desk::new().0).await;
    let seen = Seen::default();
    let refuse = {
        let seen = seen.clone();
        from_fn(move |request: Request, _: Next| {
            seen.lock().unwrap().push(request.endpoint.to_string());
            let error = Error::resource_exhausted("no");
            let unhandled = request.metadata.contains("unhandled");
            std::future::ready(Response::error(if unhandled { error.unhandled() } else { error }))
        })
    };
    let caller = net.service("caller").client_layer(refuse);
    let desk = DeskClient::new("desk", caller.client());
    assert_eq!(desk.say(text("x")).retries(3).await.unwrap_err().attempt(), Some(1));
    assert_eq!(desk.say(text("x")).idempotent().retries(3).await.unwrap_err().attempt(), Some(1));
    assert_eq!(taken(&seen).len(), 2);
    assert_eq!(desk.say(text("x")).metadata("unhandled", "1").retries(3).await.unwrap_err().attempt(), Some(4));
    assert_eq!(taken(&seen).len(), 4);
}

#[tokio::test]
async fn a_request_that_a_layer_made_up_is_refused() {
    let net = Network::new();
    let forge =
        from_fn(|_: Request, next: Next| async move { next.run(Request::new("desk", "Desk.Fail", "{}")).await });
    net.start(net.service("desk").layer(forge).handle(Desk::new().0)).await;
    let error = net.client::<DeskClient>("desk").say(text("x")).await.unwrap_err();
    assert!(error.detail().contains("change the one that came"), "{error}");
}
