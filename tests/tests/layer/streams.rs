//! Streams pass layers message by message, both ways.

use futures_util::stream::{self, StreamExt};
use micro::layer::{FromFn, Next, from_fn};
use micro::testing::Network;
use micro::{Body, Bytes, Code, ContentType, Request, Response, Result, Stream, Streaming};

use super::{Seen, Text, taken, text};

struct Loud;

#[micro::service]
impl Loud {
    #[handler]
    async fn shout(&self, words: Streaming<Text>) -> Result<impl Stream<Item = Result<Text>> + use<>> {
        Ok(words.map(|word| word.map(|word| text(&word.text.to_uppercase()))))
    }

    #[handler]
    async fn join(&self, mut words: Streaming<Text>) -> Result<Text> {
        let mut all = Vec::new();
        while let Some(word) = words.next().await {
            all.push(word?.text);
        }
        Ok(text(&all.join(" ")))
    }
}

/// Sees each message, and puts a letter at the end of its text.
fn append(letter: char, seen: &Seen) -> FromFn<impl Fn(Request, Next) -> Sent + Send + Sync + 'static> {
    let seen = seen.clone();
    from_fn(move |mut request: Request, next: Next| -> Sent {
        let seen = seen.clone();
        Box::pin(async move {
            assert_eq!(request.content_type, ContentType::Json);
            let saw = |way: &'static str| {
                let seen = seen.clone();
                move |message: Bytes| {
                    let message = String::from_utf8(message.to_vec()).unwrap();
                    seen.lock().unwrap().push(format!("{letter} {way} {message}"));
                    Bytes::from(message.replace("\"}", &format!("{letter}\"}}")))
                }
            };
            request.body = request.body.map(saw(">"));
            let mut response = next.run(request).await;
            response.result = response.result.map(|body| body.map(saw("<")));
            response
        })
    })
}

type Sent = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

async fn loud(net: &Network, seen: &Seen) -> LoudClient {
    net.start(net.service("loud").layer(append('s', seen)).handle(Loud)).await;
    LoudClient::new("loud", net.service("caller").client_layer(append('c', seen)).client())
}

#[tokio::test]
async fn each_message_is_seen_and_changed_both_ways() {
    let (net, seen) = (Network::new(), Seen::default());
    let loud = loud(&net, &seen).await;
    let words = stream::iter([text("a"), text("b")]);
    let mut heard = loud.shout(words).content_type(ContentType::Json).await.unwrap();
    assert_eq!(heard.next().await.unwrap().unwrap(), text("ACSsc"));
    // Nothing is read ahead of who takes it: the layers are in between, they do not gather.
    let expected = [r#"c > {"text":"a"}"#, r#"s > {"text":"ac"}"#, r#"s < {"text":"ACS"}"#, r#"c < {"text":"ACSs"}"#];
    let first: Vec<String> = taken(&seen).into_iter().filter(|seen| seen.to_lowercase().contains("\"a")).collect();
    assert_eq!(first, expected);
    assert_eq!(heard.next().await.unwrap().unwrap(), text("BCSsc"));
    assert!(heard.next().await.is_none());
}

#[tokio::test]
async fn a_stream_there_and_one_message_back() {
    let (net, seen) = (Network::new(), Seen::default());
    let loud = loud(&net, &seen).await;
    let words = stream::iter([text("a"), text("b")]);
    let joined = loud.join(words).content_type(ContentType::Json).await.unwrap();
    assert_eq!(joined, text("acs bcssc"));
    assert_eq!(taken(&seen).len(), 6);
}

#[tokio::test]
async fn a_layer_that_panics_on_a_message_ends_that_stream_only() {
    let net = Network::new();
    let trap = from_fn(|request: Request, next: Next| async move {
        let mut response = next.run(request).await;
        response.result = response.result.map(|body| {
            body.map(|message| {
                assert!(!message.ends_with(b"TRAP\"}"), "a trap");
                message
            })
        });
        response
    });
    net.start(net.service("loud").layer(trap).handle(Loud)).await;
    let loud: LoudClient = net.client("loud");
    let words = stream::iter([text("a"), text("trap"), text("b")]);
    let mut heard = loud.shout(words).content_type(ContentType::Json).await.unwrap();
    assert_eq!(heard.next().await.unwrap().unwrap(), text("A"));
    let error = heard.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(error.detail().contains("a trap"), "{error}");
    assert!(heard.next().await.is_none());
    let mut heard = loud.shout(stream::iter([text("b")])).content_type(ContentType::Json).await.unwrap();
    assert_eq!(heard.next().await.unwrap().unwrap(), text("B"));
}

#[tokio::test]
async fn a_layer_may_put_other_messages_in_their_place() {
    let net = Network::new();
    let skip = from_fn(|mut request: Request, next: Next| async move {
        let messages = request.body.into_stream().filter(|message| {
            let keep = message.as_ref().is_ok_and(|message| !message.ends_with(b"secret\"}"));
            std::future::ready(keep)
        });
        request.body = Body::Stream(Streaming::new(messages));
        next.run(request).await
    });
    net.serve("loud", Loud).await;
    let loud = LoudClient::new("loud", net.service("caller").client_layer(skip).client());
    let words = stream::iter([text("a"), text("secret"), text("b")]);
    assert_eq!(loud.join(words).content_type(ContentType::Json).await.unwrap(), text("a b"));
}
