//! Reads the answers of name servers (RFC 1035 section 4). HTTP workers.

use crate::transport::name_server::Kind;
use simple_dns::rdata::RData;
use simple_dns::{Name, Packet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Most addresses of one kind; more are passed over.
pub const MAX_ADDRESSES: usize = 256;
/// Most aliases from the name to its addresses.
const MAX_ALIASES: usize = 16;
/// The greatest TTL; what is above counts as 0 (RFC 2181 section 8).
const MAX_TTL: u32 = i32::MAX as u32;

/// What an answer says about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its addresses, each once; none where the name has no record of the kind.
    pub addresses: Vec<IpAddr>,
    /// How long that holds: the least TTL on the way to them.
    pub ttl: Duration,
}

/// The addresses of `name` in a message, by way of its aliases (CNAME).
///
/// # Errors
/// What is wrong with the message: it is malformed, answers another question, or has records of other names alone.
pub fn read(message: &[u8], name: &str, kind: Kind) -> Result<Found, &'static str> {
    let message = Packet::parse(message).map_err(|_| "a malformed answer")?;
    let asked = Name::new(name).map_err(|_| "not a domain name")?;
    if !matches!(message.questions.as_slice(), [question] if question.qname == asked) {
        return Err("an answer to another question");
    }
    let mut ttl = MAX_TTL;
    let mut owner = &asked;
    let mut aliases = 0;
    while let Some((target, its_ttl)) = alias_of(&message, owner) {
        (owner, ttl, aliases) = (target, ttl.min(its_ttl), aliases + 1);
        if aliases > MAX_ALIASES {
            return Err("too many aliases");
        }
    }
    let mut addresses = Vec::new();
    for record in &message.answers {
        match address(&record.rdata, kind) {
            Some(address) if record.name == *owner => {
                ttl = ttl.min(valid(record.ttl));
                if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            _ => {}
        }
    }
    if addresses.is_empty() && aliases == 0 && !message.answers.is_empty() {
        return Err("an answer about another name");
    }
    Ok(Found { addresses, ttl: Duration::from_secs(ttl.into()) })
}

fn alias_of<'a>(message: &'a Packet<'a>, owner: &Name<'_>) -> Option<(&'a Name<'a>, u32)> {
    message.answers.iter().find_map(|record| match &record.rdata {
        RData::CNAME(target) if record.name == *owner => Some((&target.0, valid(record.ttl))),
        _ => None,
    })
}

const fn valid(ttl: u32) -> u32 {
    if ttl > MAX_TTL { 0 } else { ttl }
}

fn address(data: &RData<'_>, kind: Kind) -> Option<IpAddr> {
    match (kind, data) {
        (Kind::A, RData::A(record)) => Some(Ipv4Addr::from(record.address).into()),
        (Kind::Aaaa, RData::AAAA(record)) => Some(Ipv6Addr::from(record.address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::rdata::{A, CNAME};
    use simple_dns::{CLASS, Question, ResourceRecord, TYPE};

    fn name(text: &str) -> Name<'_> {
        Name::new(text).expect("a name of a test")
    }

    fn a(owner: &'static str, ttl: u32, last: u8) -> ResourceRecord<'static> {
        let address = A { address: Ipv4Addr::new(127, 0, 0, last).into() };
        ResourceRecord::new(name(owner), CLASS::IN, ttl, RData::A(address))
    }

    fn alias(owner: &'static str, target: &'static str, ttl: u32) -> ResourceRecord<'static> {
        ResourceRecord::new(name(owner), CLASS::IN, ttl, RData::CNAME(CNAME(name(target))))
    }

    fn message(question: &'static str, answers: Vec<ResourceRecord<'static>>) -> Vec<u8> {
        let mut packet = Packet::new_reply(1);
        packet.questions.push(Question::new(name(question), TYPE::A.into(), CLASS::IN.into(), false));
        packet.answers = answers;
        packet.build_bytes_vec_compressed().expect("a message of a test")
    }

    fn found(addresses: &[u8], ttl: u64) -> Result<Found, &'static str> {
        let addresses = addresses.iter().map(|last| Ipv4Addr::new(127, 0, 0, *last).into()).collect();
        Ok(Found { addresses, ttl: Duration::from_secs(ttl) })
    }

    #[test]
    fn aliases_lead_to_the_addresses_in_any_order_and_case() {
        let records =
            vec![a("z.example", 70, 1), alias("Y.example", "Z.example", 50), alias("x.example", "y.example", 60)];
        assert_eq!(read(&message("X.example", records), "x.Example", Kind::A), found(&[1], 50));
    }

    #[test]
    fn records_of_other_names_are_not_taken() {
        let both = vec![a("x.example", 60, 1), a("evil.example", 60, 2)];
        assert_eq!(read(&message("x.example", both), "x.example", Kind::A), found(&[1], 60));
        let other = vec![a("evil.example", 60, 2)];
        assert_eq!(read(&message("x.example", other), "x.example", Kind::A), Err("an answer about another name"));
        let records = vec![a("x.example", 60, 1)];
        let error = read(&message("other.example", records), "x.example", Kind::A);
        assert_eq!(error, Err("an answer to another question"));
    }

    #[test]
    fn aliases_that_lead_in_a_circle_end() {
        let records = vec![alias("x.example", "y.example", 60), alias("y.example", "x.example", 60)];
        assert_eq!(read(&message("x.example", records), "x.example", Kind::A), Err("too many aliases"));
    }

    #[test]
    fn a_message_cut_short_anywhere_is_malformed_or_has_less() {
        let whole = message("x.example", vec![alias("x.example", "y.example", 9), a("y.example", 9, 1)]);
        for length in 0..whole.len() {
            assert_ne!(read(&whole[..length], "x.example", Kind::A), found(&[1], 9), "{length} bytes");
        }
    }

    #[test]
    fn a_ttl_with_its_first_bit_set_is_none() {
        let records = vec![a("x.example", u32::MAX, 1)];
        assert_eq!(read(&message("x.example", records), "x.example", Kind::A), found(&[1], 0));
    }

    #[test]
    fn the_first_of_many_addresses_are_taken() {
        let records = (0..300u32).map(|number| {
            let data = RData::A(A { address: number });
            ResourceRecord::new(name("x.example"), CLASS::IN, 60, data)
        });
        let found = read(&message("x.example", records.collect()), "x.example", Kind::A).expect("an answer");
        assert_eq!(found.addresses.len(), MAX_ADDRESSES);
    }
}
