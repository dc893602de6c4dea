//! What our client sends, and what it makes of the answers of others.

use std::time::Duration;

use micro::transport::{Http, Limits, Transport};
use micro::{Code, Stage};
use tests::say::Running;
use tests::wire::Answer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::hello;

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
        let answer = Answer::parse(text.as_bytes());
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
