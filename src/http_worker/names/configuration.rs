//! What the machine says about look-ups: `resolv.conf` and `hosts`, read when they have changed. HTTP workers.

use super::hosts_file;
use crate::host::log;
use crate::shared::clock::Instant;
use crate::transport::name_server::ServerAddress;
use resolv_conf::{Config, ScopedIp};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The least time from one look at the files to the next.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Most servers that are asked; the C library takes 3.
const MAX_SERVERS: usize = 8;
/// Most domains of the search list, each of which is a question more.
const MAX_DOMAINS: usize = 32;
/// The C library's bounds of `ndots`, `timeout` and `attempts`.
const MAX_NDOTS: u32 = 15;
const MAX_TIMEOUT: u32 = 30;
const MAX_ATTEMPTS: u32 = 5;

/// What `resolv.conf` says (resolv.conf(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The servers, in its order, at least one.
    pub servers: Vec<ServerAddress>,
    /// How long each may take; `None` where it does not say.
    pub timeout: Option<Duration>,
    /// How often the servers are gone through.
    pub attempts: usize,
    /// Whether each look-up begins with another server.
    pub rotate: bool,
    /// Whether IPv6 addresses are asked for.
    pub with_ipv6: bool,
    search: Vec<String>,
    ndots: usize,
}

impl Configuration {
    fn read() -> Self {
        let text = std::fs::read(RESOLV_CONF).unwrap_or_else(|error| {
            log::warning!("{RESOLV_CONF}: {error}; the name server on this machine is asked");
            Vec::new()
        });
        let (configuration, errors) = Self::parse(&text);
        for error in errors {
            log::warning!("{RESOLV_CONF}: {error}");
        }
        configuration
    }

    /// Reads a `resolv.conf`; what cannot be read is passed over, and told.
    pub fn parse(text: &[u8]) -> (Self, Vec<String>) {
        // Whether there is a time-out shows in a value that the C library does not know either.
        let (parsed, errors) = Config::parse_with_errors(&[b"options timeout:0\n", text].concat());
        let mut servers: Vec<ServerAddress> = parsed.nameservers.iter().map(server).take(MAX_SERVERS).collect();
        if servers.is_empty() {
            servers.push(ServerAddress { address: Ipv4Addr::LOCALHOST.into(), interface: None });
        }
        let timeout = u64::from(parsed.timeout.min(MAX_TIMEOUT));
        let configuration = Self {
            servers,
            timeout: (timeout > 0).then(|| Duration::from_secs(timeout)),
            attempts: parsed.attempts.clamp(1, MAX_ATTEMPTS) as usize,
            rotate: parsed.rotate,
            with_ipv6: !parsed.no_aaaa,
            search: domains(&parsed),
            ndots: parsed.ndots.min(MAX_NDOTS) as usize,
        };
        (configuration, errors.iter().map(ToString::to_string).collect())
    }

    /// The names that `host` may stand for, complete and without a dot at the end, in the order in which they are asked for.
    pub fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(complete) = host.strip_suffix('.') {
            return vec![complete.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{host}.{domain}")).collect();
        let is_first = host.matches('.').count() >= self.ndots;
        names.insert(if is_first { 0 } else { names.len() }, host.to_owned());
        names
    }
}

fn server(address: &ScopedIp) -> ServerAddress {
    match address {
        ScopedIp::V4(address) => ServerAddress { address: IpAddr::V4(*address), interface: None },
        ScopedIp::V6(address, interface) => {
            ServerAddress { address: IpAddr::V6(*address), interface: interface.clone() }
        }
    }
}

/// The search list: `search` or `domain`, whichever comes last, or else the domain of this host.
fn domains(parsed: &Config) -> Vec<String> {
    let mut named = parsed.get_last_search_or_domain().peekable();
    let domains: Vec<String> = match named.peek() {
        Some(_) => named.take(MAX_DOMAINS).cloned().collect(),
        None => parsed.get_system_domain().into_iter().collect(),
    };
    let complete = domains.iter().map(|domain| domain.trim_matches('.').to_owned());
    complete.filter(|domain| !domain.is_empty() && !domain.contains('\0')).collect()
}

/// Tells one state of a file from another.
#[derive(Debug, PartialEq, Eq)]
struct State {
    file: (u64, u64),
    modified: (i64, i64),
    size: u64,
}

impl State {
    fn of(path: &str) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
        })
    }
}

/// The two files, as they were last seen.
pub struct Files {
    resolv_conf: Option<State>,
    hosts: Option<State>,
    next_look: Instant,
}

/// What has changed since the last look.
#[derive(Debug, Default)]
pub struct Changes {
    /// A `resolv.conf` that has.
    pub configuration: Option<Configuration>,
    /// Whether `hosts` has.
    pub hosts: bool,
}

impl Files {
    /// The files as they are now, and what `resolv.conf` says.
    pub fn read(now: Instant) -> (Self, Configuration) {
        let files = Self {
            // Before it is read: a change in between is found by the next look.
            resolv_conf: State::of(RESOLV_CONF),
            hosts: State::of(hosts_file::PATH),
            next_look: now.after(BETWEEN_LOOKS),
        };
        (files, Configuration::read())
    }

    /// Looks whether they have changed, unless that was done within the last second.
    pub fn look(&mut self, now: Instant) -> Changes {
        if now < self.next_look {
            return Changes::default();
        }
        self.next_look = now.after(BETWEEN_LOOKS);
        let (resolv_conf, hosts) = (State::of(RESOLV_CONF), State::of(hosts_file::PATH));
        let changes = Changes {
            configuration: (resolv_conf != self.resolv_conf).then(Configuration::read),
            hosts: hosts != self.hosts,
        };
        (self.resolv_conf, self.hosts) = (resolv_conf, hosts);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Configuration {
        Configuration::parse(text.as_bytes()).0
    }

    #[test]
    fn servers_keep_their_order_and_link_local_ones_their_interface() {
        let servers = parse("nameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver ::1\n").servers;
        let shown: Vec<String> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.2", "fe80::1%eth0", "::1"]);
    }

    #[test]
    fn without_a_server_this_machine_is_asked() {
        assert_eq!(parse("search a.example\n").servers.first().map(ToString::to_string), Some("127.0.0.1".to_owned()));
    }

    #[test]
    fn a_time_out_is_told_from_none() {
        let named = parse("options timeout:5 attempts:9 rotate\n");
        assert_eq!((named.timeout, named.attempts, named.rotate), (Some(Duration::from_secs(5)), 5, true));
        assert_eq!(parse("nameserver 10.0.0.2\n").timeout, None);
        assert_eq!(parse("nameserver 10.0.0.2\n").attempts, 2);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over_and_told() {
        let (configuration, errors) =
            Configuration::parse(b"nameserver x\noptions unheard-of ndots:3\nnameserver ::2\n");
        assert_eq!(configuration.servers.first().map(ToString::to_string), Some("::2".to_owned()));
        assert_eq!(configuration.ndots, 3);
        assert!(!errors.is_empty());
    }

    #[test]
    fn a_name_is_asked_for_as_it_is_first_where_it_has_dots_enough() {
        let configuration = parse("search a.example. b.example\noptions ndots:2\n");
        assert_eq!(configuration.candidates("x.y"), ["x.y.a.example", "x.y.b.example", "x.y"]);
        assert_eq!(configuration.candidates("x.y.z"), ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"]);
        assert_eq!(configuration.candidates("x."), ["x"]);
    }
}
