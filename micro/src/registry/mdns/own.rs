//! The nodes of this process, and what they answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use super::super::{Node, Registration, check};
use super::link::{Link, Links};
use super::packet::{self, Kind, Question, Record};
use super::record;
use crate::{Error, Result};

/// All names end with it.
pub(super) const DOMAIN: &str = "micro";
/// Where the names of all services are asked for.
pub(super) const ALL: &str = "_services.micro";
/// Where browsers of DNS-SD ask for all kinds of services.
const KINDS: &str = "_services._dns-sd._udp.micro";

/// A node that is announced.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) service: String,
    pub(super) id: String,
    /// `<id>.<service>.micro`.
    instance: String,
    /// `<service>.micro`.
    name: String,
    address: SocketAddr,
    text: Vec<u8>,
    pub(super) end: Instant,
}

impl Own {
    /// The nodes of a registration.
    pub(super) fn all(registration: &Registration, ttl: Duration) -> Result<Vec<Self>> {
        check(registration, ttl)?;
        let now = Instant::now();
        // What cannot be counted is as good as for ever.
        let end = now.checked_add(ttl).unwrap_or_else(|| now + Duration::from_secs(1 << 30));
        registration.nodes.iter().map(|node| Self::new(registration, node, end)).collect()
    }

    fn new(registration: &Registration, node: &Node, end: Instant) -> Result<Self> {
        let address = node.address.parse().ok().filter(|address: &SocketAddr| address.port() != 0);
        let address = address.filter(|address| !address.ip().is_unspecified()).ok_or_else(|| {
            Error::invalid_argument(format!(
                "mdns announces nodes by IP address and port, \"{}\" of node \"{}\" is none: set --server_advertise, as \
                 in `10.0.0.7:9000`",
                node.address, node.id
            ))
        })?;
        let name = format!("{}.{DOMAIN}", registration.name);
        let instance = format!("{}.{name}", node.id);
        check_name(&instance)?;
        Ok(Self {
            service: registration.name.clone(),
            id: node.id.clone(),
            instance,
            name,
            address,
            text: record::encode(registration, node)?,
            end,
        })
    }

    /// Whether others see no difference.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.address == other.address && self.text == other.text
    }

    /// What is left of its time, in seconds; at least 1, as 0 is a goodbye.
    fn ttl(&self, now: Instant) -> u32 {
        let left = self.end.saturating_duration_since(now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
    }

    /// The address that is told on a link. One of this host is replaced by that of the link if the server listens
    /// there too; any other was set on purpose.
    fn address_on(&self, link: &Link, links: &Links, asker: Option<IpAddr>) -> IpAddr {
        let ip = self.address.ip();
        let stays =
            link.is_loopback() || ip.is_loopback() || !links.is_local(ip) || link.addresses().any(|own| own == ip);
        if stays {
            return ip;
        }
        link.address_for(asker).filter(|ip| is_taken(SocketAddr::new(*ip, self.address.port()))).unwrap_or(ip)
    }

    /// News of it for all on a link.
    pub(super) fn announcement(&self, host: &str, link: &Link, links: &Links) -> Vec<u8> {
        packet::announcement(&self.records(host, self.address_on(link, links, None)), self.ttl(Instant::now()))
    }

    /// News for all on a link that it goes.
    pub(super) fn goodbye(&self, host: &str, link: &Link, links: &Links) -> Vec<u8> {
        packet::announcement(&self.records(host, self.address_on(link, links, None)), 0)
    }

    fn records<'o>(&'o self, host: &'o str, address: IpAddr) -> [Record<'o>; 3] {
        [
            Record::Srv(&self.instance, self.address.port(), host),
            Record::Address(host, address),
            Record::Txt(&self.instance, &self.text),
        ]
    }
}

/// Whether a server listens there. Taking the address for a moment fails if one does, and nobody notices.
fn is_taken(address: SocketAddr) -> bool {
    let take = || {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
        // Connections of the past do not count.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())
    };
    take().is_err_and(|error: std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// Refuses a name that DNS cannot carry.
pub(super) fn check_name(name: &str) -> Result<()> {
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return Err(Error::invalid_argument(format!(
                "mdns cannot carry the name \"{name}\": each part between two dots has to have 1 to 63 bytes, \
                 \"{label}\" has {}\n  a shorter name of the service or a shorter --server_id helps",
                label.len()
            )));
        }
    }
    // Each part has its length before it, and a zero ends the name.
    if name.len() + 2 > 255 {
        return Err(Error::invalid_argument(format!(
            "mdns cannot carry the name \"{name}\": it has {} bytes, 253 are possible\n  \
             a shorter name of the service or a shorter --server_id helps",
            name.len()
        )));
    }
    Ok(())
}

/// The answers of this process to a question that came by `link` from `asker`; each is a packet.
pub(super) fn answers(
    own: &[Own],
    host: &str,
    question: &Question,
    id: u16,
    (link, links): (&Link, &Links),
    asker: Option<IpAddr>,
) -> Vec<Vec<u8>> {
    let now = Instant::now();
    let alive = || own.iter().filter(|own| own.end > now);
    let mut services: Vec<&Own> = alive().collect();
    services.sort_by(|a, b| a.service.cmp(&b.service));
    services.dedup_by(|a, b| a.service == b.service);
    let asked = question.name.as_str();
    let any = question.kind == Kind::Any;
    let pointer = any || question.kind == Kind::Ptr;
    let mut packets = Vec::new();

    if asked == ALL && pointer {
        for own in services {
            let instance = format!("{}.{ALL}", own.service);
            let records = [
                Record::Ptr(ALL, instance.clone()),
                Record::Srv(&instance, 9999, host),
                Record::Address(host, IpAddr::from([0, 0, 0, 0])),
                Record::Txt(&instance, &[]),
            ];
            packets.push(packet::answer(question, id, &records, own.ttl(now)));
        }
        return packets;
    }
    if asked == KINDS && pointer {
        let Some(longest) = alive().map(|own| own.ttl(now)).max() else { return packets };
        let mut records: Vec<Record<'_>> = services.iter().map(|own| Record::Ptr(KINDS, own.name.clone())).collect();
        records.push(Record::Ptr(KINDS, ALL.to_owned()));
        packets.push(packet::answer(question, id, &records, longest));
        return packets;
    }
    if asked == host {
        let mut addresses: Vec<IpAddr> = alive().map(|own| own.address_on(link, links, asker)).collect();
        addresses.sort();
        addresses.dedup();
        addresses.retain(|ip| {
            any || (question.kind == Kind::A && ip.is_ipv4()) || (question.kind == Kind::Aaaa && ip.is_ipv6())
        });
        let Some(longest) = alive().map(|own| own.ttl(now)).max() else { return packets };
        if !addresses.is_empty() {
            let records: Vec<Record<'_>> = addresses.into_iter().map(|ip| Record::Address(host, ip)).collect();
            packets.push(packet::answer(question, id, &records, longest));
        }
        return packets;
    }
    for own in alive() {
        let ip = own.address_on(link, links, asker);
        let [srv, address, txt] = own.records(host, ip);
        let records = if asked == own.name && pointer {
            vec![Record::Ptr(&own.name, own.instance.clone()), srv, address, txt]
        } else if asked == own.instance {
            match question.kind {
                Kind::Any => vec![srv, address, txt],
                Kind::Srv => vec![srv, address],
                Kind::Txt => vec![txt],
                Kind::A if ip.is_ipv4() => vec![address],
                Kind::Aaaa if ip.is_ipv6() => vec![address],
                Kind::Ptr | Kind::A | Kind::Aaaa => continue,
            }
        } else {
            continue;
        };
        packets.push(packet::answer(question, id, &records, own.ttl(now)));
    }
    packets
}
