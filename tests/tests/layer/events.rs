//! Layers around subscribers.

use std::sync::{Arc, Mutex};

use micro::layer::{Next, from_fn};
use micro::testing::Network;
use micro::{Context, Error, Request, Response, Result, Topic};
use tokio::sync::mpsc;

use super::{Text, User, text};

const PLACED: Topic<Text> = Topic::new("orders.placed");

static MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Mailer(mpsc::UnboundedSender<String>);

fn own(request: Request, next: Next) -> impl Future<Output = Response> + Send {
    MADE.lock().unwrap().push(format!("own {}", request.endpoint));
    async move { next.run(request).await }
}

#[micro::service]
impl Mailer {
    #[subscriber(topic = PLACED, layer = from_fn(own))]
    async fn on_placed(&self, ctx: Context, event: Text) -> Result<()> {
        let user = ctx.extension::<User>().map_or("nobody", |user| &user.0);
        let _ = self.0.send(format!("{} by {user} in {}", event.text, ctx.topic().unwrap_or("none")));
        Ok(())
    }

    #[handler]
    async fn plain(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn layers_stand_around_methods_and_functions_and_refuse_events() {
    let net = Network::new();
    let (heard, mut hears) = mpsc::unbounded_channel();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let look = {
        let seen = seen.clone();
        from_fn(move |mut request: Request, next: Next| {
            let seen = seen.clone();
            async move {
                let topic = request.metadata.get("micro-topic").unwrap_or("none").to_owned();
                seen.lock().unwrap().push(format!("{} of {topic}", request.endpoint));
                request.extensions.insert(User("the layer".into()));
                if request.metadata.contains("spam") {
                    return Response::error(Error::permission_denied("no spam"));
                }
                assert!(!request.metadata.contains("trap"), "a trap");
                next.run(request).await
            }
        })
    };
    let function = heard.clone();
    let service = net.service("mailer").subscriber_layer(look).handle(Mailer(heard)).subscribe(
        Topic::<Text>::new("orders.paid"),
        move |ctx: Context, event: Text| {
            let user = ctx.extension::<User>().map(|user| user.0.clone());
            let _ = function.send(format!("paid {} by {user:?}", event.text));
            std::future::ready(Ok(()))
        },
    );
    net.start(service).await;
    let client = net.caller();
    PLACED.publish(&client, &text("spam")).metadata("spam", "1").await.unwrap();
    PLACED.publish(&client, &text("trap")).metadata("trap", "1").await.unwrap();
    PLACED.publish(&client, &text("7")).await.unwrap();
    assert_eq!(
        hears.recv().await.unwrap(),
        "7 by the layer in orders.placed",
        "refused and trapped ones are not heard"
    );
    Topic::new("orders.paid").publish(&client, &text("8")).await.unwrap();
    assert_eq!(hears.recv().await.unwrap(), "paid 8 by Some(\"the layer\")");
    let seen = seen.lock().unwrap();
    assert!(seen.iter().filter(|seen| *seen == "Mailer.OnPlaced of orders.placed").count() >= 3, "{seen:?}");
    assert!(seen.iter().any(|seen| seen.ends_with(" of orders.paid")), "{seen:?}");
    // The subscriber's own layer is inside, and stands around no other.
    assert!(MADE.lock().unwrap().iter().all(|made| made == "own Mailer.OnPlaced"));
}
