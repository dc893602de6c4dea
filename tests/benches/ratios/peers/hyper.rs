//! hyper as it is: `conn::http1` serves, hyper-util's pooled client calls.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::Text;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let mut response = Response::new(Full::default());
    match serde_json::from_slice::<Text>(&body) {
        Ok(text) => {
            *response.body_mut() = Full::new(serde_json::to_vec(&text).expect("text has a form in JSON").into());
            response.headers_mut().insert(CONTENT_TYPE, JSON);
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}

pub(super) async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a port");
    let address = listener.local_addr().expect("it is bound").to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).expect("a socket of TCP");
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(socket), service_fn(echo)));
        }
    });
    address
}

pub(super) async fn call(address: &str, count: u64) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector);
    let uri: Uri = format!("http://{address}/echo").parse().expect("an address");
    for number in 0..count {
        let body = serde_json::to_vec(&Text::fresh(number)).expect("text has a form in JSON");
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        let response = client.request(request).await.expect("a reply");
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.expect("a whole reply").to_bytes();
        serde_json::from_slice::<Text>(&body).expect("a message").check(number);
    }
}
