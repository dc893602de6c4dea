//! The interfaces that mDNS uses, and the sockets on them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

use crate::net::interfaces::contains;
use crate::{Error, Result};

/// The port of mDNS.
const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Which interfaces, and which port: the meaning of `--registry_address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Names or addresses; all interfaces when it is empty.
    interfaces: Vec<String>,
    pub(super) port: u16,
}

impl Wish {
    /// Reads `lo`, `:5353`, `lo:5353`, and several of them.
    pub(super) fn parse(addresses: &[impl AsRef<str>]) -> Result<Self> {
        let (mut interfaces, mut port) = (Vec::new(), None);
        for address in addresses.iter().map(|address| address.as_ref().trim()).filter(|address| !address.is_empty()) {
            let wrong = |why: &str| {
                Error::usage(format!(
                    "--registry_address \"{address}\" {why}\n  \
                     registry \"mdns\" takes an interface, a port or both: `lo`, `:5353`, `eth0:5353`; the port is 5353 \
                     unless all programs that shall find each other are given another"
                ))
            };
            let bare: Option<IpAddr> = address.trim_start_matches('[').trim_end_matches(']').parse().ok();
            let (interface, text) = match (bare, address.rsplit_once(':')) {
                (Some(ip), _) => (ip.to_string(), None),
                (None, Some((interface, port))) => {
                    (interface.trim_start_matches('[').trim_end_matches(']').to_owned(), Some(port))
                }
                (None, None) => (address.to_owned(), None),
            };
            if let Some(text) = text {
                let number = text.parse::<u16>().ok().filter(|port| *port != 0);
                let number = number.ok_or_else(|| wrong("has no port between 1 and 65535 after its last colon"))?;
                if port.replace(number).is_some_and(|other| other != number) {
                    return Err(wrong("has another port than the address before it"));
                }
            }
            if interface.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '=')) {
                return Err(wrong("has no name of an interface"));
            }
            if !interface.is_empty() {
                interfaces.push(interface);
            }
        }
        Ok(Self { interfaces, port: port.unwrap_or(PORT) })
    }
}

/// An interface with its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    index: u32,
    v4: Vec<(Ipv4Addr, u8)>,
    v6: Vec<Ipv6Addr>,
}

/// The interfaces that mDNS uses, and the addresses of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) used: Vec<Link>,
    host: Vec<IpAddr>,
}

impl Links {
    /// What there is now.
    pub(super) fn list(wish: &Wish) -> Result<Self> {
        let interfaces = if_addrs::get_if_addrs()
            .map_err(|error| Error::unavailable("mdns cannot list the network interfaces").with_source(error))?;
        let mut links: Vec<Link> = Vec::new();
        for interface in &interfaces {
            let at = links.iter().position(|link| link.name == interface.name).unwrap_or_else(|| {
                let index = interface.index.unwrap_or(0);
                links.push(Link { name: interface.name.clone(), index, v4: vec![], v6: vec![] });
                links.len() - 1
            });
            match &interface.addr {
                if_addrs::IfAddr::V4(v4) => links[at].v4.push((v4.ip, v4.prefixlen)),
                if_addrs::IfAddr::V6(v6) => links[at].v6.push(v6.ip),
            }
        }
        let host = interfaces.iter().map(|interface| interface.ip()).collect();
        if wish.interfaces.is_empty() {
            return Ok(Self { used: links, host });
        }
        let named = |link: &Link, name: &str| link.name == name || link.has(name);
        if let Some(missing) = wish.interfaces.iter().find(|name| !links.iter().any(|link| named(link, name))) {
            let there: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            return Err(Error::usage(format!(
                "mdns: there is no interface \"{missing}\", or it is down\n  \
                 up and with an address: {there}; choose one by --registry_address"
            )));
        }
        links.retain(|link| wish.interfaces.iter().any(|name| named(link, name)));
        Ok(Self { used: links, host })
    }

    /// Whether it is an address of this host.
    pub(super) fn is_local(&self, ip: IpAddr) -> bool {
        self.host.contains(&ip)
    }
}

impl Link {
    #[cfg(test)]
    pub(super) fn new(name: &str, addresses: &[(&str, u8)]) -> Self {
        let mut link = Self { name: name.into(), index: 1, v4: vec![], v6: vec![] };
        for (ip, prefix) in addresses {
            match ip.parse().unwrap() {
                IpAddr::V4(ip) => link.v4.push((ip, *prefix)),
                IpAddr::V6(ip) => link.v6.push(ip),
            }
        }
        link
    }

    fn has(&self, address: &str) -> bool {
        address.parse::<IpAddr>().is_ok_and(|ip| self.addresses().any(|own| own == ip))
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.addresses().all(|ip| ip.is_loopback())
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.iter().map(|(ip, _)| IpAddr::V4(*ip)).chain(self.v6.iter().map(|ip| IpAddr::V6(*ip)))
    }

    /// The address that `asker` on this link reaches best; none where there are only link-local ones, which are of
    /// no use without the name of the asker's interface.
    pub(super) fn address_for(&self, asker: Option<IpAddr>) -> Option<IpAddr> {
        let near = |(ip, prefix): &&(Ipv4Addr, u8)| {
            asker.is_some_and(|asker| contains((*ip).into(), u32::from(*prefix), asker))
        };
        let v4 = self.v4.iter().find(near).or(self.v4.first()).map(|(ip, _)| IpAddr::V4(*ip));
        let far_reaching = |ip: &&Ipv6Addr| ip.segments()[0] & 0xffc0 != 0xfe80;
        v4.or_else(|| self.v6.iter().find(far_reaching).map(|ip| IpAddr::V6(*ip)))
    }

    /// Sockets that hear what is sent to the group on this link, and whose multicasts leave by it.
    pub(super) fn listen(&self, port: u16) -> io::Result<Vec<Ear>> {
        let mut ears = Vec::new();
        if let Some((ip, _)) = self.v4.first() {
            ears.push(Ear { socket: listen_v4(&self.name, *ip, port)?, group: (GROUP_V4, port).into() });
        }
        if !self.v6.is_empty() {
            match listen_v6(&self.name, self.index, port) {
                Ok(socket) => ears.push(Ear { socket, group: group_v6(port, self.index) }),
                Err(error) if ears.is_empty() => return Err(error),
                // Where there is IPv4 it is enough; loopback often has no multicast of IPv6.
                Err(error) => {
                    tracing::debug!(%error, interface = self.name, "mdns goes without IPv6 on this interface")
                }
            }
        }
        Ok(ears)
    }
}

/// A socket on one link.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) socket: UdpSocket,
    /// Where all on the link hear.
    pub(super) group: SocketAddr,
}

impl Ear {
    /// Sends to one, or to all. A full buffer of the system loses the packet, as the network may.
    pub(super) fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        socket2::SockRef::from(&self.socket).send_to(bytes, &to.into()).map(drop)
    }
}

/// A socket that shares its port: with our own programs, and with those of Go Micro, which share by address only.
fn shared(domain: Domain, interface: &str) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    // A multicast that fits one socket only is given to any of those that share the port with it and are bound alike,
    // be they of other interfaces. So on Linux the port is shared that way only when the interface tells them apart.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let apart = socket.bind_device(Some(interface.as_bytes())).is_ok();
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let apart = !interface.is_empty();
    #[cfg(unix)]
    socket.set_reuse_port(apart)?;
    #[cfg(not(unix))]
    let _ = apart;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn listen_v4(name: &str, interface: Ipv4Addr, port: u16) -> io::Result<UdpSocket> {
    let socket = shared(Domain::IPV4, name)?;
    // Without this a socket hears what any program joined, on any interface.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_multicast_all_v4(false)?;
    // Bound to the group it hears multicasts only, and takes no unicasts away from others on this port.
    let bound = if cfg!(windows) { Ipv4Addr::UNSPECIFIED } else { GROUP_V4 };
    socket.bind(&SocketAddr::from((bound, port)).into())?;
    socket.join_multicast_v4(&GROUP_V4, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_multicast_loop_v4(true)?;
    socket.set_multicast_ttl_v4(255)?;
    UdpSocket::from_std(socket.into())
}

fn listen_v6(name: &str, index: u32, port: u16) -> io::Result<UdpSocket> {
    let socket = shared(Domain::IPV6, name)?;
    socket.set_only_v6(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_multicast_all_v6(false)?;
    let group = group_v6(port, index);
    let bound = if cfg!(windows) { (Ipv6Addr::UNSPECIFIED, port).into() } else { group };
    socket.bind(&SockAddr::from(bound))?;
    socket.join_multicast_v6(&GROUP_V6, index)?;
    socket.set_multicast_if_v6(index)?;
    socket.set_multicast_loop_v6(true)?;
    socket.set_multicast_hops_v6(255)?;
    UdpSocket::from_std(socket.into())
}

fn group_v6(port: u16, index: u32) -> SocketAddr {
    SocketAddrV6::new(GROUP_V6, port, 0, index).into()
}

/// The sockets that questions leave by. Their ports are nobody else's: answers to a shared port would reach any of
/// the programs that share it.
#[derive(Debug)]
pub(super) struct Mouth {
    pub(super) v4: Option<Arc<UdpSocket>>,
    pub(super) v6: Option<Arc<UdpSocket>>,
}

impl Mouth {
    pub(super) fn open() -> io::Result<Self> {
        let v4 = open(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, 0).into());
        let v6 = open(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, 0).into());
        match (v4, v6) {
            (Err(error), Err(_)) => Err(error),
            (v4, v6) => Ok(Self { v4: v4.ok().map(Arc::new), v6: v6.ok().map(Arc::new) }),
        }
    }

    /// Asks on every link. Callers take turns, as the interface is an option of the socket.
    ///
    /// # Errors
    /// What the system said, when no link took the question.
    pub(super) fn ask(&mut self, bytes: &[u8], links: &[Link], port: u16) -> Result<()> {
        let mut asked = false;
        let mut failures = Vec::new();
        for link in links {
            if let (Some(socket), Some((ip, _))) = (&self.v4, link.v4.first()) {
                let socket = socket2::SockRef::from(&**socket);
                let group = SocketAddr::from((GROUP_V4, port));
                match socket.set_multicast_if_v4(ip).and_then(|()| socket.send_to(bytes, &group.into())) {
                    Ok(_) => asked = true,
                    Err(error) => failures.push((link.name.clone(), error)),
                }
            }
            if let (Some(socket), false) = (&self.v6, link.v6.is_empty()) {
                let socket = socket2::SockRef::from(&**socket);
                let group = group_v6(port, link.index);
                match socket.set_multicast_if_v6(link.index).and_then(|()| socket.send_to(bytes, &group.into())) {
                    Ok(_) => asked = true,
                    Err(error) => failures.push((link.name.clone(), error)),
                }
            }
        }
        if asked { Ok(()) } else { Err(unusable(failures, port)) }
    }
}

fn open(domain: Domain, address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    match address {
        SocketAddr::V4(_) => {
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(255)?;
        }
        SocketAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_multicast_loop_v6(true)?;
            socket.set_multicast_hops_v6(255)?;
        }
    }
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// What to say when no interface can be used: which were tried, what the system said, and what helps.
pub(super) fn unusable(failures: Vec<(String, io::Error)>, port: u16) -> Error {
    if failures.is_empty() {
        return Error::unavailable(
            "mdns: no network interface is up and has an address, so nothing can be announced or found\n  \
             bring one up (`ip link set lo up`), or choose another registry by --registry",
        );
    }
    let taken = failures.iter().any(|(_, error)| error.kind() == io::ErrorKind::AddrInUse);
    let said: Vec<String> = failures.iter().map(|(name, error)| format!("{name}: {error}")).collect();
    let helps = if taken {
        format!(
            "a program on this host has UDP port {port} for itself: stop it, or give all programs another port by \
             --registry_address=:5354"
        )
    } else {
        "a multicast route may be missing (`ip route add 224.0.0.0/4 dev eth0`); --registry_address=lo stays within \
         this host"
            .to_owned()
    };
    let source = failures.into_iter().next().map(|(_, error)| error).expect("there is a failure");
    Error::unavailable(format!("mdns: no interface carries multicasts of port {port} ({})\n  {helps}", said.join("; ")))
        .with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_interface_a_port_or_both() {
        let wish = |addresses: &[&str]| Wish::parse(addresses).unwrap();
        let expected = |interfaces: &[&str], port| Wish {
            interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
            port,
        };
        assert_eq!(wish(&[]), expected(&[], 5353));
        assert_eq!(wish(&["lo"]), expected(&["lo"], 5353));
        assert_eq!(wish(&[":5354"]), expected(&[], 5354));
        assert_eq!(wish(&["lo:5354", "eth0"]), expected(&["lo", "eth0"], 5354));
        assert_eq!(wish(&["127.0.0.1:5354"]), expected(&["127.0.0.1"], 5354));
        assert_eq!(wish(&["::1", "[fd00::7]:5354"]), expected(&["::1", "fd00::7"], 5354));
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong() {
        let text = |addresses: &[&str]| {
            let error = Wish::parse(addresses).unwrap_err();
            assert!(error.is_usage());
            error.to_string()
        };
        assert!(text(&["lo:http"]).starts_with("--registry_address \"lo:http\" has no port between 1 and 65535"));
        assert!(text(&["lo:0"]).contains("takes an interface, a port or both: `lo`, `:5353`, `eth0:5353`"));
        assert!(text(&["lo:1", "eth0:2"]).contains("has another port than the address before it"));
        assert!(text(&["http://10.0.0.2:8500"]).contains("no name of an interface"));
    }

    #[test]
    fn the_asker_gets_the_address_of_its_network() {
        let link = Link::new("eth0", &[("fe80::1", 64), ("10.1.0.7", 16), ("192.168.1.7", 24)]);
        for (asker, address) in [("192.168.1.9", "192.168.1.7"), ("10.1.9.9", "10.1.0.7"), ("10.9.9.9", "10.1.0.7")] {
            assert_eq!(link.address_for(asker.parse().ok()), address.parse().ok());
        }
        assert_eq!(Link::new("eth0", &[("fe80::1", 64)]).address_for(None), None);
    }
}
