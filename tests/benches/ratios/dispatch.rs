//! A call without a network: from a body to a body.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use micro::server::Router;
use micro::transport::Serve;
use micro::{Body, Request, Result};

use crate::measure::{CALLGRIND, ROUNDS, Spread, cost_of};
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
    let mut request = request.try_clone().expect("one message");
    request.body = Bytes::copy_from_slice(BODY).into();
    let response = router.call(request).now_or_never().expect("the handler does not wait");
    assert_eq!(response.result.and_then(Body::into_one).expect("a reply").len(), BODY.len());
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
        "route" => (0..count).for_each(|_| assert!(router.endpoint(black_box("Echo.Echo")).is_some())),
        "direct" => (0..count).for_each(|_| directly()),
        _ => panic!("no peer is called {peer}"),
    }
}

pub(crate) fn measure(table: &mut Table) {
    if !crate::has_callgrind() {
        return table.did_not_run("dispatch", CALLGRIND);
    }
    let mut spreads: [Spread; 6] = Default::default();
    for _ in 0..ROUNDS {
        for (peer, pair) in ["router", "direct", "route"].iter().zip(spreads.chunks_exact_mut(2)) {
            let (instructions, allocations) = cost_of(&["dispatch", peer]);
            pair[0].push(instructions);
            pair[1].push(allocations);
        }
    }
    let [ours, our_memory, direct, direct_memory, _, routing_memory] = &spreads;
    let mut add = |figure, unit, ours, limit| {
        let peer = if unit == "instructions" { direct } else { direct_memory };
        table.add(&Row { figure, unit, ours, peer, peer_name: "serde_json alone", limit });
    };
    let figure = "dispatch: route, decode 64 B, call, encode";
    add(figure, "instructions", ours, Limit::Plus(1.2, 1_000.0));
    add("– its routing", "allocations", routing_memory, Limit::Nothing);
    add("– all of it", "allocations", our_memory, Limit::None);
}
