//! The http transport: what callers of each kind send, and what they get.

use std::time::Duration;

use micro::transport::{Http, Limits, Transport};
use micro::{Code, Request, Stage};
use tests::h2;
use tests::say::{Event, Running, limits};
use tests::wire::Raw;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

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

/// A peer that reads requests and answers with bytes that a test chose, a list for each connection. What it read comes
/// back by the channel.
async fn peer(connections: Vec<Vec<Vec<u8>>>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (heard, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answers in connections {
            let (mut socket, _) = listener.accept().await.unwrap();
            for answer in answers {
                let mut request = Vec::new();
                // The requests of these tests end with a body in braces.
                while !request.ends_with(b"}") {
                    if socket.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                let _ = heard.send(String::from_utf8(request).unwrap());
                socket.write_all(&answer).await.unwrap();
            }
        }
    });
    (address, requests)
}

fn hello() -> Request {
    Request::new("greeter", "Say.Hello", "{}")
}

#[tokio::test]
async fn requests_are_what_go_micro_understands() {
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec();
    let (address, mut requests) = peer(vec![vec![ok.clone(), ok]]).await;
    let connection = Http::new().connect(&address, &Limits::default()).await.unwrap();
    let mut request = hello();
    request.metadata.insert("tenant", "acme").unwrap();
    // Metadata cannot break the framing, nor the routing.
    for name in ["content-length", "transfer-encoding", "connection", "host", "micro-endpoint", "timeout"] {
        request.metadata.insert(name, "7").unwrap();
    }
    request.deadline = Some(tokio::time::Instant::now() + Duration::from_secs(5));
    for number in 0..2 {
        connection.call(&request).await.unwrap().result.unwrap();
        let text = requests.recv().await.unwrap();
        assert!(text.starts_with("POST / HTTP/1.1\r\n"), "{text}");
        let answer = tests::wire::Answer::parse(text.as_bytes());
        for (name, value) in [
            ("host", &*address),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("micro-service", "greeter"),
            ("micro-method", "Say.Hello"),
            ("micro-endpoint", "Say.Hello"),
            ("tenant", "acme"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{text}");
        }
        // Different ones for each request keep Go's servers from swallowing it.
        assert_eq!(answer.header("micro-id"), Some(&*number.to_string()));
        assert_eq!(answer.header("micro-stream"), answer.header("micro-id"));
        let nanos: u64 = answer.header("timeout").unwrap().parse().unwrap();
        assert!((1..=5_000_000_000).contains(&nanos), "{nanos}");
        assert_eq!((answer.header("connection"), answer.header("transfer-encoding")), (None, None));
    }
}

#[tokio::test]
async fn answers_of_go_micro_are_understood() {
    let text = |head: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{head}\r\n{body}", body.len()).into_bytes()
    };
    let echo = "Micro-Endpoint: Say.Hello\r\nMicro-Id: 0\r\nTenant: acme\r\nUser-Agent: x\r\nReal: yes\r\n";
    let error = r#"{"id":"greeter.say","code":404,"detail":"nobody","status":"Not Found"}"#;
    let answers = vec![
        text(&format!("{echo}Content-Type: application/json\r\n"), "{}"),
        text(&format!("{echo}Micro-Error: {error}\r\nX-Micro-Error: {error}\r\n"), ""),
        text("Micro-Error: plain \u{e9}\r\n", ""),
        text("Content-Type: text/plain\r\n", "unsupported Content-Type: text/x"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n".to_vec(),
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy".to_vec(),
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 35\r\n\r\n{\"id\":\"x\",\"code\":404,\"detail\":\"no\"}".to_vec(),
        // Keeps the connection open: it is never asked for.
        text("", "{}"),
    ];
    let (address, _requests) = peer(vec![answers]).await;
    let connection = Http::new().connect(&address, &Limits::default()).await.unwrap();
    let mut request = hello();
    request.metadata.insert("tenant", "acme").unwrap();
    let next = async || connection.call(&request).await.unwrap();

    let response = next().await;
    assert_eq!(response.result.unwrap(), "{}");
    assert_eq!(response.metadata.iter().collect::<Vec<_>>().len(), 2, "{:?}", response.metadata);
    assert_eq!(response.metadata.get("real"), Some("yes"));
    let error = next().await.result.unwrap_err();
    assert_eq!((error.code(), error.id(), error.detail()), (Code::NotFound, "greeter.say", "nobody"));
    assert_eq!(next().await.result.unwrap_err().detail(), "plain é");
    let error = next().await.result.unwrap_err();
    assert_eq!((error.status(), error.detail()), (415, "unsupported Content-Type: text/x"));
    assert_eq!(next().await.result.unwrap(), "{}");
    let error = next().await.result.unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::Unavailable, "the peer answered 503 Service Unavailable: busy"));
    let error = next().await.result.unwrap_err();
    assert_eq!((error.status(), error.id(), error.detail()), (404, "x", "no"));
    assert!(connection.is_open());
}

#[tokio::test]
async fn a_failed_exchange_says_whether_it_may_have_been_handled() {
    let closes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_vec();
    let large = b"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n{".to_vec();
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec();
    let (address, _requests) =
        peer(vec![vec![closes], vec![large], vec![short], vec![Vec::new()], vec![b"no http at all\r\n".to_vec()]])
            .await;
    let connect = async || Http::new().connect(&address, &Limits::default()).await.unwrap();
    let kind = |error: micro::Error| (error.code(), error.stage().unwrap(), error.is_unhandled());

    let connection = connect().await;
    assert_eq!(connection.call(&hello()).await.unwrap().result.unwrap(), "{}");
    assert!(!connection.is_open(), "the peer said that it closes");
    assert_eq!(kind(connection.call(&hello()).await.unwrap_err()), (Code::Unavailable, Stage::Send, true));

    let connection = connect().await;
    let error = connection.call(&hello()).await.unwrap_err();
    assert!(error.detail().contains("4194304 bytes"), "{error}");
    assert_eq!(kind(error), (Code::ResourceExhausted, Stage::Decode, false));
    assert!(!connection.is_open());

    for what in ["a reply cut off", "no reply", "no http"] {
        let connection = connect().await;
        let error = connection.call(&hello()).await.unwrap_err();
        assert_eq!(kind(error), (Code::Unavailable, Stage::Send, false), "{what}");
        assert!(!connection.is_open(), "{what}");
    }
    let mut request = hello();
    request.body = vec![b' '; (4 << 20) + 1].into();
    let running = Running::start(Limits::default()).await;
    let connection = Http::new().connect(&running.address, &Limits::default()).await.unwrap();
    assert_eq!(kind(connection.call(&request).await.unwrap_err()), (Code::ResourceExhausted, Stage::Send, true));
    assert!(connection.is_open(), "nothing was sent");
    request.body = vec![b' '; 4 << 20].into();
    connection.call(&request).await.unwrap();
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
        let reply = connection.call(&request).await.unwrap().result.unwrap();
        // Callers of IPv4 are shown as what they are.
        let local = format!("\\\"Local\\\":\\\"{address}\\\"");
        assert!(std::str::from_utf8(&reply).unwrap().contains(&local), "{reply:?} {local}");
    }
}

#[tokio::test]
async fn curl_calls_over_both_versions() {
    if !tests::need("curl", tests::has_program("curl")) {
        return;
    }
    let running = Running::start(Limits::default()).await;
    let url = format!("http://127.0.0.1:{}/Say/Hello", running.port);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let curl = async |arguments: &[&str]| {
            let mut curl = tokio::process::Command::new("curl");
            curl.args(["-sS", version, "-w", " %{http_code} %{http_version}"]).args(arguments).arg(&url);
            let output = curl.output().await.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let number = if version == "--http1.1" { "1.1" } else { "2" };
        let json = ["-H", "content-type: application/json", "-d", "{\"name\":\"John\"}"];
        assert_eq!(curl(&json).await, format!("{{\"msg\":\"Hello John\"}} 200 {number}"));
        let micro = [&json[..], &["-H", "micro-endpoint: Say.Fail"]].concat();
        assert_eq!(curl(&micro).await, format!(" 200 {number}"));
        assert!(curl(&["-d", "{}", "-H", "content-type: text/x"]).await.ends_with(&format!(" 415 {number}")));
        assert!(curl(&[]).await.ends_with(&format!(" 405 {number}")), "GET");
    }
}

#[tokio::test]
async fn h2spec_finds_nothing_but_the_preface() {
    let go = std::process::Command::new("go").args(["env", "GOPATH"]).output();
    let folder = go.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let installed = std::path::Path::new(&folder).join("bin/h2spec");
    let program = if tests::has_program("h2spec") { "h2spec".into() } else { installed };
    let what = "h2spec (go install github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible)";
    if !tests::need(what, program.as_os_str() == "h2spec" || program.is_file()) {
        return;
    }
    let running = Running::start(Limits::default()).await;
    let mut h2spec = tokio::process::Command::new(program);
    h2spec.args(["-h", "127.0.0.1", "-p", &running.port.to_string(), "-P", "/Say/Hello", "-o", "2"]);
    let output = String::from_utf8(h2spec.output().await.unwrap().stdout).unwrap();
    let failed: Vec<_> = output.lines().filter(|line| line.contains('×')).map(str::trim).collect();
    // A port that also speaks HTTP/1.1 answers an invalid preface as HTTP/1.1.
    let preface = |line: &&str| line.contains("Sends invalid connection preface");
    assert!(failed.iter().all(preface), "{output}");
    assert!(output.contains("145 tests, 144 passed, 0 skipped, 1 failed"), "{output}");
}
