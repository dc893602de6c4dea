//! The addresses of this host, and the one under which others reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::{Error, Result};

/// The address that callers are told, for a server that is bound to `bound`.
///
/// `wish` is `--server_advertise`: `host:port`, a host, `auto` or `auto:10.1.0.0/16`. Without one an address that is
/// bound stays as it is, and a server on every interface is reached by that of the default route, else the first that
/// is not loopback, else loopback. Addresses that are no `host:port` (of other transports) stay as they are.
///
/// # Errors
/// A [usage error](Error::is_usage) for a wish that is none of these, or that no interface fulfils.
pub(crate) fn advertise(bound: &str, wish: Option<&str>) -> Result<String> {
    advertise_on(&System, bound, wish)
}

/// Where addresses come from; tests have another host.
trait Host {
    /// The source address of packets to the rest of the world, where there is a route.
    fn outward(&self, v6: bool) -> Option<IpAddr>;

    /// All addresses, in the system's order.
    fn addresses(&self) -> Vec<IpAddr>;
}

struct System;

impl Host for System {
    fn outward(&self, v6: bool) -> Option<IpAddr> {
        // Connecting a UDP socket chooses the route and sends nothing. Both are addresses for documentation.
        let (any, far): (IpAddr, IpAddr) = match v6 {
            true => (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
            false => (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect((far, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        interfaces.iter().map(|interface| interface.ip()).filter(|ip| !is_link_local(ip)).collect()
    }
}

/// An address of IPv6 that is of no use without the name of an interface.
fn is_link_local(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80)
}

fn advertise_on(host: &impl Host, bound: &str, wish: Option<&str>) -> Result<String> {
    let Some(listening) = Bound::parse(bound) else {
        // A wish has no port to go with, unless it has one itself.
        return Ok(wish.filter(|wish| !is_auto(wish)).unwrap_or(bound).to_owned());
    };
    let any = listening.ip.is_none_or(|ip| ip.is_unspecified());
    let v4_only = matches!(listening.ip, Some(IpAddr::V4(_)));
    let auto = || default(host, v4_only);
    match wish.map(str::trim) {
        None | Some("" | "auto") if any => Ok(join(auto(), listening.port)),
        None | Some("" | "auto") => Ok(bound.to_owned()),
        Some(wish) => match wish.strip_prefix("auto:") {
            Some(range) => Ok(join(in_range(host, range)?, listening.port)),
            None => wished(wish, listening.port, auto),
        },
    }
}

fn is_auto(wish: &str) -> bool {
    wish.trim().is_empty() || wish.trim() == "auto" || wish.trim().starts_with("auto:")
}

/// What a server listens on.
struct Bound {
    /// `None` for a host name, or for `:9000`.
    ip: Option<IpAddr>,
    port: u16,
}

impl Bound {
    fn parse(bound: &str) -> Option<Self> {
        if let Ok(address) = bound.parse::<SocketAddr>() {
            return Some(Self { ip: Some(address.ip()), port: address.port() });
        }
        let port = bound.strip_prefix(':')?.parse().ok()?;
        Some(Self { ip: None, port })
    }
}

fn wished(wish: &str, port: u16, auto: impl Fn() -> IpAddr) -> Result<String> {
    let wrong = |why: &str| {
        Error::usage(format!(
            "--server_advertise \"{wish}\" {why}\n  \
             it is `host:port`, a host, or `auto:10.1.0.0/16` for the address of this host in that range"
        ))
    };
    if let Ok(ip) = wish.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return if ip.is_unspecified() { Err(wrong("is no address to connect to")) } else { Ok(join(ip, port)) };
    }
    let (host, port) = match wish.rsplit_once(':') {
        Some((host, text)) => match text.parse::<u16>() {
            Ok(0) => (host, port),
            Ok(port) => (host, port),
            Err(_) => return Err(wrong("has no port between 0 and 65535 after its last colon")),
        },
        None => (wish, port),
    };
    if host.is_empty() {
        return Ok(join(auto(), port));
    }
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        if ip.is_unspecified() {
            return Err(wrong("is no address to connect to"));
        }
        return Ok(join(ip, port));
    }
    if host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | ':' | '[' | ']' | ',')) {
        return Err(wrong("has no host that could be looked up"));
    }
    Ok(format!("{host}:{port}"))
}

/// The address of the default route, else the first that is not loopback, else loopback.
fn default(host: &impl Host, v4_only: bool) -> IpAddr {
    let outward = host.outward(false).or_else(|| if v4_only { None } else { host.outward(true) });
    let first = || {
        let addresses = host.addresses();
        let usable = |ip: &&IpAddr| !ip.is_loopback() && (ip.is_ipv4() || !v4_only);
        let v4 = addresses.iter().filter(usable).find(|ip| ip.is_ipv4());
        v4.or_else(|| addresses.iter().find(usable)).copied()
    };
    outward.or_else(first).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

fn in_range(host: &impl Host, range: &str) -> Result<IpAddr> {
    let wrong = || {
        Error::usage(format!(
            "--server_advertise \"auto:{range}\" has no range of addresses after `auto:`\n  \
             it is written `auto:10.1.0.0/16` or `auto:fd00::/8`"
        ))
    };
    let (network, bits) = range.split_once('/').ok_or_else(wrong)?;
    let network: IpAddr = network.parse().map_err(|_| wrong())?;
    let bits: u32 = bits.parse().map_err(|_| wrong())?;
    if bits > if network.is_ipv4() { 32 } else { 128 } {
        return Err(wrong());
    }
    let addresses = host.addresses();
    addresses.iter().copied().find(|ip| contains(network, bits, *ip)).ok_or_else(|| {
        let there: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        Error::usage(format!(
            "--server_advertise \"auto:{range}\": no interface has an address in that range\n  this host has: {there}"
        ))
    })
}

/// Whether the first `bits` bits are those of `network`.
pub(crate) fn contains(network: IpAddr, bits: u32, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
            network.to_bits() & mask == ip.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
            network.to_bits() & mask == ip.to_bits() & mask
        }
        _ => false,
    }
}

fn join(ip: IpAddr, port: u16) -> String {
    SocketAddr::new(ip, port).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Laptop;

    impl Host for Laptop {
        fn outward(&self, v6: bool) -> Option<IpAddr> {
            (!v6).then_some(Ipv4Addr::new(192, 168, 1, 7).into())
        }

        fn addresses(&self) -> Vec<IpAddr> {
            ["127.0.0.1", "10.1.2.3", "192.168.1.7", "fd00::7"].map(|ip| ip.parse().unwrap()).to_vec()
        }
    }

    /// No default route.
    struct Island(&'static [&'static str]);

    impl Host for Island {
        fn outward(&self, _: bool) -> Option<IpAddr> {
            None
        }

        fn addresses(&self) -> Vec<IpAddr> {
            self.0.iter().map(|ip| ip.parse().unwrap()).collect()
        }
    }

    #[test]
    fn a_server_on_every_interface_is_reached_by_that_of_the_default_route() {
        for bound in ["0.0.0.0:9000", "[::]:9000", ":9000"] {
            assert_eq!(advertise_on(&Laptop, bound, None).unwrap(), "192.168.1.7:9000");
        }
        let island = Island(&["127.0.0.1", "fd00::7", "10.1.2.3"]);
        assert_eq!(advertise_on(&island, "[::]:9000", None).unwrap(), "10.1.2.3:9000");
        assert_eq!(advertise_on(&Island(&["::1", "fd00::7"]), "[::]:9000", None).unwrap(), "[fd00::7]:9000");
        assert_eq!(advertise_on(&Island(&["::1", "fd00::7"]), "0.0.0.0:9000", None).unwrap(), "127.0.0.1:9000");
        assert_eq!(advertise_on(&Island(&[]), "[::]:9000", None).unwrap(), "127.0.0.1:9000");
    }

    #[test]
    fn an_address_that_is_bound_stays() {
        for bound in ["127.0.0.1:9000", "[fd00::7]:9000", "memory-1", "unix:/run/x"] {
            assert_eq!(advertise_on(&Laptop, bound, None).unwrap(), bound);
            assert_eq!(advertise_on(&Laptop, bound, Some("auto")).unwrap(), bound);
        }
    }

    #[test]
    fn a_wish_is_fulfilled() {
        for (wish, address) in [
            ("example.org", "example.org:9000"),
            ("example.org:80", "example.org:80"),
            ("10.9.9.9", "10.9.9.9:9000"),
            ("10.9.9.9:0", "10.9.9.9:9000"),
            ("fd00::9", "[fd00::9]:9000"),
            ("[fd00::9]", "[fd00::9]:9000"),
            ("[fd00::9]:80", "[fd00::9]:80"),
            (":80", "192.168.1.7:80"),
            ("auto:10.1.0.0/16", "10.1.2.3:9000"),
            ("auto:fd00::/8", "[fd00::7]:9000"),
            ("auto:0.0.0.0/0", "127.0.0.1:9000"),
        ] {
            assert_eq!(advertise_on(&Laptop, "0.0.0.0:9000", Some(wish)).unwrap(), address, "{wish}");
        }
    }

    #[test]
    fn a_wish_that_is_none_says_what_would_be_right() {
        let text = |wish| {
            let error = advertise_on(&Laptop, "0.0.0.0:9000", Some(wish)).unwrap_err();
            assert!(error.is_usage());
            error.to_string()
        };
        assert_eq!(
            text("auto:10.2.0.0/16"),
            "--server_advertise \"auto:10.2.0.0/16\": no interface has an address in that range\n  \
             this host has: 127.0.0.1, 10.1.2.3, 192.168.1.7, fd00::7"
        );
        assert!(text("auto:10.2.0.0").contains("no range"));
        assert!(text("auto:10.2.0.0/33").contains("no range"));
        assert!(text("example.org:http").contains("no port between 0 and 65535"));
        assert!(text("0.0.0.0").contains("no address to connect to"));
        assert!(text("[::]:80").contains("no address to connect to"));
        assert!(text("http://example.org:80").contains("no host that could be looked up"));
    }

    #[test]
    fn this_host_has_an_address() {
        let address = advertise("0.0.0.0:9000", None).unwrap();
        assert!(address.parse::<SocketAddr>().is_ok_and(|address| !address.ip().is_unspecified()), "{address}");
    }
}
