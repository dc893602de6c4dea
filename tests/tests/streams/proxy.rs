//! A TCP connection that a test can cut, or let fall silent.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to an address.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: String,
    target: Arc<Mutex<String>>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Connections are gone.
    Severed,
    /// Connections are there, and nothing goes through.
    Silent,
}

impl Proxy {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let proxy = Self { address, target: Arc::default(), state: watch::Sender::new(State::Open) };
        let (target, state) = (proxy.target.clone(), proxy.state.clone());
        tokio::spawn(async move {
            loop {
                let Ok((mut near, _)) = listener.accept().await else { return };
                let target = target.lock().unwrap().clone();
                let mut state = state.subscribe();
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(&target).await else { return };
                    let _ = (near.set_nodelay(true), far.set_nodelay(true));
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => return,
                        _ = state.wait_for(|state| *state != State::Open) => {}
                    }
                    // Both ends are held, and nothing is read.
                    let _ = state.wait_for(|state| *state == State::Severed).await;
                });
            }
        });
        proxy
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn forward_to(&self, address: &str) {
        *self.target.lock().unwrap() = address.to_owned();
    }

    /// Cuts all connections.
    pub(crate) fn sever(&self) {
        self.state.send_replace(State::Severed);
    }

    /// Lets nothing through any more, in either direction.
    pub(crate) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }
}
