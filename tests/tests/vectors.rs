//! What Go Micro's clients sent, byte for byte, gets what its servers answered.
//!
//! The recordings are of v5 and v6; `tests/vectors/README.md` explains them. A Rust server sends back none of the
//! request's headers, which is Go's way of writing a response and means nothing.

use std::path::PathBuf;
use std::sync::Arc;

use micro::server::Router;
use micro::transport::{Http, Limits, Serve, Transport};
use micro::{Context, Error, Metadata, Result};
use serde_json::Value;
use tests::say;
use tests::wire::{Answer, Raw};
use tokio_util::sync::CancellationToken;

/// The recorded mucp cases with JSON.
const CASES: &[&str] = &[
    "unary-json",
    "unary-json-escape",
    "unary-conn-close",
    "error-json",
    "error-plain",
    "error-text",
    "error-plain-text",
    "error-unknown-handler",
    "error-unknown-method",
    "error-ill-formed-endpoint",
    "error-unknown-content-type",
];

/// The recorded mucp cases with protobuf, and with the JSON of its messages. They call `Say.PB`, which takes and returns
/// a `google.protobuf.StringValue`.
const PROTOBUF: &[&str] = &["unary-protobuf", "unary-protobuf-empty", "error-protobuf", "unary-json-pb-string"];

/// Headers that mean something, all others being an echo.
const COMPARED: &[&str] = &["content-type", "content-length", "micro-error", "x-micro-error", "connection"];

fn recorded(version: &str, name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "vectors", version, name].iter().collect();
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each request of a recorded connection, and each response.
fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut messages, mut rest) = (Vec::new(), bytes);
    while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let (message, after) = rest.split_at(end + 4 + length.map_or(0, |length| length.parse().unwrap()));
        messages.push(message.to_vec());
        rest = after;
    }
    assert!(rest.is_empty(), "the recording ends with a whole message");
    messages
}

/// An answer without its echo, in one order.
fn meaning(answer: &Answer) -> Answer {
    let known = |name: &&str| answer.header(name).map(|value| ((*name).to_owned(), value.to_owned()));
    Answer { headers: COMPARED.iter().filter_map(known).collect(), ..answer.clone() }
}

async fn serve(server: Arc<dyn Serve>) -> u16 {
    let listener = Http::new().listen("127.0.0.1:0", &Limits::default()).await.unwrap();
    let port = listener.address().rsplit_once(':').unwrap().1.parse().unwrap();
    tokio::spawn(listener.serve(server, CancellationToken::new()));
    port
}

/// The recorded service, as its author would write it.
struct Say;

#[micro::message]
struct Req {
    name: String,
}

#[micro::message]
struct Rsp {
    msg: String,
}

#[micro::service]
impl Say {
    #[handler]
    async fn hello(&self, req: Req) -> Result<Rsp> {
        Ok(Rsp { msg: format!("Hello {}", req.name) })
    }

    #[handler]
    async fn fail(&self, req: Req) -> Result<Rsp> {
        Err(Error::bad_request(format!("bad name: {}", req.name)).with_id("greeter.say"))
    }

    #[handler]
    async fn plain(&self, _req: Req) -> Result<Rsp> {
        Err(Error::unknown("plain error"))
    }

    #[handler]
    async fn text(&self, _req: Req) -> Result<Rsp> {
        Err(Error::internal("line1\nline2 <b>&\"é").with_id("greeter.say"))
    }

    #[handler]
    async fn plain_text(&self, _req: Req) -> Result<Rsp> {
        Err(Error::unknown("line1\nline2 <b>&\"é"))
    }

    #[handler(name = "PB")]
    async fn wrapped(&self, name: String) -> Result<String> {
        match name.as_str() {
            "err" => Err(Error::not_found("no such value").with_id("greeter.say")),
            name => Ok(format!("Hello {name}")),
        }
    }

    #[handler]
    async fn meta(&self, ctx: Context, _req: Req) -> Result<Rsp> {
        let seen = ctx.metadata().iter().filter(|(name, _)| *name != "host");
        let mut seen: serde_json::Map<_, Value> =
            seen.map(|(name, value)| (Metadata::canonical(name), value.into())).collect();
        seen.insert("Local".into(), ctx.peer().local.clone().into());
        seen.insert("Remote".into(), ctx.peer().remote.clone().into());
        Ok(Rsp { msg: Value::Object(seen).to_string() })
    }
}

fn servers() -> [Arc<dyn Serve>; 2] {
    let mut router = Router::new("greeter");
    router.add(Arc::new(Say)).unwrap();
    [say::Say::new().0, Arc::new(router)]
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_answers() {
    for server in servers() {
        let port = serve(server).await;
        for version in ["v5", "v6"] {
            for case in CASES {
                let mut raw = Raw::connect(port).await;
                raw.send(recorded(version, &format!("{case}.request.bin"))).await;
                let expected = Answer::parse(&recorded(version, &format!("{case}.response.bin")));
                assert_eq!(meaning(&raw.answer().await), meaning(&expected), "{version} {case}");
                if *case == "unary-conn-close" {
                    raw.closed().await;
                }
            }
        }
    }
}

#[tokio::test]
async fn messages_of_protobuf_get_the_recorded_answers() {
    let [_, router] = servers();
    let port = serve(router).await;
    for version in ["v5", "v6"] {
        let mut raw = Raw::connect(port).await;
        for case in PROTOBUF {
            raw.send(recorded(version, &format!("{case}.request.bin"))).await;
            let expected = Answer::parse(&recorded(version, &format!("{case}.response.bin")));
            assert_eq!(meaning(&raw.answer().await), meaning(&expected), "{version} {case}");
        }
        // Both calls of the recording, the second of them in protobuf.
        let requests = messages(&recorded(version, "unary-two-calls.request.bin"));
        let responses = messages(&recorded(version, "unary-two-calls.response.bin"));
        for (request, response) in requests.into_iter().zip(responses) {
            raw.send(request).await;
            assert_eq!(meaning(&raw.answer().await), meaning(&Answer::parse(&response)), "{version}");
        }
    }
}

#[tokio::test]
async fn calls_follow_each_other_on_one_connection() {
    for server in servers() {
        let port = serve(server).await;
        for version in ["v5", "v6"] {
            let mut raw = Raw::connect(port).await;
            // The second call of the recording is protobuf's; the other calls are JSON's, an error among them.
            let request = messages(&recorded(version, "unary-two-calls.request.bin")).swap_remove(0);
            let response = messages(&recorded(version, "unary-two-calls.response.bin")).swap_remove(0);
            let mut sequence = vec![(request, response)];
            for case in ["error-json", "unary-json-escape", "unary-json"] {
                let part = |part| recorded(version, &format!("{case}.{part}.bin"));
                sequence.push((part("request"), part("response")));
            }
            for (request, response) in sequence {
                raw.send(request).await;
                assert_eq!(meaning(&raw.answer().await), meaning(&Answer::parse(&response)), "{version}");
            }
        }
    }
}

#[tokio::test]
async fn handlers_see_the_metadata_that_go_handlers_saw() {
    let seen = |answer: &Answer| -> Value {
        let reply: Value = serde_json::from_slice(&answer.body).unwrap();
        let mut seen: Value = serde_json::from_str(reply["msg"].as_str().unwrap()).unwrap();
        for varies in ["Local", "Remote"] {
            let address = seen[varies].take();
            assert!(address.as_str().unwrap().starts_with("127.0.0.1:"), "{address}");
        }
        seen
    };
    for server in servers() {
        let port = serve(server).await;
        for version in ["v5", "v6"] {
            let mut raw = Raw::connect(port).await;
            raw.send(recorded(version, "unary-json-metadata.request.bin")).await;
            let answer = raw.answer().await;
            let expected = Answer::parse(&recorded(version, "unary-json-metadata.response.bin"));
            assert_eq!(seen(&answer), seen(&expected), "{version}");
            assert!(answer.body.ends_with(b"\"}\n"));
        }
    }
}

/// The recordings have one order of writing, and no server depends on it.
#[tokio::test]
async fn the_pieces_in_which_a_request_comes_do_not_matter() {
    let port = serve(servers()[0].clone()).await;
    let request = recorded("v6", "unary-json.request.bin");
    let expected = Answer::parse(&recorded("v6", "unary-json.response.bin"));
    let mut raw = Raw::connect(port).await;
    for size in [1, 2, 7, 64] {
        for piece in request.chunks(size) {
            raw.send(piece).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(meaning(&raw.answer().await), meaning(&expected), "{size}");
    }
}
