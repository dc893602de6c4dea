//! HTTP/1.1 as RFC 9112 wants it.

use micro::transport::Limits;
use tests::say::Running;
use tests::wire::{Answer, Raw};

use super::post;

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
    let hello = |answer: &Answer| {
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
