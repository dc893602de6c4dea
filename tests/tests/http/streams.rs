//! Streams between services, over HTTP/2 on real sockets.

use bytes::Bytes;
use micro::transport::Limits;
use micro::{Body, Code, Error};
use tests::prices::{Running, channel, next, request, streamed};

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
