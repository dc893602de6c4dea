//! The http transport: what callers of each kind send, and what they get.

mod client;
mod ends;
mod fuzz;
mod lines;
mod paths;
mod rfc9112;
mod routes;
mod streams;
mod tools;

use micro::transport::{Http, Limits, Transport};
use micro::{Code, Request, Stage};
use tests::say::{Running, limits};
use tests::wire::{Answer, Raw};

/// A request by path with these header lines, `Host` not among them by itself.
fn post(headers: &str, body: &str) -> String {
    format!("POST /Say/Hello HTTP/1.1\r\n{headers}\r\n{body}")
}

fn hello() -> Request {
    Request::new("greeter", "Say.Hello", "{}")
}

async fn call(running: &Running, request: &Request) -> micro::Result<micro::Response> {
    let connection = Http::new().connect(&running.address, &Limits::default()).await?;
    connection.call(request).await
}

#[tokio::test]
async fn a_call_is_answered_and_its_connection_used_again() {
    let running = Running::start(Limits::default()).await;
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    for name in ["John", "Jane", "<b>&é"] {
        let request = Request::new("greeter", "Say.Hello", format!(r#"{{"name":"{name}"}}"#));
        let response = connection.call(&request).await.unwrap();
        let reply: serde_json::Value = serde_json::from_slice(&response.result.unwrap().one().unwrap()[..]).unwrap();
        assert_eq!(reply["msg"], format!("Hello {name}"));
        assert!(connection.is_open());
    }
}

#[tokio::test]
async fn errors_come_as_they_were_made() {
    let running = Running::start(Limits::default()).await;
    let error = |endpoint| {
        let running = &running;
        async move {
            let request = Request::new("greeter", endpoint, r#"{"name":"x"}"#);
            call(running, &request).await.unwrap().result.unwrap_err()
        }
    };
    let fail = error("Say.Fail").await;
    assert_eq!((fail.code(), fail.id(), fail.detail()), (Code::InvalidArgument, "greeter.say", "bad name: x"));
    assert_eq!(error("Say.Plain").await.detail(), "plain error");
    assert_eq!(error("Say.Text").await.detail(), "line1\nline2 <b>&\"é");
    assert_eq!(error("Nope.Hello").await.detail(), "rpc: can't find service Nope");
}

#[tokio::test]
async fn callers_of_go_micro_get_200_and_their_errors_in_a_header() {
    let running = Running::start(limits(|limits| limits.max_message_size = 1000)).await;
    let exchange = async |headers: &str, body: &str| {
        let mut raw = Raw::connect(running.port).await;
        // Any method and any path.
        raw.send(format!("PUT /x/y HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
            .await;
        let answer = raw.answer().await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.header("micro-error"), answer.header("x-micro-error"));
        answer
    };
    for name in ["Micro-Endpoint", "Micro-Method", "X-Micro-Endpoint", "X-Micro-Method"] {
        let answer = exchange(&format!("{name}: Say.Hello\r\n"), "{\"name\":\"John\"}").await;
        assert_eq!(answer.text(), "{\"msg\":\"Hello John\"}\n", "{name}");
    }
    let error = |answer: &Answer| answer.header("micro-error").unwrap_or_default().to_owned();
    let answer = exchange("X-Micro-Endpoint: Say.Hello\r\nX-Micro-Method: Say.Hello\r\n", "{}").await;
    assert_eq!(error(&answer), "rpc: service/endpoint request ill-formed:");
    let answer = exchange("Micro-Endpoint: A.B.C\r\n", "{}").await;
    assert_eq!(error(&answer), "rpc: service/endpoint request ill-formed: A.B.C");
    let answer = exchange("Micro-Endpoint: Say.Hello\r\nContent-Type: text/x; a=b\r\n", "{}").await;
    assert_eq!((answer.header("micro-error"), answer.text()), (None, "unsupported Content-Type: text/x; a=b"));
    let answer = exchange("Micro-Endpoint: Say.Hello\r\nContent-Type: application/json; charset=utf-8\r\n", "{}").await;
    assert_eq!(answer.text(), "{\"msg\":\"Hello \"}\n");
    let answer = exchange("Micro-Endpoint: Say.Hello\r\n", &" ".repeat(1001)).await;
    assert!(error(&answer).contains("\"code\":413"), "{answer:?}");
    // An event for a topic without subscribers: a silent 200, as in Go.
    let answer = exchange("Micro-Topic: orders\r\n", "{}").await;
    assert_eq!((answer.header("micro-error"), answer.text()), (None, ""));
    // An empty body comes chunked from Go.
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST / HTTP/1.1\r\nHost: a\r\nMicro-Endpoint: Say.Hello\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.text(), "{\"msg\":\"Hello \"}\n");
    // The nanoseconds of the header are the handler's deadline.
    let answer = exchange("Micro-Endpoint: Say.Time\r\nTimeout: 5000000000\r\n", "{}").await;
    let left: u64 = answer.text().trim_start_matches("{\"msg\":\"").trim_end_matches("\"}\n").parse().unwrap();
    assert!((1..=5000).contains(&left), "{left}");
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    for bad in ["", "localhost", "http://localhost:1", "local host:1", "localhost:port", "127.0.0.1:99999", "a\r\nb:1"]
    {
        let error = Http::new().connect(bad, &Limits::default()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.stage(), error.is_unhandled()),
            (Code::Unavailable, Some(Stage::Connect), true)
        );
        if !bad.is_empty() {
            let error = Http::new().listen(bad, &Limits::default()).await.unwrap_err();
            assert!(error.is_usage(), "{bad}: {error}");
        }
    }
    let error = Http::new().listen("192.0.2.1:0", &Limits::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.detail().contains("no interface of this machine has this address"), "{error}");
}

#[tokio::test]
async fn every_interface_is_both_families() {
    let running = Running::over(&Http::new(), ":0", Limits::default()).await;
    for address in [format!("127.0.0.1:{}", running.port), format!("[::1]:{}", running.port)] {
        if address.starts_with('[') && !running.address.starts_with('[') {
            continue; // no IPv6 on this machine
        }
        let connection = Http::new().connect(&address, &Limits::default()).await.unwrap();
        let mut request = hello();
        request.endpoint = "Say.Meta".into();
        let reply = connection.call(&request).await.unwrap().result.unwrap().into_one().unwrap();
        // Callers of IPv4 are shown as what they are.
        let local = format!("\\\"Local\\\":\\\"{address}\\\"");
        assert!(std::str::from_utf8(&reply).unwrap().contains(&local), "{reply:?} {local}");
    }
}
