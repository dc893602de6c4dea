//! What slow, endless, flooding and many peers do to a server: each is ended within its limit, and others do not mind.

mod many;

use std::time::{Duration, Instant};

use micro::transport::Limits;
use tests::h2;
use tests::say::{Event, Running, limits};
use tests::wire::Raw;
use tokio::time::interval;

/// Short, so that a test is; the default is 10 s.
const HEADER_TIMEOUT: Duration = Duration::from_millis(400);
/// What a limit may be late.
const LATE: Duration = Duration::from_secs(1);

fn quick() -> Limits {
    limits(|limits| limits.header_timeout = HEADER_TIMEOUT)
}

/// Waits for the end of a connection, which has to come after `limit` and within a second after it.
async fn ends_after(limit: Duration, start: Instant, what: &str, end: impl Future<Output = ()>) {
    end.await;
    let took = start.elapsed();
    assert!(took >= limit && took < limit + LATE, "{what}: took {took:?} with a limit of {limit:?}");
}

/// Sends a byte every 20 ms until the server closes.
async fn dribble(mut raw: Raw, bytes: &[u8]) {
    let mut turns = interval(Duration::from_millis(20));
    for byte in bytes.iter().cycle() {
        turns.tick().await;
        if !raw.try_send([*byte]).await {
            return;
        }
    }
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let running = Running::start(quick()).await;
    let mut raw = Raw::connect(running.port).await;
    ends_after(HEADER_TIMEOUT, Instant::now(), "silence", raw.closed()).await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off() {
    let running = Running::start(quick()).await;
    for begin in ["P", "POST /Say/Hello HTTP/1.1\r\nHost: a\r\nX: "] {
        let mut raw = Raw::connect(running.port).await;
        raw.send(begin).await;
        ends_after(HEADER_TIMEOUT, Instant::now(), begin, dribble(raw, b"RI *")).await;
    }
    // The head of a later request, too.
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(raw.answer().await.status(), 200);
    raw.send("POST /Say/Hello HTTP/1.1\r\n").await;
    ends_after(HEADER_TIMEOUT, Instant::now(), "second head", dribble(raw, b"X: y\r\n")).await;
}

#[tokio::test]
async fn frames_that_dribble_are_cut_off() {
    let running = Running::start(quick()).await;
    let block = h2::post("/Say/Hello");
    let open = h2::frame(h2::HEADERS, 0, 1, &block);
    let continued = h2::frame(h2::CONTINUATION, 0, 1, &[]);
    for (what, begin, rest) in [
        ("the preface", &h2::PREFACE[..10], &h2::PREFACE[10..14]),
        ("the head of a frame", &[0, 0, 8, 6, 0, 0][..], &[0][..]),
        ("the payload of a frame", &[0, 64, 0, 1, 4, 0, 0, 0, 1][..], &[0][..]),
        ("a header block without an end", &open[..], &continued[..]),
    ] {
        let mut raw =
            if what == "the preface" { Raw::connect(running.port).await } else { h2::connect(running.port).await };
        raw.send(begin).await;
        ends_after(HEADER_TIMEOUT, Instant::now(), what, dribble(raw, rest)).await;
    }
}

#[tokio::test]
async fn a_body_that_dribbles_or_pauses_is_refused() {
    let mut running = Running::start(quick()).await;
    let head = "POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    let mut raw = Raw::connect(running.port).await;
    raw.send(head).await;
    let start = Instant::now();
    let answer = raw.answer().await;
    assert_eq!(answer.status(), 408);
    assert!(answer.text().contains("--header_timeout"), "{}", answer.text());
    ends_after(HEADER_TIMEOUT, start, "a pause", raw.drained()).await;
    // Something comes all the time, but far too little.
    let mut raw = Raw::connect(running.port).await;
    raw.send(head).await;
    ends_after(HEADER_TIMEOUT, Instant::now(), "a dribble", dribble(raw, b" ")).await;
    // A stream of HTTP/2 gets its answer, and the connection goes on.
    let mut raw = h2::connect(running.port).await;
    raw.send(h2::frame(h2::HEADERS, h2::END_HEADERS, 1, &h2::post("/Say/Hello"))).await;
    let start = Instant::now();
    let data = h2::until(&mut raw, h2::DATA).await.expect("an answer");
    assert!(String::from_utf8_lossy(&data.payload).contains("408"), "{data:?}");
    ends_after(HEADER_TIMEOUT, start, "a stream", async {}).await;
    raw.send(h2::request(3, "/Say/Hello", b"{}")).await;
    while h2::until(&mut raw, h2::DATA).await.expect("an answer").stream != 3 {}
    assert_eq!(running.event().await, Event::Began("Say.Hello".into()), "of the last one only");
    assert_eq!(running.event().await, Event::Ended("Say.Hello".into()));
    assert!(running.events.try_recv().is_err());
}

#[tokio::test]
async fn a_slow_body_that_is_fast_enough_arrives() {
    let running = Running::start(quick()).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1515\r\n\r\n").await;
    let start = Instant::now();
    let mut turns = interval(Duration::from_millis(60));
    for _ in 0..15 {
        turns.tick().await;
        raw.send([b' '; 100]).await;
    }
    raw.send("{\"name\":\"John\"}").await;
    assert_eq!(raw.answer().await.status(), 200);
    assert!(start.elapsed() > 2 * HEADER_TIMEOUT);
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let running = Running::start(Limits::default()).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\n").await;
    let line = format!("X: {}\r\n", "y".repeat(1000)).repeat(17);
    raw.try_send(&line).await;
    assert_eq!(raw.answer().await.status(), 431);
    let start = Instant::now();
    while raw.try_send(&line).await {}
    assert!(start.elapsed() < 2 * LATE);
    // One that is as large as allowed is not.
    let mut raw = Raw::connect(running.port).await;
    raw.send(format!("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "y".repeat(16000)))
        .await;
    assert_eq!(raw.answer().await.status(), 200);
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_harms_nobody() {
    let mut running = Running::start(quick()).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{\"name\":").await;
    raw.finish().await;
    raw.drained().await;
    assert!(running.events.try_recv().is_err(), "half a message is none");
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}\x00\x01 more than announced\r\n\r\n")
        .await;
    assert_eq!(raw.answer().await.status(), 200);
    assert_eq!(raw.answer().await.status(), 400);
    raw.closed().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let idle = Duration::from_millis(300);
    let running = Running::start(limits(|limits| limits.idle_timeout = idle)).await;
    let mut raw = Raw::connect(running.port).await;
    let mut two = h2::connect(running.port).await;
    two.send(h2::request(1, "/Say/Hello", b"{}")).await;
    h2::until(&mut two, h2::DATA).await.unwrap();
    let start_two = Instant::now();
    for _ in 0..3 {
        raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(raw.answer().await.status(), 200);
    }
    let start = Instant::now();
    // The clocks of both sides start at slightly different moments.
    ends_after(idle - Duration::from_millis(20), start, "HTTP/1.1", raw.closed()).await;
    ends_after(idle - Duration::from_millis(20), start_two, "HTTP/2", two.drained()).await;
}

#[tokio::test]
async fn a_running_handler_is_not_idle() {
    let idle = Duration::from_millis(50);
    let mut running = Running::start(limits(|limits| limits.idle_timeout = idle)).await;
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Held HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(running.event().await, Event::Began("Say.Held".into()));
    // Another connection idles in the meantime, four times, and is closed.
    for _ in 0..4 {
        let mut other = Raw::connect(running.port).await;
        other.send("POST /Say/Nope HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(other.answer().await.status(), 404);
        other.closed().await;
    }
    running.say.gate.add_permits(1);
    assert_eq!(raw.answer().await.status(), 200);
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let mut running = Running::start(limits(|limits| limits.max_connections = 2)).await;
    let call = "POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let mut first = Raw::connect(running.port).await;
    let mut second = Raw::connect(running.port).await;
    for raw in [&mut first, &mut second] {
        raw.send(call).await;
        assert_eq!(raw.answer().await.status(), 200);
        running.event().await;
        running.event().await;
    }
    let mut third = Raw::connect(running.port).await;
    third.send(call).await;
    first.send(call).await;
    assert_eq!(first.answer().await.status(), 200);
    running.event().await;
    running.event().await;
    assert!(running.events.try_recv().is_err(), "the third has to wait");
    drop(second);
    assert_eq!(third.answer().await.status(), 200);
}

#[tokio::test]
async fn streams_over_the_limit_are_refused() {
    let mut running = Running::start(limits(|limits| limits.max_streams = 2)).await;
    let mut raw = h2::connect(running.port).await;
    for stream in [1, 3, 5] {
        raw.send(h2::request(stream, "/Say/Hang", b"{}")).await;
    }
    let reset = h2::until(&mut raw, h2::RST_STREAM).await.unwrap();
    assert_eq!((reset.stream, &*reset.payload), (5, &[0, 0, 0, 7][..]), "REFUSED_STREAM");
    running.event().await;
    running.event().await;
    assert!(running.events.try_recv().is_err());
}

#[tokio::test]
async fn the_next_connection_of_a_flooder_waits_and_nobody_else() {
    let running = Running::start(Limits::default()).await;
    let mut before = h2::connect(running.port).await;
    before.send(h2::request(1, "/Say/Hello", b"{}")).await;
    h2::until(&mut before, h2::DATA).await.expect("an answer");
    let begin = Instant::now();
    let mut waited = Duration::ZERO;
    // Each flood doubles the wait of the next connection, which has its answer, if later than others.
    while waited < Duration::from_millis(190) {
        assert!(begin.elapsed() < 5 * LATE, "no wait but {waited:?}");
        let mut flood = h2::connect(running.port).await;
        while flood.try_send(h2::frame(h2::PING, 0, 0, &[7; 8]).repeat(100)).await {}
        let start = Instant::now();
        let mut next = h2::connect(running.port).await;
        next.send(h2::request(1, "/Say/Hello", b"{}")).await;
        h2::until(&mut next, h2::DATA).await.expect("an answer");
        waited = start.elapsed();
    }
    assert!(waited < LATE, "{waited:?}");
    // What was there before has no wait, and neither has HTTP/1.
    let mut raw = Raw::connect(running.port).await;
    raw.send("POST /Say/Hello HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
    let others = async {
        assert_eq!(raw.answer().await.status(), 200);
        before.send(h2::request(3, "/Say/Hello", b"{}")).await;
        while h2::until(&mut before, h2::DATA).await.expect("an answer").stream != 3 {}
    };
    tokio::select! {
        biased;
        // Which waits for the server's first frame.
        _ = h2::connect(running.port) => panic!("it did not wait"),
        () = others => {}
    }
}

#[tokio::test]
async fn a_caller_that_does_not_read_is_closed() {
    let idle = Duration::from_millis(300);
    let running = Running::start(limits(|limits| (limits.idle_timeout, limits.header_timeout) = (idle, idle))).await;
    // More than the buffers of both sockets hold.
    let big = "POST /Say/Big HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n{\"size\":4000000}";
    let mut raw = Raw::connect(running.port).await;
    raw.send(big.repeat(8)).await;
    let start = Instant::now();
    dribble(raw, b"POST").await;
    assert!(start.elapsed() < 2 * idle + LATE, "{:?}", start.elapsed());
    // Over HTTP/2 the window is closed, and frames that carry nothing keep nothing open.
    let mut raw = h2::connect(running.port).await;
    raw.send(h2::request(1, "/Say/Big", b"{\"size\":4000000}")).await;
    let start = Instant::now();
    dribble(raw, &h2::frame(h2::PING, 0, 0, &[7; 8])).await;
    assert!(start.elapsed() < 2 * idle + LATE, "{:?}", start.elapsed());
}
