//! The http transport: what callers of each kind send, and what they get.

use micro::transport::{Http, Limits, Transport};
use micro::{Code, Request, Stage};
use tests::h2;
use tests::say::{Event, Running, limits};
use tests::wire::Raw;

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
        let reply: serde_json::Value = serde_json::from_slice(&response.result.unwrap()).unwrap();
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
async fn people_with_curl_call_by_path() {
    let running = Running::start(Limits::default()).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"name\":\"John\"}").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status(), answer.text()), (200, "{\"msg\":\"Hello John\"}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    raw.send("GET /Say/Hello HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!((answer.status(), answer.header("allow")), (405, Some("POST")));
    raw.send("POST /Say/Nope HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().contains("Say.Hello, "), "{}", answer.text());
}

/// A request by path with these header lines, `Host` not among them by itself.
fn post(headers: &str, body: &str) -> String {
    format!("POST /Say/Hello HTTP/1.1\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn what_rfc_9112_forbids_is_refused_and_closed() {
    let running = Running::start(Limits::default()).await;
    for (what, request) in [
        ("no host", post("Content-Length: 0\r\n", "")),
        ("two hosts", post("Host: a\r\nHost: a\r\nContent-Length: 0\r\n", "")),
        ("a bad host", post("Host: a b\r\nContent-Length: 0\r\n", "")),
        ("a host with a path", post("Host: a/b\r\nContent-Length: 0\r\n", "")),
        ("a host with a user", post("Host: u@a\r\nContent-Length: 0\r\n", "")),
        ("chunked twice", post("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", "2\r\n{}\r\n0\r\n\r\n")),
        ("two encodings", post("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        ("an unknown encoding", post("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
        ("chunked not last", post("Host: a\r\nTransfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
        ("different lengths", post("Host: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n", "{}")),
        ("different lengths in one", post("Host: a\r\nContent-Length: 2, 3\r\n", "{}")),
        ("a length that is none", post("Host: a\r\nContent-Length: +2\r\n", "{}")),
        ("a space before a colon", post("Host: a\r\nContent-Length : 2\r\n", "{}")),
        ("a bare CR", post("Host: a\r\nX: a\rb\r\nContent-Length: 2\r\n", "{}")),
        ("a folded line", post("Host: a\r\nX: a\r\n b\r\nContent-Length: 2\r\n", "{}")),
        ("a NUL", post("Host: a\r\nX: a\0b\r\nContent-Length: 2\r\n", "{}")),
    ] {
        let mut raw = Raw::connect(running.port).await;
        raw.send(request).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status(), 400, "{what}: {answer:?}");
        raw.closed().await;
    }
    // The same with `Micro-` headers: what is no HTTP is not answered in Go Micro's way either.
    let mut raw = Raw::connect(running.port).await;
    raw.send(post("Micro-Endpoint: Say.Hello\r\nContent-Length: 0\r\n", "")).await;
    assert_eq!(raw.answer().await.status(), 400);
    raw.closed().await;
}

#[tokio::test]
async fn a_length_beside_an_encoding_is_ignored_and_the_connection_closed() {
    let running = Running::start(Limits::default()).await;
    let chunks = "f\r\n{\"name\":\"John\"}\r\n0\r\n\r\n";
    for headers in
        ["Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"]
    {
        let mut raw = Raw::connect(running.port).await;
        // A second request hides behind what the length would have cut off.
        raw.send(post(&format!("Host: a\r\n{headers}"), chunks) + &post("Host: a\r\nContent-Length: 0\r\n", "")).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status(), answer.text()), (200, "{\"msg\":\"Hello John\"}"));
        raw.closed().await;
    }
}

#[tokio::test]
async fn ordinary_http_works() {
    let mut running = Running::start(Limits::default()).await;
    let mut raw = Raw::connect(running.port).await;
    let body = "{\"name\":\"John\"}";
    let hello = |answer: &tests::wire::Answer| {
        assert_eq!((answer.status(), answer.text()), (200, "{\"msg\":\"Hello John\"}"));
        assert_eq!(answer.header("connection"), None);
    };

    // Expect: 100-continue
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 15\r\n\r\n").await;
    assert_eq!(raw.answer().await.status(), 100);
    raw.send(body).await;
    hello(&raw.answer().await);

    // Trailers
    raw.send(post("Host: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", "")).await;
    raw.send("5\r\n{\"nam\r\na;ext=1\r\ne\":\"John\"}\r\n0\r\nX-Sum: 15\r\n\r\n").await;
    hello(&raw.answer().await);

    // Pipelining
    raw.send(post("Host: a\r\nContent-Length: 15\r\n", body).repeat(3)).await;
    for _ in 0..3 {
        hello(&raw.answer().await);
    }

    // HEAD: as the answer to GET would be, without its body.
    raw.send("HEAD /Say/Hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let head = raw.head().await;
    assert_eq!((head.status(), head.header("allow")), (405, Some("POST")));
    raw.send("GET /Say/Hello HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(raw.answer().await.header("content-length"), head.header("content-length"));

    // The absolute form, and a list of equal lengths.
    raw.send("POST http://a/Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n".to_owned() + body).await;
    hello(&raw.answer().await);

    // Connection: close
    raw.send(post("Host: a\r\nConnection: close\r\nContent-Length: 15\r\n", body)).await;
    let answer = raw.answer().await;
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    raw.closed().await;

    // HTTP/1.0 needs no host.
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.0\r\nContent-Length: 15\r\n\r\n".to_owned() + body).await;
    assert_eq!(raw.answer().await.status(), 200);
    raw.closed().await;
    while running.events.try_recv().is_ok() {}
}

#[tokio::test]
async fn errors_by_path_are_those_of_http() {
    let running = Running::start(limits(|limits| limits.max_message_size = 1000)).await;
    let mut raw = Raw::connect(running.port).await;
    let exchange = async |raw: &mut Raw, path: &str, headers: &str, body: &str| {
        raw.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
            .await;
        let answer = raw.answer().await;
        let error: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(error["code"], answer.status());
        (answer, error)
    };
    let (answer, error) = exchange(&mut raw, "/Say/Fail", "", "{\"name\":\"x\"}").await;
    assert_eq!(answer.text(), r#"{"id":"greeter.say","code":400,"detail":"bad name: x","status":"Bad Request"}"#);
    assert_eq!(error["detail"], "bad name: x");
    let (_, error) = exchange(&mut raw, "/Say/Plain", "", "{}").await;
    assert_eq!(
        (&error["code"], &error["detail"], &error["id"]),
        (&500.into(), &"plain error".into(), &"greeter".into())
    );
    let (answer, error) = exchange(&mut raw, "/Say/Hello", "", "{").await;
    assert_eq!(answer.status(), 400);
    assert!(error["detail"].as_str().unwrap().contains("line 1 column 1"), "{error}");
    for path in ["/", "/Say", "/Say/Hello/", "/Nope/Hello", "/say/hello", "/Say.Hello"] {
        let (answer, error) = exchange(&mut raw, path, "", "{}").await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(error["detail"].as_str().unwrap().contains("Say.Fail, Say.Hang, "), "{error}");
    }
    let (answer, error) = exchange(&mut raw, "/Say/Hello", "Content-Type: text/x\r\n", "{}").await;
    assert_eq!(answer.status(), 415);
    assert!(error["detail"].as_str().unwrap().contains("application/json, application/octet-stream"), "{error}");
    let (answer, error) = exchange(&mut raw, "/Say/Big", "", "{\"size\":1001}").await;
    assert_eq!(answer.status(), 500);
    assert!(error["detail"].as_str().unwrap().contains("1001 bytes, over the limit of 1000"), "{error}");
    let (answer, error) = exchange(&mut raw, "/Say/Hello", "", &" ".repeat(1001)).await;
    assert_eq!(answer.status(), 413);
    assert!(error["detail"].as_str().unwrap().contains("over the limit of 1000 bytes"), "{error}");
    raw.closed().await;
}

#[tokio::test]
async fn a_large_body_gets_its_413_before_it_is_sent() {
    let running = Running::start(Limits::default()).await;
    // As curl does with 5 MiB.
    let head = post("Host: a\r\nExpect: 100-continue\r\nContent-Length: 5242880\r\n", "");
    let mut raw = Raw::connect(running.port).await;
    raw.send(head).await;
    let answer = raw.answer().await;
    assert_eq!(answer.status(), 413);
    assert!(answer.text().contains("4194304"), "{}", answer.text());
    // And a caller that sends all of it without a look still reads its answer: no reset destroys it.
    for encoding in
        ["Content-Length: 5242880\r\n\r\n".to_owned(), "Transfer-Encoding: chunked\r\n\r\n500000\r\n".to_owned()]
    {
        let mut raw = Raw::connect(running.port).await;
        raw.send(format!("POST /Say/Hello HTTP/1.1\r\nHost: a\r\n{encoding}")).await;
        for _ in 0..80 {
            assert!(raw.try_send([b' '; 65536]).await, "the server reads on after its answer");
        }
        assert_eq!(raw.answer().await.status(), 413);
        raw.finish().await;
        raw.closed().await;
    }
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
    let error = |answer: &tests::wire::Answer| answer.header("micro-error").unwrap_or_default().to_owned();
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

fn hang() -> Request {
    Request::new("greeter", "Say.Hang", "{}")
}

fn is(event: &str, endpoint: &str) -> Event {
    match event {
        "began" => Event::Began(endpoint.into()),
        "dropped" => Event::Dropped(endpoint.into()),
        _ => Event::Ended(endpoint.into()),
    }
}

#[tokio::test]
async fn a_lost_caller_ends_its_handler() {
    let mut running = Running::start(Limits::default()).await;
    // A call that is dropped.
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    let request = hang();
    {
        let call = connection.call(&request);
        tokio::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("hangs"),
            event = running.event() => assert_eq!(event, is("began", "Say.Hang")),
        }
    }
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    assert!(!connection.is_open());
    let error = connection.call(&request).await.unwrap_err();
    assert!(error.is_unhandled());

    // A connection that closes, after it was used before.
    let mut raw = Raw::connect(running.port).await;
    raw.send(post("Host: a\r\nContent-Length: 0\r\n", "")).await;
    assert_eq!(raw.answer().await.status(), 200);
    raw.send("POST /Say/Hang HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(running.event().await, is("began", "Say.Hello"));
    assert_eq!(running.event().await, is("ended", "Say.Hello"));
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    drop(raw);
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
}

#[tokio::test]
async fn a_reset_stream_and_a_lost_http2_connection_end_their_handlers() {
    let mut running = Running::start(Limits::default()).await;
    let mut raw = h2::connect(running.port).await;
    raw.send(h2::request(1, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    raw.send(h2::frame(h2::RST_STREAM, 0, 1, &[0, 0, 0, 8])).await;
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    // The connection goes on.
    raw.send(h2::request(3, "/Say/Hello", b"{\"name\":\"John\"}")).await;
    let data = h2::until(&mut raw, h2::DATA).await.unwrap();
    assert_eq!((data.stream, &*data.payload), (3, &b"{\"msg\":\"Hello John\"}"[..]));
    assert_eq!(running.event().await, is("began", "Say.Hello"));
    assert_eq!(running.event().await, is("ended", "Say.Hello"));
    raw.send(h2::request(5, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    drop(raw);
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_closes_what_idles() {
    let mut running = Running::start(Limits::default()).await;
    let mut idle = Raw::connect(running.port).await;
    idle.send(post("Host: a\r\nContent-Length: 0\r\n", "")).await;
    assert_eq!(idle.answer().await.status(), 200);
    let mut silent = Raw::connect(running.port).await;
    let mut busy = Raw::connect(running.port).await;
    busy.send("POST /Say/Held HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").await;
    let mut busy2 = h2::connect(running.port).await;
    busy2.send(h2::request(1, "/Say/Held", b"{}")).await;
    let mut idle2 = h2::connect(running.port).await;
    while running.event().await != is("began", "Say.Held") {}
    assert_eq!(running.event().await, is("began", "Say.Held"));

    running.stop.cancel();
    idle.closed().await;
    silent.closed().await;
    let goaway = h2::until(&mut busy2, h2::GOAWAY).await.expect("says that it goes");
    assert_eq!(goaway.payload[4..8], [0; 4], "without an error");
    idle2.drained().await;
    assert!(!running.ended.is_finished());
    running.say.gate.add_permits(2);
    let answer = busy.answer().await;
    assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")));
    busy.closed().await;
    let data = h2::until(&mut busy2, h2::DATA).await.expect("the reply");
    assert_eq!(data.payload, b"{\"msg\":\"Hello \"}");
    drop(busy2);
    running.ended.await.unwrap();
    let error = Http::new().connect(&running.address, &Limits::default()).await.unwrap_err();
    assert_eq!((error.code(), error.stage(), error.is_unhandled()), (Code::Unavailable, Some(Stage::Connect), true));
}

#[tokio::test]
async fn dropping_the_server_ends_all_at_once() {
    let mut running = Running::start(Limits::default()).await;
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    let call = tokio::spawn(async move { connection.call(&hang()).await });
    let mut two = h2::connect(running.port).await;
    two.send(h2::request(1, "/Say/Hang", b"{}")).await;
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    assert_eq!(running.event().await, is("began", "Say.Hang"));
    running.ended.abort();
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    assert_eq!(running.event().await, is("dropped", "Say.Hang"));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.stage(), error.is_unhandled()), (Code::Unavailable, Some(Stage::Send), false));
    two.drained().await;
}
