// The head of the program that the figure `build` is compared with; its messages, methods and dispatch follow.
use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

type Result<T> = std::result::Result<T, String>;
type Reply<'c> = Pin<Box<dyn Future<Output = Result<Vec<u8>>> + Send + 'c>>;

struct Service;

fn decode<T: serde::de::DeserializeOwned + prost::Message + Default>(content_type: &str, body: &[u8]) -> Result<T> {
    match content_type {
        "application/json" => serde_json::from_slice(body).map_err(|error| error.to_string()),
        "application/msgpack" => rmp_serde::from_slice(body).map_err(|error| error.to_string()),
        "application/protobuf" => T::decode(body).map_err(|error| error.to_string()),
        _ => Err("unsupported content type".to_owned()),
    }
}

fn encode<T: Serialize + prost::Message>(content_type: &str, value: &T) -> Result<Vec<u8>> {
    match content_type {
        "application/json" => serde_json::to_vec(value).map_err(|error| error.to_string()),
        "application/msgpack" => rmp_serde::to_vec_named(value).map_err(|error| error.to_string()),
        "application/protobuf" => Ok(value.encode_to_vec()),
        _ => Err("unsupported content type".to_owned()),
    }
}

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut body = String::new();
            stream.read_to_string(&mut body).await.expect("a request");
            let mut lines = body.splitn(3, '\n');
            let mut line = || lines.next().unwrap_or_default();
            let reply = dispatch(&Service, line(), line(), line().as_bytes()).await;
            stream.write_all(&reply.unwrap_or_else(String::into_bytes)).await.expect("a caller");
        });
    }
}

