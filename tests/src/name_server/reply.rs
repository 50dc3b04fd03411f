//! Questions, and what a test says comes back.

use simple_dns::rdata::{A, AAAA, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question as Asked, RCODE, ResourceRecord, TYPE};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// A question that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name as it was written.
    pub spelling: String,
    /// The name in lower case.
    pub name: String,
    /// Whether for IPv6 addresses; for IPv4 otherwise.
    pub for_ipv6: bool,
    /// Whether it came over TCP.
    pub over_tcp: bool,
    /// Bytes that the client takes over UDP (EDNS0), where it says so.
    pub payload: Option<u16>,
    /// Where it came from.
    pub from: SocketAddr,
}

impl Question {
    /// Those addresses that fit the question, under its own name, for `ttl` seconds.
    pub fn addresses(&self, addresses: &[IpAddr], ttl: u32) -> Reply {
        self.addresses_of(&self.name, addresses, ttl)
    }

    /// The same under another name.
    pub fn addresses_of(&self, owner: &str, addresses: &[IpAddr], ttl: u32) -> Reply {
        let fitting = addresses.iter().filter(|address| address.is_ipv6() == self.for_ipv6);
        Reply::Records(fitting.map(|address| Record::Address(owner.to_owned(), *address, ttl)).collect())
    }

    /// 127.0.0.1 for a minute.
    pub fn this_machine(&self) -> Reply {
        self.addresses(&[Ipv4Addr::LOCALHOST.into()], 60)
    }
}

/// A record of an answer: whose it is, what it says, how many seconds it holds.
#[derive(Clone, Debug)]
pub enum Record {
    /// An address.
    Address(String, IpAddr, u32),
    /// An alias for another name.
    Alias(String, String, u32),
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Nothing.
    Silence,
    /// Some records, maybe none.
    Records(Vec<Record>),
    /// No such name.
    NoName,
    /// The server cannot say (SERVFAIL).
    Failure,
    /// The server does not want to (REFUSED).
    Refusal,
    /// Ask over TCP.
    Truncated,
    /// The reply after a while; others are answered meanwhile.
    After(Duration, Box<Reply>),
    /// The reply with the question's letters all small.
    InSmallLetters(Box<Reply>),
    /// The reply as if another name had been asked for.
    ToAnother(&'static str, Box<Reply>),
}

impl Reply {
    /// The message; `None` for silence.
    pub(super) fn message(&self, id: u16, question: &Question) -> Option<Vec<u8>> {
        let mut packet = Packet::new_reply(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
        match self {
            Self::Silence | Self::After(..) => return None,
            Self::InSmallLetters(reply) => {
                return reply.message(id, &Question { spelling: question.name.clone(), ..question.clone() });
            }
            Self::ToAnother(name, reply) => {
                return reply.message(id, &Question { spelling: (*name).to_owned(), ..question.clone() });
            }
            Self::Records(records) => packet.answers = records.iter().map(resource_record).collect(),
            Self::NoName => *packet.rcode_mut() = RCODE::NameError,
            Self::Failure => *packet.rcode_mut() = RCODE::ServerFailure,
            Self::Refusal => *packet.rcode_mut() = RCODE::Refused,
            Self::Truncated => packet.set_flags(PacketFlag::TRUNCATION),
        }
        let kind = if question.for_ipv6 { TYPE::AAAA } else { TYPE::A };
        packet.questions.push(Asked::new(name(&question.spelling), kind.into(), CLASS::IN.into(), false));
        Some(packet.build_bytes_vec_compressed().expect("names of a test"))
    }
}

fn name(text: &str) -> Name<'_> {
    Name::new(text).expect("a name of a test")
}

fn resource_record(record: &Record) -> ResourceRecord<'_> {
    let (owner, ttl, data) = match record {
        Record::Address(owner, IpAddr::V4(address), ttl) => (owner, ttl, RData::A(A { address: (*address).into() })),
        Record::Address(owner, IpAddr::V6(address), ttl) => {
            (owner, ttl, RData::AAAA(AAAA { address: (*address).into() }))
        }
        Record::Alias(owner, target, ttl) => (owner, ttl, RData::CNAME(CNAME(name(target)))),
    };
    ResourceRecord::new(name(owner), CLASS::IN, *ttl, data)
}
