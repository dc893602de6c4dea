//! The span of a call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use micro::layer::Trace;
use micro::testing::Network;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Desk, DeskClient, text};

/// Keeps the fields of the spans that are called `call`, and the lines at debug.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    calls: Vec<BTreeMap<&'static str, String>>,
    lines: Vec<BTreeMap<&'static str, String>>,
}

struct Fields<'f>(&'f mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("micro::layer")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut inner = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        inner.calls.push(fields);
        Id::from_u64(inner.calls.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap().calls[span.into_u64() as usize - 1]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        self.0.lock().unwrap().lines.push(fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn a_span_says_how_a_call_went() {
    let kept = Kept::default();
    let _subscriber = tracing::subscriber::set_default(kept.clone());
    let net = Network::new();
    let (desk, mut hears) = Desk::new();
    let node = net.start(net.service("desk").layer(Trace::new()).handle(desk)).await;
    let desk: DeskClient = net.client("desk");
    desk.say(text("x")).await.unwrap();
    desk.fail().await.unwrap_err();
    {
        let held = desk.held();
        tokio::select! {
            _ = held => panic!("nobody lets it"),
            heard = hears.recv() => assert_eq!(heard, Some("began")),
        }
    }
    assert_eq!(hears.recv().await, Some("ended"));
    node.stop().await.unwrap();
    let inner = kept.0.lock().unwrap();
    let expected = [("Desk.Say", "ok"), ("Desk.Fail", "unknown"), ("Desk.Held", "dropped")];
    assert_eq!(inner.calls.len(), 3);
    for (fields, (endpoint, outcome)) in inner.calls.iter().zip(expected) {
        assert_eq!((&*fields["endpoint"], &*fields["outcome"], &*fields["service"]), (endpoint, outcome, "desk"));
        assert!(fields["peer"].starts_with("memory:") && fields.contains_key("duration"), "{fields:?}");
    }
    let outcomes: Vec<&str> = inner.lines.iter().map(|line| &*line["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "unknown", "dropped"]);
}
