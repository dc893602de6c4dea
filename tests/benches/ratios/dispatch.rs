//! A call without a network: from a body to a body.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use micro::server::Router;
use micro::transport::Serve;
use micro::{Request, Result};
use tests::alloc::allocations;

use crate::measure::{CALLGRIND, Counted, ROUNDS, Spread, per_turn};
use crate::peers::Text;
use crate::table::{Limit, Row, Table};

/// 64 bytes of JSON.
const BODY: &[u8] = br#"{"text":"0123456789 0123456789 0123456789 0123456789 012345678"}"#;

struct Echo;

/// Says what it hears.
#[micro::service]
impl Echo {
    #[handler]
    async fn echo(&self, request: Text) -> Result<Text> {
        Ok(request)
    }
}

fn router() -> Router {
    let mut router = Router::new("echo");
    router.add(Arc::new(Echo)).expect("one handler");
    router
}

fn by_router(router: &dyn Serve, request: &Request) {
    let mut request = request.clone();
    request.body = Bytes::copy_from_slice(BODY);
    let response = router.call(request).now_or_never().expect("the handler does not wait");
    assert_eq!(response.result.expect("a reply").len(), BODY.len());
}

fn directly() {
    let body = Bytes::copy_from_slice(black_box(BODY));
    let text: Text = serde_json::from_slice(&body).expect("a message");
    let reply = serde_json::to_vec(&black_box(text)).expect("text has a form in JSON");
    assert_eq!(black_box(Bytes::from(reply)).len(), BODY.len());
}

pub(crate) fn run(peer: &str, count: u64) {
    let (router, request) = (router(), Request::new("echo", "Echo.Echo", ""));
    match peer {
        "router" => (0..count).for_each(|_| by_router(&router, black_box(&request))),
        "direct" => (0..count).for_each(|_| directly()),
        _ => panic!("no peer is called {peer}"),
    }
}

pub(crate) fn measure(table: &mut Table) {
    let (router, request) = (router(), Request::new("echo", "Echo.Echo", ""));
    by_router(&router, &request);
    let (found, routing) = allocations(|| router.endpoint(black_box("Echo.Echo")).is_some());
    assert!(found, "the endpoint is there");
    let ((), ours) = allocations(|| by_router(&router, &request));
    let ((), direct) = allocations(directly);

    if crate::has_callgrind() {
        let run = |peer: &str| {
            let run = |count: u64| Counted::start(&["dispatch", peer, &count.to_string()]).instructions();
            per_turn(1_000, 11_000, run)
        };
        let (mut ours, mut direct) = (Spread::default(), Spread::default());
        for _ in 0..ROUNDS {
            ours.push(run("router"));
            direct.push(run("direct"));
        }
        table.add(&Row {
            figure: "dispatch: route, decode 64 B, call, encode",
            unit: "instructions",
            ours: &ours,
            peer: &direct,
            peer_name: "serde_json alone",
            limit: Limit::Plus(1.2, 1_000.0),
        });
    } else {
        table.did_not_run("dispatch, instructions", CALLGRIND);
    }
    table.count("dispatch: allocations of routing", routing, "none", Some(0));
    table.count("dispatch: allocations of all", ours, &format!("{direct}: serde_json alone"), None);
}
