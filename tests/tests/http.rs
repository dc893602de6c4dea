//! The http transport: what callers of each kind send, and what they get.

use micro::transport::{Http, Limits, Transport};
use micro::{Code, Request};
use tests::say::Running;
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
