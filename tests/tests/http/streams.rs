//! Streams between services, over HTTP/2 on real sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use micro::transport::{Connection, Http, Limits, Transport};
use micro::{Body, Code, Error, Stage, Streaming};
use tests::prices::{Handling, Running, channel, next, request, streamed};
use tests::say::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

#[tokio::test]
async fn messages_go_both_ways_at_their_own_pace() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (orders, body) = channel();
    let call = tokio::spawn({
        let connection = connection.clone();
        async move { connection.stream(request("Prices.Trade", body)).await }
    });
    let mut handling = running.handling().await;
    let mut seen = handling.messages();
    orders.send(Ok("one".into())).await.unwrap();
    assert_eq!(next(&mut seen).await.unwrap().unwrap(), "one");
    let fills = handling.answer_stream();
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.metadata.get("x-reply"), Some("yes"));
    let mut got = streamed(response);
    fills.send(Ok("filled one".into())).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "filled one");
    orders.send(Ok("two".into())).await.unwrap();
    drop(orders);
    assert_eq!(next(&mut seen).await.unwrap().unwrap(), "two");
    assert!(next(&mut seen).await.is_none(), "the caller has half closed");
    fills.send(Ok(Bytes::from(vec![7; 100_000]))).await.unwrap();
    fills.send(Ok("".into())).await.unwrap();
    drop(fills);
    assert_eq!(next(&mut got).await.unwrap().unwrap(), vec![7; 100_000]);
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "");
    assert!(next(&mut got).await.is_none());
}

#[tokio::test]
async fn errors_come_as_what_they_were() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (_orders, body) = channel();
    let handler = async {
        running.handling().await.answer(Err::<Body, _>(Error::not_found("no such symbol")));
    };
    let (response, ()) = tokio::join!(connection.stream(request("Prices.Trade", body)), handler);
    let error = response.unwrap().result.unwrap_err();
    assert_eq!((error.code(), error.detail()), (Code::NotFound, "no such symbol"));
    let handler = async {
        let mut handling = running.handling().await;
        assert_eq!(handling.request.body, "{}");
        handling.answer_stream()
    };
    let (response, ticks) = tokio::join!(connection.stream(request("Prices.Watch", "{}")), handler);
    let mut got = streamed(response.unwrap());
    ticks.send(Ok("1".into())).await.unwrap();
    ticks.send(Err(Error::from_status(418, "short\nand stout é"))).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "1");
    let error = next(&mut got).await.unwrap().unwrap_err();
    assert_eq!((error.status(), error.id(), error.detail()), (418, "prices", "short\nand stout é"));
    assert!(next(&mut got).await.is_none());
    ticks.closed().await;
    assert!(connection.is_open());
}

/// Opens a stream; gives both sides of it.
async fn open(
    running: &mut Running,
    connection: &Arc<dyn Connection>,
    body: Body,
) -> (Handling, Streaming<Bytes>, Ticks) {
    let endpoint = if body.one().is_some() { "Prices.Watch" } else { "Prices.Trade" };
    let handler = async {
        let mut handling = running.handling().await;
        let ticks = handling.answer_stream();
        (handling, ticks)
    };
    let (response, (handling, ticks)) = tokio::join!(connection.stream(request(endpoint, body)), handler);
    (handling, streamed(response.expect("an answer")), ticks)
}

type Ticks = mpsc::Sender<micro::Result<Bytes>>;

/// Messages until nobody has room for more; says how many.
async fn fill(ticks: &Ticks, message: &Bytes) -> usize {
    let mut sent = 0;
    while let Ok(Ok(())) = timeout(Duration::from_millis(500), ticks.send(Ok(message.clone()))).await {
        sent += 1;
    }
    sent
}

#[tokio::test]
async fn a_caller_that_drops_its_stream_drops_the_handler() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    // Before the answer.
    let call = tokio::spawn({
        let connection = connection.clone();
        async move { connection.stream(request("Prices.Watch", "{}")).await }
    });
    let mut handling = running.handling().await;
    call.abort();
    handling.dropped().await;
    // While the handler waits; a server stream, and one whose request is not at its end.
    let (_handling, got, ticks) = open(&mut running, &connection, "{}".into()).await;
    drop(got);
    ticks.closed().await;
    let (orders, body) = channel();
    let (mut handling, got, ticks) = open(&mut running, &connection, body).await;
    let _seen = handling.messages();
    drop(got);
    ticks.closed().await;
    orders.closed().await;
    // While nobody reads, on either side.
    let (orders, body) = channel();
    let (mut handling, got, ticks) = open(&mut running, &connection, body).await;
    let seen = handling.messages();
    let large = Bytes::from(vec![1; 50_000]);
    assert!(fill(&ticks, &large).await > 0 && fill(&orders, &large).await > 0);
    drop(got);
    timeout(Duration::from_secs(5), ticks.closed()).await.expect("the handler's stream is dropped");
    timeout(Duration::from_secs(5), orders.closed()).await.expect("the caller's stream is dropped");
    drop(seen);
    assert!(connection.is_open(), "the others go on");
}

#[tokio::test]
async fn a_server_that_ends_first_drops_the_callers_stream() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    orders.send(Ok("one".into())).await.unwrap();
    ticks.send(Ok("last".into())).await.unwrap();
    drop((handling.messages(), ticks));
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "last");
    assert!(next(&mut got).await.is_none(), "it ended well");
    orders.closed().await;
    // One reply in place of a stream, given before the last message was sent.
    let (orders, body) = channel();
    let handler = async {
        let mut handling = running.handling().await;
        let mut seen = handling.messages();
        assert_eq!(next(&mut seen).await.unwrap().unwrap(), "first");
        handling.answer(Ok("summary"));
    };
    let send = orders.send(Ok("first".into()));
    let (response, (), _) = tokio::join!(connection.stream(request("Prices.Upload", body)), handler, send);
    assert_eq!(response.unwrap().result.unwrap(), "summary");
    orders.closed().await;
}

#[tokio::test]
async fn a_lost_connection_is_seen_inside_of_each_stream() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    let mut seen = handling.messages();
    ticks.send(Ok("one".into())).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "one");
    running.ended.abort();
    let error = next(&mut got).await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.stage(), error.is_unhandled()), (Code::Unavailable, Some(Stage::Send), false));
    assert_eq!(error.detail(), "the connection was lost inside of the stream");
    orders.closed().await;
    ticks.closed().await;
    let error = next(&mut seen).await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{error}");
    assert!(!connection.is_open());
    let error = connection.stream(request("Prices.Watch", "{}")).await.unwrap_err();
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
}

#[tokio::test]
async fn messages_over_the_limit_are_refused_by_either_side() {
    let small = limits(|limits| limits.max_message_size = 1000);
    let mut running = Running::start(small.clone()).await;
    // By the server, to a caller that would send more.
    let connection = running.connect(&Limits::default()).await;
    let response = connection.stream(request("Prices.Watch", vec![0; 1001])).await.unwrap();
    let error = response.result.unwrap_err();
    assert!(error.status() == 413 && error.detail().contains("1000 bytes (--max_message_size)"), "{error}");
    assert!(running.is_untouched());
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    let mut seen = handling.messages();
    orders.send(Ok(vec![1; 1000].into())).await.unwrap();
    orders.send(Ok(vec![1; 1001].into())).await.unwrap();
    assert_eq!(next(&mut seen).await.unwrap().unwrap().len(), 1000);
    let error = next(&mut seen).await.unwrap().unwrap_err();
    assert!(error.status() == 413 && error.detail().contains("1000 bytes (--max_message_size)"), "{error}");
    ticks.send(Ok(vec![1; 1001].into())).await.unwrap();
    let error = next(&mut got).await.unwrap().unwrap_err();
    assert!(error.code() == Code::ResourceExhausted && error.detail().contains("1001 bytes"), "{error}");
    // By the caller.
    let running = &mut Running::start(Limits::default()).await;
    let connection = running.connect(&small).await;
    let error = connection.stream(request("Prices.Watch", vec![0; 1001])).await.unwrap_err();
    assert_eq!((error.code(), error.is_unhandled()), (Code::ResourceExhausted, true), "{error}");
    assert!(running.is_untouched());
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(running, &connection, body).await;
    let mut seen = handling.messages();
    orders.send(Ok(vec![1; 1001].into())).await.unwrap();
    let error = next(&mut seen).await.unwrap().unwrap_err();
    assert!(error.code() == Code::ResourceExhausted && error.detail().contains("1001 bytes"), "{error}");
    ticks.send(Ok(vec![1; 1001].into())).await.unwrap();
    let error = next(&mut got).await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::ResourceExhausted, Some(Stage::Decode)), "{error}");
    ticks.closed().await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_holds_its_sender_and_no_other() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let message = Bytes::from(vec![7; 10_000]);
    let mut stopped = Vec::new();
    for _ in 0..99 {
        let (orders, body) = channel();
        let (handling, got, ticks) = open(&mut running, &connection, body).await;
        stopped.push((orders, handling, got, ticks));
    }
    assert!(connection.is_open());
    let filled =
        stopped.iter().map(async |(orders, _, _, ticks)| (fill(ticks, &message).await, fill(orders, &message).await));
    for (down, up) in futures_util::future::join_all(filled).await {
        // The window of a stream, and what waits before it.
        assert!((19..45).contains(&down) && (19..45).contains(&up), "{down} and {up} messages of {}", message.len());
    }
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    assert!(!connection.is_open(), "another connection is better for the next one");
    let mut seen = handling.messages();
    for _ in 0..1_000 {
        let (_, _, down, up) = tokio::join!(
            async { ticks.send(Ok(message.clone())).await.unwrap() },
            async { orders.send(Ok(message.clone())).await.unwrap() },
            next(&mut got),
            next(&mut seen)
        );
        assert!(down.unwrap().unwrap().len() == 10_000 && up.unwrap().unwrap().len() == 10_000);
    }
    drop(got);
    ticks.closed().await;
    assert!(connection.is_open());
    // Who reads on gets all that was held.
    let (_, _, mut got, ticks) = stopped.pop().unwrap();
    drop(ticks);
    let mut read = 0;
    while let Some(message) = next(&mut got).await {
        assert_eq!(message.unwrap().len(), 10_000);
        read += 1;
    }
    assert!((19..45).contains(&read), "{read}");
}

#[tokio::test]
async fn a_server_that_stops_finishes_its_streams() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    let mut seen = handling.messages();
    running.stop.cancel();
    while connection.is_open() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = connection.stream(request("Prices.Watch", "{}")).await.unwrap_err();
    assert_eq!((error.code(), error.is_unhandled()), (Code::Unavailable, true), "{error}");
    orders.send(Ok("late".into())).await.unwrap();
    assert_eq!(next(&mut seen).await.unwrap().unwrap(), "late");
    ticks.send(Ok("later".into())).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "later");
    assert!(!running.ended.is_finished());
    drop((orders, ticks));
    assert!(next(&mut got).await.is_none());
    timeout(Duration::from_secs(5), &mut running.ended).await.expect("it has ended").unwrap();
}

#[tokio::test]
async fn a_connection_without_streams_is_closed_when_nobody_holds_it() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let (_handling, mut got, ticks) = open(&mut running, &connection, "{}".into()).await;
    drop(connection);
    ticks.send(Ok("one".into())).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "one");
    running.stop.cancel();
    drop(ticks);
    assert!(next(&mut got).await.is_none());
    drop(got);
    // Only a client that closes lets it end this soon.
    timeout(Duration::from_secs(5), running.ended).await.expect("it has ended").unwrap();
}

/// Forwards bytes until it is told to swallow them, as a network does whose cable was cut.
async fn cable(port: u16) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (cut, cuts) = watch::channel(false);
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        let forward = |mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf| {
            let cuts = cuts.clone();
            async move {
                let mut piece = vec![0; 1 << 16];
                loop {
                    let read = from.read(&mut piece).await.unwrap_or(0);
                    if *cuts.borrow() || read == 0 {
                        // Neither bytes nor an end goes through.
                        std::future::pending::<()>().await;
                    }
                    to.write_all(&piece[..read]).await.unwrap();
                }
            }
        };
        tokio::join!(forward(near_in, far_out), forward(far_in, near_out))
    });
    (address, cut)
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_noticed_within_the_idle_time_out() {
    let quick = limits(|limits| limits.idle_timeout = Duration::from_secs(1));
    let mut running = Running::start(quick.clone()).await;
    let (address, cut) = cable(running.port).await;
    let connection: Arc<dyn Connection> = Http::new().connect_streams(&address, &quick).await.unwrap().into();
    let (_orders, body) = channel();
    let (mut handling, mut got, ticks) = open(&mut running, &connection, body).await;
    let mut seen = handling.messages();
    // As long as the peer is there, nothing ends a stream that is merely quiet.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    ticks.send(Ok("still there".into())).await.unwrap();
    assert_eq!(next(&mut got).await.unwrap().unwrap(), "still there");
    cut.send_replace(true);
    let start = Instant::now();
    let (error, (), broken) = tokio::join!(next(&mut got), ticks.closed(), next(&mut seen));
    assert!(start.elapsed() < Duration::from_millis(1_800), "{:?}", start.elapsed());
    assert_eq!(error.unwrap().unwrap_err().detail(), "the connection was lost inside of the stream");
    assert_eq!(broken.unwrap().unwrap_err().code(), Code::Cancelled);
    assert!(!connection.is_open());
}

#[tokio::test]
async fn ten_thousand_streams_that_are_dropped_are_no_flood() {
    let mut running = Running::start(Limits::default()).await;
    let connection = running.connect(&Limits::default()).await;
    let mut calls = futures_util::stream::iter(0..10_000)
        .map(|_| {
            let connection = connection.clone();
            async move {
                let mut got = streamed(connection.stream(request("Prices.Watch", "{}")).await.expect("an answer"));
                assert_eq!(next(&mut got).await.unwrap().unwrap(), "1");
            }
        })
        .buffer_unordered(50);
    let mut ended = 0;
    while ended < 10_000 {
        tokio::select! {
            Some(()) = calls.next() => ended += 1,
            mut handling = running.handling() => {
                let ticks = handling.answer_stream();
                // Never its end: only the caller ends it.
                tokio::spawn(async move {
                    ticks.send(Ok("1".into())).await.unwrap();
                    ticks.closed().await;
                });
            }
        }
    }
    drop(calls);
    assert!(connection.is_open());
    let metrics = tokio::runtime::Handle::current().metrics();
    while metrics.num_alive_tasks() > 10 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
