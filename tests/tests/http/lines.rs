//! Streams for everyone else: lines of JSON and server-sent events.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use micro::transport::Limits;
use micro::{Body, Code, ContentType, Error};
use tests::h2;
use tests::prices::{Handling, Running, next};
use tests::say::limits;
use tests::wire::Raw;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// What curl prints, as it comes.
struct Curl {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Curl {
    fn start(arguments: &[&str]) -> Self {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-N", "--no-progress-meter"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = curl.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(20), self.out.read_line(&mut line)).await.expect("a line within 20 s").unwrap();
        line
    }

    /// All that is left, and the exit status.
    async fn rest(mut self) -> (String, i32) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).await.unwrap();
        (rest, self.child.wait().await.unwrap().code().unwrap())
    }
}

const VERSIONS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];

fn has_curl() -> bool {
    tests::need("curl", tests::has_program("curl"))
}

#[tokio::test]
async fn curl_prints_ticks_as_they_come() {
    if !has_curl() {
        return;
    }
    let mut running = Running::start(Limits::default()).await;
    let base = format!("http://127.0.0.1:{}", running.port);
    let (named, routed) = (format!("{base}/Prices/Watch"), format!("{base}/v1/ticks/ACME?from=7"));
    let json = ["-H", "content-type: application/json", "-d", "{\"symbol\":\"ACME\"}"];
    for version in VERSIONS {
        for (accept, events) in [("text/event-stream", true), ("*/*", false), ("application/xml", false)] {
            for by_route in [false, true] {
                let accept = format!("accept: {accept}");
                let mut arguments = vec![version, "-H", &accept, "-w", "%{http_code} %{content_type}"];
                arguments.push(if by_route { &routed } else { &named });
                arguments.extend(if by_route { &[][..] } else { &json });
                let mut curl = Curl::start(&arguments);
                let mut handling = running.handling().await;
                assert_eq!(handling.request.content_type, ContentType::Json);
                let asked: serde_json::Value = serde_json::from_slice(handling.request.body.one().unwrap()).unwrap();
                assert_eq!(asked["symbol"], "ACME");
                let ticks = handling.answer_stream();
                for tick in ["{\"price\":1}", "{\"price\":2}"] {
                    ticks.send(Ok(tick.into())).await.unwrap();
                    // It is there before the next one is sent.
                    if events {
                        assert_eq!(curl.line().await, format!("data: {tick}\n"));
                        assert_eq!(curl.line().await, "\n");
                    } else {
                        assert_eq!(curl.line().await, format!("{tick}\n"));
                    }
                }
                // What comes at once comes in order, and line ends inside of a message are none of the stream's.
                ticks.send(Ok("{\n\"price\":\r\n3}".into())).await.unwrap();
                ticks.send(Ok(format!("{{\"text\":\"{}\"}}", "x".repeat(100_000)).into())).await.unwrap();
                drop(ticks);
                let (rest, status) = curl.rest().await;
                let large = format!("{{\"text\":\"{}\"}}", "x".repeat(100_000));
                let expected = match events {
                    true => format!("data: {{ \"price\":  3}}\n\ndata: {large}\n\n200 text/event-stream"),
                    false => format!("{{ \"price\":  3}}\n{large}\n200 application/x-ndjson"),
                };
                assert_eq!((rest, status), (expected, 0), "{arguments:?}");
            }
        }
    }
}

#[tokio::test]
async fn errors_are_a_status_before_the_first_message_and_the_last_line_after_it() {
    if !has_curl() {
        return;
    }
    let mut running = Running::start(Limits::default()).await;
    let url = format!("http://127.0.0.1:{}/Prices/Watch", running.port);
    let error = || Error::not_found("no <such> symbol");
    let text = r#"{"id":"prices","code":404,"detail":"no \u003csuch\u003e symbol","status":"Not Found"}"#;
    for version in VERSIONS {
        for (accept, events) in [("text/event-stream", true), ("*/*", false)] {
            let accept = format!("accept: {accept}");
            let arguments = [
                version,
                "-H",
                &accept,
                "-w",
                " %{http_code}",
                &url,
                "-H",
                "content-type: application/json",
                "-d",
                "{}",
            ];
            // In place of the stream, as its first message, and after one.
            let curl = Curl::start(&arguments);
            running.handling().await.answer(Err::<Body, _>(error()));
            assert_eq!(curl.rest().await, (format!("{text} 404"), 0));
            let curl = Curl::start(&arguments);
            let first = micro::Streaming::new(futures_util::stream::iter([Err::<Bytes, _>(error())]));
            running.handling().await.answer(Ok(Body::Stream(first)));
            assert_eq!(curl.rest().await, (format!("{text} 404"), 0));
            let mut curl = Curl::start(&arguments);
            let ticks = running.handling().await.answer_stream();
            ticks.send(Ok("{}".into())).await.unwrap();
            curl.line().await;
            ticks.send(Err(error())).await.unwrap();
            let (rest, status) = curl.rest().await;
            let expected = match events {
                true => format!("\nevent: error\ndata: {text}\n\n 200"),
                false => format!("{{\"error\":{text}}}\n 200"),
            };
            assert_eq!((rest, status), (expected, 0));
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_no_end() {
    if !has_curl() {
        return;
    }
    for version in VERSIONS {
        let mut running = Running::start(Limits::default()).await;
        let mut curl = Curl::start(&[version, &format!("http://127.0.0.1:{}/v1/ticks/ACME", running.port)]);
        let ticks = running.handling().await.answer_stream();
        ticks.send(Ok("{}".into())).await.unwrap();
        curl.line().await;
        running.ended.abort();
        assert_ne!(curl.rest().await.1, 0, "curl says so");
        ticks.closed().await;
    }
}

#[tokio::test]
async fn requests_are_json_values_one_after_the_other() {
    if !has_curl() {
        return;
    }
    let mut running = Running::start(Limits::default()).await;
    let base = format!("http://127.0.0.1:{}", running.port);
    for version in VERSIONS {
        for content_type in ["application/json", "application/x-ndjson; charset=utf-8"] {
            let content_type = format!("content-type: {content_type}");
            let upload = format!("{base}/Prices/Upload");
            let arguments = [version, "-H", &content_type, "-X", "POST", "-T", ".", "-w", " %{http_code}", &upload];
            let mut curl = Curl::start(&arguments);
            let mut input = curl.child.stdin.take().unwrap();
            input.write_all(b"{\"n\":1}\n").await.unwrap();
            let mut handling = running.handling().await;
            assert_eq!(handling.request.content_type, ContentType::Json);
            let mut seen = handling.messages();
            // It is there before the next one is sent.
            assert_eq!(next(&mut seen).await.unwrap().unwrap().trim_ascii(), b"{\"n\":1}");
            input.write_all(b"\n{\"n\":\n2}{\"n\":3}").await.unwrap();
            drop(input);
            assert_eq!(next(&mut seen).await.unwrap().unwrap().trim_ascii(), b"{\"n\":\n2}");
            assert_eq!(next(&mut seen).await.unwrap().unwrap().trim_ascii(), b"{\"n\":3}");
            assert!(next(&mut seen).await.is_none());
            handling.answer(Ok("{\"sum\":6}"));
            assert_eq!(curl.rest().await, ("{\"sum\":6} 200".to_owned(), 0));
            // Lines in, lines out. Over HTTP/1.1 curl reads nothing before it has sent all.
            let trade = format!("{base}/Prices/Trade");
            let mut curl = Curl::start(&[version, "-H", &content_type, "-X", "POST", "-T", ".", &trade]);
            let mut input = curl.child.stdin.take().unwrap();
            input.write_all(b"{\"n\":1}\n").await.unwrap();
            let mut handling = running.handling().await;
            let mut seen = handling.messages();
            let fills = handling.answer_stream();
            assert!(next(&mut seen).await.unwrap().is_ok());
            fills.send(Ok("{\"n\":\"a\"}".into())).await.unwrap();
            assert_eq!(curl.line().await, "{\"n\":\"a\"}\n");
            input.write_all(b"{\"n\":2}\n").await.unwrap();
            assert!(next(&mut seen).await.unwrap().is_ok());
            drop(input);
            assert!(next(&mut seen).await.is_none());
            drop(fills);
            assert_eq!(curl.rest().await, (String::new(), 0));
            // Bytes travel as they are.
            let copy = format!("{base}/Prices/Copy");
            let mut curl =
                Curl::start(&[version, "-H", "content-type: application/octet-stream", "-X", "POST", "-T", ".", &copy]);
            curl.child.stdin.take().unwrap().write_all(b"\0bytes").await.unwrap();
            let mut handling = running.handling().await;
            let mut seen = handling.messages();
            let mut copied = Vec::new();
            while let Some(piece) = next(&mut seen).await {
                copied.extend(piece.unwrap());
            }
            assert_eq!(copied, b"\0bytes");
            let out = handling.answer_stream();
            out.send(Ok("a".into())).await.unwrap();
            out.send(Ok("b".into())).await.unwrap();
            drop(out);
            assert_eq!(curl.rest().await, ("ab".to_owned(), 0));
        }
    }
}

#[tokio::test]
async fn a_curl_that_is_ended_drops_the_handler() {
    if !has_curl() {
        return;
    }
    let mut running = Running::start(Limits::default()).await;
    let url = format!("http://127.0.0.1:{}/v1/ticks/ACME", running.port);
    for version in VERSIONS {
        let mut curl = Curl::start(&[version, &url]);
        let mut handling = running.handling().await;
        curl.child.kill().await.unwrap();
        handling.dropped().await;
        let mut curl = Curl::start(&[version, &url]);
        let ticks = running.handling().await.answer_stream();
        ticks.send(Ok("{}".into())).await.unwrap();
        curl.line().await;
        curl.child.kill().await.unwrap();
        timeout(Duration::from_secs(5), ticks.closed()).await.expect("the handler's stream is dropped");
    }
}

async fn ask(running: &Running, head: &str, body: &str) -> tests::wire::Answer {
    let mut raw = Raw::connect(running.port).await;
    raw.send(
        format!("{head} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .replace("\r\n\r\n\r\n", "\r\n\r\n"),
    )
    .await;
    raw.answer().await
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_plain_words() {
    let mut running = Running::start(limits(|limits| limits.max_message_size = 1000)).await;
    let post = async |path: &str, headers: &str, body: &str| {
        let mut raw = Raw::connect(running.port).await;
        let length = body.len();
        raw.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{headers}\r\n{body}")).await;
        raw.answer().await
    };
    // A stream of Go Micro.
    for endpoint in ["Prices.Watch", "Prices.Upload", "Prices.Trade"] {
        let headers = format!("Micro-Endpoint: {endpoint}\r\nContent-Type: application/json\r\n");
        let answer = post("/", &headers, "{}").await;
        assert_eq!(answer.status(), 200);
        let error = Error::from_micro(answer.header("micro-error").unwrap());
        assert_eq!((error.status(), error.code()), (501, Code::Unimplemented));
        assert!(error.detail().contains(&format!("\"{endpoint}\" is a ")), "{error}");
        assert!(error.detail().contains(&format!("POST /{}", endpoint.replace('.', "/"))), "{error}");
    }
    // A stream of ours, over HTTP/1.1 or to an endpoint that is called.
    let framed = "Content-Type: application/vnd.micro.stream; of=\"application/json\"\r\n";
    let answer = post("/", &format!("Micro-Endpoint: Prices.Watch\r\n{framed}"), "").await;
    let error = Error::from_micro(answer.header("micro-error").unwrap());
    assert!(error.status() == 400 && error.detail().contains("HTTP/2"), "{error}");
    let answer = post("/", &format!("Micro-Endpoint: Prices.Last\r\n{framed}"), "").await;
    let error = Error::from_micro(answer.header("micro-error").unwrap());
    assert!(error.status() == 400 && error.detail().contains("takes one message"), "{error}");
    assert_eq!(post("/Prices/Last", framed, "").await.status(), 400);
    // Content types that lines are not.
    for content_type in ["application/x-www-form-urlencoded", "application/protobuf"] {
        let answer = post("/Prices/Upload", &format!("Content-Type: {content_type}\r\n"), "{}").await;
        assert_eq!(answer.status(), 415);
        assert!(answer.text().contains("application/json"), "{}", answer.text());
    }
    let answer = post("/Prices/Copy", "Content-Type: application/json\r\n", "{}").await;
    assert_eq!(answer.status(), 415, "an endpoint of bytes has no lines");
    // Too much for one message.
    let answer = post("/Prices/Watch", "Content-Type: application/json\r\n", &" ".repeat(1001)).await;
    assert_eq!(answer.status(), 413);
    for (head, status, allow) in [
        ("DELETE /Prices/Watch", 405, "POST"),
        ("GET /Prices/Watch", 405, "POST"),
        ("OPTIONS /v1/ticks/ACME", 204, "GET, HEAD, OPTIONS"),
        ("POST /v1/ticks/ACME", 405, "GET, HEAD"),
    ] {
        let answer = ask(&running, head, "").await;
        assert_eq!(answer.status(), status, "{head}");
        assert!(
            answer.header("allow").unwrap().contains(allow.split(", OPTIONS").next().unwrap()),
            "{head}: {answer:?}"
        );
    }
    assert!(running.is_untouched());
}

#[tokio::test]
async fn the_head_of_a_stream_has_no_body() {
    let mut running = Running::start(Limits::default()).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("HEAD /v1/ticks/ACME HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n").await;
    let mut handling = running.handling().await;
    let ticks = handling.answer_stream();
    let answer = raw.head().await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("text/event-stream")));
    ticks.closed().await;
    raw.send("POST /Prices/Last HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}")
        .await;
    assert_eq!(raw.answer().await.text(), "{}", "nothing of it was left on the connection");
}

/// A request that is cut off, and what its handler sees.
async fn cut_off(running: &mut Running) -> (Handling, Error) {
    let mut handling = running.handling().await;
    let mut seen = handling.messages();
    assert_eq!(next(&mut seen).await.unwrap().unwrap().trim_ascii(), b"{\"n\":1}");
    let error = next(&mut seen).await.expect("no end").unwrap_err();
    (handling, error)
}

#[tokio::test]
async fn a_request_that_is_cut_off_is_an_error_and_no_end() {
    let mut running = Running::start(limits(|limits| limits.header_timeout = Duration::from_millis(300))).await;
    let head = "POST /Prices/Upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n";
    // A message that does not go on, in a stream that may be as quiet as it likes.
    let mut raw = Raw::connect(running.port).await;
    raw.send(format!("{head}8\r\n{{\"n\":1}}\n\r\n")).await;
    let mut handling = running.handling().await;
    let mut seen = handling.messages();
    assert!(next(&mut seen).await.unwrap().is_ok());
    assert!(timeout(Duration::from_millis(900), seen.next()).await.is_err(), "between messages it may take its time");
    raw.send("4\r\n{\"n\"\r\n").await;
    let error = next(&mut seen).await.unwrap().unwrap_err();
    assert!(error.status() == 408 && error.detail().contains("--header_timeout"), "{error}");
    drop((raw, handling));
    // HTTP/2: the stream is reset, and so is the handler.
    let mut raw = h2::connect(running.port).await;
    let head = h2::frame(
        h2::HEADERS,
        h2::END_HEADERS,
        1,
        &[h2::post("/Prices/Upload"), h2::block(&[("content-type", "application/json")])].concat(),
    );
    raw.send([head.clone(), h2::frame(h2::DATA, 0, 1, b"{\"n\":1}\n")].concat()).await;
    let mut handling = running.handling().await;
    raw.send(h2::frame(h2::RST_STREAM, 0, 1, &8u32.to_be_bytes())).await;
    handling.dropped().await;
    // The connection is lost.
    let mut raw = h2::connect(running.port).await;
    raw.send([head, h2::frame(h2::DATA, 0, 1, b"{\"n\":1}\n")].concat()).await;
    let peer = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(raw);
    });
    let (mut handling, error) = cut_off(&mut running).await;
    assert_eq!(error.code(), Code::Cancelled, "{error}");
    handling.dropped().await;
    peer.await.unwrap();
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_closed() {
    let mut running = Running::start(limits(|limits| limits.idle_timeout = Duration::from_secs(1))).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("GET /v1/ticks/ACME HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let ticks = running.handling().await.answer_stream();
    // A stream that is merely quiet stays.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let large = Bytes::from(format!("\"{}\"", "x".repeat(100_000)));
    let mut sent = 0;
    while ticks.send(Ok(large.clone())).await.is_ok() {
        sent += 1;
    }
    assert!((1..1_000).contains(&sent), "{sent} were taken, and then the connection was closed");
}

#[tokio::test]
async fn a_reader_over_http2_that_gives_no_window_holds_its_sender() {
    let mut running = Running::start(Limits::default()).await;
    let mut raw = h2::connect(running.port).await;
    let head = [h2::post("/Prices/Watch"), h2::block(&[("content-type", "application/json")])].concat();
    for stream in [1, 3] {
        raw.send(h2::frame(h2::HEADERS, h2::END_HEADERS, stream, &head)).await;
        raw.send(h2::frame(h2::DATA, h2::END_STREAM, stream, b"{}")).await;
    }
    let (one, three) = (running.handling().await.answer_stream(), running.handling().await.answer_stream());
    let line = Bytes::from(format!("\"{}\"", "x".repeat(9_997)));
    let mut held = 0;
    while let Ok(Ok(())) = timeout(Duration::from_millis(500), one.send(Ok(line.clone()))).await {
        held += 1;
    }
    // What a window of 65,535 bytes takes, and what waits before it.
    assert!((7..25).contains(&held), "{held}");
    // With more room the others go on.
    raw.send(h2::frame(h2::WINDOW_UPDATE, 0, 0, &100_000u32.to_be_bytes())).await;
    three.send(Ok("3".into())).await.unwrap();
    loop {
        let came = h2::until(&mut raw, h2::DATA).await.expect("the connection lives");
        if came.stream == 3 {
            assert_eq!(came.payload, b"3\n");
            break;
        }
    }
    raw.send(h2::frame(h2::WINDOW_UPDATE, 0, 1, &1_000_000u32.to_be_bytes())).await;
    timeout(Duration::from_secs(5), one.send(Ok(line))).await.expect("it goes on").unwrap();
    drop(raw);
    one.closed().await;
    three.closed().await;
}
