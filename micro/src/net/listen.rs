//! Addresses to listen on.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

use crate::{Error, Result};

/// As many connections as the system keeps ready for `accept`; it lowers this to its own limit.
const BACKLOG: i32 = 4096;

/// Listens on `host:port`, `:port` or `[::]:port`; without a host on every interface, both families.
///
/// # Errors
/// A [usage error](Error::is_usage) for an address that is none,
/// [`Code::Unavailable`](crate::Code::Unavailable) for one that cannot be taken.
pub(crate) async fn bind(address: &str) -> Result<TcpListener> {
    let (host, port) = split(address).ok_or_else(|| bad(address))?;
    if host.is_empty() {
        return everywhere(port).map_err(|error| refused(address, error));
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        return listen(SocketAddr::new(ip, port), false).map_err(|error| refused(address, error));
    }
    let resolved = tokio::net::lookup_host((host, port)).await.map_err(|error| {
        Error::usage(format!("cannot listen on \"{address}\": \"{host}\" is no address of this machine"))
            .with_source(error)
    })?;
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for candidate in resolved {
        match listen(candidate, false) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(refused(address, last))
}

/// Host and port; the host is empty for `:port`, and without its brackets for IPv6.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits)?;
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        return inner.parse::<Ipv6Addr>().is_ok().then_some((inner, port));
    }
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    host.bytes().all(name).then_some((host, port))
}

fn everywhere(port: u16) -> io::Result<TcpListener> {
    match listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), true) {
        // Only a machine without IPv6 gets the narrower listener: elsewhere it would hide that a port is in use.
        Err(error) if error.kind() == ErrorKind::AddrInUse || error.kind() == ErrorKind::PermissionDenied => Err(error),
        Err(_) => listen(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), false),
        listener => listener,
    }
}

fn listen(address: SocketAddr, both_families: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if both_families {
        socket.set_only_v6(false)?;
    }
    // A restarted service gets its port back while connections of the old one are still in TIME_WAIT. Elsewhere than
    // on Unix the option would let two processes share the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Connections inherit it. A peer that vanished without a word is found even while its handler runs.
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(30));
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn bad(address: &str) -> Error {
    Error::usage(format!(
        "bad address \"{address}\": write host:port, :port or [::]:port\n  \
         \":0\" takes a free port on every interface, \"127.0.0.1:8080\" is port 8080 for this machine only"
    ))
}

fn refused(address: &str, error: io::Error) -> Error {
    let (what, help) = match error.kind() {
        ErrorKind::AddrInUse => {
            ("the address is in use", "stop the process that has it, or take another port; port 0 takes a free one")
        }
        ErrorKind::PermissionDenied => {
            ("not permitted", "ports below 1024 need more rights; port 0 takes a free one above")
        }
        ErrorKind::AddrNotAvailable => {
            ("no interface of this machine has this address", "\":port\" listens on every interface")
        }
        _ => ("the system refused", "\":0\" takes a free port on every interface"),
    };
    Error::unavailable(format!("cannot listen on {address}: {what}\n  {help}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_text() {
        assert_eq!(split(":0"), Some(("", 0)));
        assert_eq!(split("[::1]:80"), Some(("::1", 80)));
        assert_eq!(split("localhost:65535"), Some(("localhost", 65535)));
        for bad in [
            "",
            "0",
            "8080",
            "host",
            "host:",
            ":65536",
            ":+1",
            ":-1",
            "::1:80",
            "[::1:80",
            "[x]:1",
            "a b:1",
            "http://x:1",
        ] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_what_helps() {
        let first = bind(":0").await.unwrap();
        let address = format!("127.0.0.1:{}", first.local_addr().unwrap().port());
        let error = bind(&address).await.unwrap_err();
        assert_eq!(error.code(), crate::Code::Unavailable);
        assert!(error.detail().starts_with(&format!("cannot listen on {address}: the address is in use\n")), "{error}");
        let error = bind("nonsense").await.unwrap_err();
        assert!(error.is_usage() && error.detail().contains(":port"), "{error}");
    }
}
