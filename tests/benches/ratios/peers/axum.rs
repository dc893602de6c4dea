//! axum serves, reqwest calls, as their documentation shows it.

use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use tokio::net::TcpListener;

use super::Text;

async fn echo(Json(text): Json<Text>) -> Json<Text> {
    Json(text)
}

pub(super) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let listener = listener.tap_io(|socket| socket.set_nodelay(true).expect("a socket of TCP"));
    let router = Router::new().route("/echo", post(echo));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub(super) async fn call(address: &str, count: u64) {
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().expect("a client");
    let url = format!("http://{address}/echo");
    for number in 0..count {
        let response = client.post(&url).json(&Text::fresh(number)).send().await.expect("a reply");
        let response = response.error_for_status().expect("a status of 200");
        response.json::<Text>().await.expect("a message").check(number);
    }
}
