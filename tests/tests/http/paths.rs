//! People with curl: by path, with the status codes of HTTP.

use micro::transport::Limits;
use tests::say::{Running, limits};
use tests::wire::Raw;

use super::post;

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
