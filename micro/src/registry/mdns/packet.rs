//! DNS messages as Go Micro has them: what we ask and answer, and what can be read from others.

use std::collections::HashMap;
use std::net::IpAddr;

use simple_dns::rdata::{A, AAAA, PTR, RData, SRV, TXT};
use simple_dns::{
    CLASS, CharacterString, Label, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, ResourceRecord, TYPE,
};

/// The largest packet that UDP can carry.
pub const MAX_PACKET: usize = 65_535;

/// The most questions and records in a packet, all in all. Each can point at a name that is a hundred times longer
/// than the pointer.
const MAX_RECORDS: usize = 256;

/// A message, as far as it matters here. Names have no dot at their end and keep their case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The number that its sender gave it.
    pub id: u16,
    /// Whether it is an answer or announcement.
    pub response: bool,
    /// What is asked, or what it answers.
    pub questions: Vec<Question>,
    /// The nodes that it tells of.
    pub entries: Vec<Entry>,
    /// Names that point to other names.
    pub pointers: Vec<(String, String)>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name that is asked for: `greeter.micro`.
    pub name: String,
    /// The kind of record.
    pub kind: Kind,
    /// Whether the answer shall be sent to the asker alone; it always is.
    pub unicast: bool,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name that points to others.
    Ptr,
    /// Host and port.
    Srv,
    /// Text.
    Txt,
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// All there are.
    Any,
}

/// A node of a message: what its records say together. Records are never put together across messages, as nodes of
/// one host have the same host name and different addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of the node: `<id>.<service>.micro`.
    pub instance: String,
    /// Its port.
    pub port: u16,
    /// How long it is there, in seconds; 0 for one that goes.
    pub ttl: u32,
    /// Its addresses, IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// What it says of itself, packed.
    pub text: Vec<u8>,
}

/// Reads a message.
///
/// # Errors
/// Why it is none.
pub fn decode(bytes: &[u8]) -> Result<Message, String> {
    check_counts(bytes)?;
    decode_unchecked(bytes)
}

/// The reader reserves room for as many records as the header says: the header must not say more than there can be.
fn check_counts(bytes: &[u8]) -> Result<(), String> {
    let Some(header) = bytes.get(..12) else { return Err("it is shorter than a header".to_owned()) };
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    let (questions, records) = (count(4), count(6) + count(8) + count(10));
    // A name takes a byte at least, what follows it 4 in a question and 10 in a record.
    if questions + records > MAX_RECORDS || 12 + 5 * questions + 11 * records > bytes.len() {
        return Err(format!("{} bytes do not hold {questions} questions and {records} records", bytes.len()));
    }
    Ok(())
}

/// [`decode`] that believes the header; tests see that this is found.
#[doc(hidden)]
pub fn decode_unchecked(bytes: &[u8]) -> Result<Message, String> {
    let packet = Packet::parse(bytes).map_err(|error| error.to_string())?;
    let mut message =
        Message { id: packet.id(), response: packet.has_flags(PacketFlag::RESPONSE), ..Message::default() };
    if packet.opcode() != OPCODE::StandardQuery {
        return Ok(message);
    }
    for question in &packet.questions {
        let kind = match question.qtype {
            QTYPE::ANY => Kind::Any,
            QTYPE::TYPE(TYPE::PTR) => Kind::Ptr,
            QTYPE::TYPE(TYPE::SRV) => Kind::Srv,
            QTYPE::TYPE(TYPE::TXT) => Kind::Txt,
            QTYPE::TYPE(TYPE::A) => Kind::A,
            QTYPE::TYPE(TYPE::AAAA) => Kind::Aaaa,
            _ => continue,
        };
        if let (Some(name), QCLASS::ANY | QCLASS::CLASS(CLASS::IN)) = (text(&question.qname), question.qclass) {
            message.questions.push(Question { name, kind, unicast: question.unicast_response });
        }
    }
    let records = || packet.answers.iter().chain(&packet.additional_records).filter(|r| r.class == CLASS::IN);
    let mut texts: HashMap<String, Vec<u8>> = HashMap::new();
    let mut addresses: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for record in records() {
        let Some(owner) = text(&record.name) else { continue };
        match &record.rdata {
            RData::TXT(record) => {
                let strings = record.iter_raw().flat_map(|(key, value)| {
                    // The reader splits at `=`, which hex does not have.
                    key.iter().chain(value.map(|_| &b'=')).chain(value.unwrap_or_default())
                });
                texts.entry(owner).or_insert_with(|| strings.copied().collect());
            }
            RData::A(record) => addresses.entry(owner).or_default().push(IpAddr::V4(record.address.into())),
            RData::AAAA(record) => addresses.entry(owner).or_default().push(IpAddr::V6(record.address.into())),
            RData::PTR(PTR(target)) => message.pointers.extend(text(target).map(|target| (owner, target))),
            _ => {}
        }
    }
    for record in records() {
        let RData::SRV(srv) = &record.rdata else { continue };
        let (Some(instance), Some(host)) = (text(&record.name), text(&srv.target)) else { continue };
        let mut addresses = addresses.get(&host).cloned().unwrap_or_default();
        addresses.sort_by_key(IpAddr::is_ipv6);
        // Taken, not copied: a packet may repeat a name, and a text may be as large as the packet.
        let text = texts.remove(&instance).unwrap_or_default();
        message.entries.push(Entry { instance, port: srv.port, ttl: record.ttl, addresses, text });
    }
    Ok(message)
}

/// A name as text; `None` for labels that cannot be told apart in it.
fn text(name: &Name<'_>) -> Option<String> {
    let mut text = String::new();
    for label in name.as_bytes() {
        let label = std::str::from_utf8(label).ok().filter(|label| !label.contains('.'))?;
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(label);
    }
    Some(text)
}

/// A record to send.
#[derive(Clone, Debug)]
pub enum Record<'r> {
    /// A name that points to another.
    Ptr(&'r str, String),
    /// Port and host of a name.
    Srv(&'r str, u16, &'r str),
    /// The address of a host.
    Address(&'r str, IpAddr),
    /// The text of a name; an empty one has no strings at all, as with Go Micro.
    Txt(&'r str, &'r [u8]),
}

/// A question to all.
pub fn query(id: u16, name: &str, kind: Kind) -> Vec<u8> {
    let mut packet = Packet::new_query(id);
    packet.questions.push(question(&Question { name: name.to_owned(), kind, unicast: false }));
    write(&packet)
}

/// An answer to one question, which it repeats.
pub fn answer(to: &Question, id: u16, records: &[Record<'_>], ttl: u32) -> Vec<u8> {
    let mut packet = Packet::new_reply(if to.unicast { id } else { 0 });
    packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    packet.questions.push(question(&Question { unicast: false, ..to.clone() }));
    packet.answers = records.iter().map(|record| resource(record, ttl)).collect();
    write(&packet)
}

/// News for all, without a question; a `ttl` of 0 is a goodbye.
pub fn announcement(records: &[Record<'_>], ttl: u32) -> Vec<u8> {
    let mut packet = Packet::new_reply(0);
    packet.answers = records.iter().map(|record| resource(record, ttl)).collect();
    packet.build_bytes_vec().expect("a `Vec` takes all")
}

fn write(packet: &Packet<'_>) -> Vec<u8> {
    packet.build_bytes_vec_compressed().expect("a `Vec` takes all")
}

fn name(text: &str) -> Name<'_> {
    let labels: Vec<Label<'_>> =
        text.split('.').filter(|label| !label.is_empty()).map(|label| Label::new_unchecked(label.as_bytes())).collect();
    Name::new_with_labels(&labels)
}

fn question(question: &Question) -> simple_dns::Question<'static> {
    let kind = match question.kind {
        Kind::Any => QTYPE::ANY,
        Kind::Ptr => QTYPE::TYPE(TYPE::PTR),
        Kind::Srv => QTYPE::TYPE(TYPE::SRV),
        Kind::Txt => QTYPE::TYPE(TYPE::TXT),
        Kind::A => QTYPE::TYPE(TYPE::A),
        Kind::Aaaa => QTYPE::TYPE(TYPE::AAAA),
    };
    simple_dns::Question::new(name(&question.name).into_owned(), kind, CLASS::IN.into(), question.unicast)
}

fn resource<'r>(record: &'r Record<'r>, ttl: u32) -> ResourceRecord<'r> {
    let (owner, data) = match record {
        Record::Ptr(owner, target) => (owner, RData::PTR(PTR(name(target)))),
        Record::Srv(owner, port, host) => {
            (owner, RData::SRV(SRV { priority: 10, weight: 1, port: *port, target: name(host) }))
        }
        Record::Address(owner, IpAddr::V4(ip)) => (owner, RData::A(A { address: (*ip).into() })),
        Record::Address(owner, IpAddr::V6(ip)) => (owner, RData::AAAA(AAAA { address: (*ip).into() })),
        Record::Txt(owner, []) => (owner, RData::Empty(TYPE::TXT)),
        Record::Txt(owner, text) => {
            let mut txt = TXT::new();
            for part in text.chunks(255) {
                txt.add_char_string(CharacterString::new(part).expect("255 bytes are a string"));
            }
            (owner, RData::TXT(txt))
        }
    };
    ResourceRecord::new(name(owner), CLASS::IN, ttl, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let to = Question { name: "greeter.micro".into(), kind: Kind::Ptr, unicast: false };
        let instance = "Greeter-1.greeter.micro";
        let records = [
            Record::Ptr("greeter.micro", instance.into()),
            Record::Srv(instance, 9000, "host"),
            Record::Address("host", "192.0.2.7".parse().unwrap()),
            Record::Txt(instance, &[b'a'; 600]),
        ];
        let message = decode(&answer(&to, 7, &records, 30)).unwrap();
        assert_eq!((message.id, message.response), (0, true));
        assert_eq!(message.questions, [to]);
        assert_eq!(message.pointers, [("greeter.micro".into(), instance.into())]);
        let entry = Entry {
            instance: instance.into(),
            port: 9000,
            ttl: 30,
            addresses: vec!["192.0.2.7".parse().unwrap()],
            text: vec![b'a'; 600],
        };
        assert_eq!(message.entries, [entry]);
    }

    #[test]
    fn a_header_that_promises_too_much_is_not_believed() {
        let mut bytes = query(1, "greeter.micro", Kind::Ptr);
        bytes[6..8].copy_from_slice(&[0xff, 0xff]);
        assert!(decode(&bytes).unwrap_err().contains("65535 records"));
        assert!(decode(&[0; 11]).is_err());
    }

    #[test]
    fn names_that_point_at_themselves_are_refused() {
        let mut bytes = query(1, "a", Kind::Ptr);
        bytes[12..14].copy_from_slice(&[0xc0, 12]);
        assert!(decode(&bytes).is_err());
    }
}
