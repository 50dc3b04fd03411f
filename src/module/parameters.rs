//! The module parameters: one row each.

use super::settings::{self, Settings};
use crate::host::log;
use crate::transport::global::MemoryManager;
use std::ffi::{CStr, CString};
use std::time::Duration;

/// One `modparam`.
#[cfg_attr(not(test), allow(dead_code, reason = "some columns are there for the manual and its test"))]
pub struct Parameter {
    /// Its name.
    pub name: &'static CStr,
    /// What it takes.
    pub kind: ParameterKind,
    /// Unit of its number; empty where there is none.
    pub unit: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// What a parameter takes, and where its value goes.
pub enum ParameterKind {
    /// A whole number.
    Integer {
        /// Value without a `modparam`.
        default: i32,
        /// Least value.
        min: i32,
        /// Greatest value.
        max: i32,
        /// Where it goes.
        store: fn(&mut Settings, i32),
    },
    /// One of some words.
    Choice {
        /// Value without a `modparam`.
        default: &'static str,
        /// The words.
        words: &'static [&'static str],
        /// Where it goes.
        store: fn(&mut Settings, &str),
    },
    /// The path of a file or folder; not set without a `modparam`, and unset by an empty string.
    Path {
        /// Where it goes.
        store: fn(&mut Settings, Option<CString>),
    },
}

/// What a script writes in a `modparam`.
#[derive(Clone, Copy, Debug)]
pub enum ParameterValue<'a> {
    /// A number.
    Integer(isize),
    /// A string.
    Text(&'a CStr),
}

/// Longest deadline, one hour: names handed to libcurl stay valid that long.
pub const MAX_TIMEOUT_MS: i32 = 3_600_000;
/// Greatest `hash_size`.
const MAX_HASH_SIZE: i32 = 65_536;
/// Longest time for TCP keep-alive, which the kernel counts in a 15-bit number.
const MAX_KEEPALIVE_SECONDS: i32 = 32_767;
/// Longest `max_response_size`, 1 GiB.
pub const MAX_RESPONSE_SIZE: i32 = 1 << 30;
/// Greatest `max_redirects`.
pub const MAX_REDIRECTS: i32 = 50;
/// Greatest `queue_size`.
const MAX_QUEUE_SIZE: i32 = 1 << 20;
/// Greatest `max_in_flight`, and as many connections.
const MAX_TRANSFERS: i32 = 65_536;
/// Greatest `max_lookups`, each of which takes a descriptor.
const MAX_LOOKUPS: i32 = 4096;
/// Greatest `max_streams`; a server that does not say otherwise allows any number (RFC 9113 section 6.5.2).
const MAX_STREAMS: i32 = 65_536;
/// All of libcurl's methods that the manual names, from Basic (1) to Digest with IE flavour (16).
pub const MAX_AUTHMETHOD: i32 = 31;
/// Basic and Digest.
pub const DEFAULT_AUTHMETHOD: i32 = 3;

/// A number that is only asked whether it is 0, as in the C module.
const fn flag(store: fn(&mut Settings, i32), default: i32) -> ParameterKind {
    ParameterKind::Integer { default, min: i32::MIN, max: i32::MAX, store }
}

/// All of them, in the order of the manual.
pub static PARAMETERS: &[Parameter] = &[
    Parameter {
        name: c"workers",
        kind: ParameterKind::Integer { default: 1, min: 1, max: 64, store: |s, v| s.workers = v.unsigned_abs() },
        unit: "processes",
        about: "HTTP worker processes, each with its own connections.",
    },
    Parameter {
        name: c"connection_timeout",
        kind: ParameterKind::Integer {
            default: 500,
            min: 1,
            max: MAX_TIMEOUT_MS,
            store: |s, v| s.connection_timeout = Duration::from_millis(v.unsigned_abs().into()),
        },
        unit: "ms",
        about: "Deadline of a query, from the call to the end of its answer, over everything.",
    },
    Parameter {
        name: c"hash_size",
        kind: ParameterKind::Integer { default: 2048, min: 0, max: MAX_HASH_SIZE, store: store_hash_size },
        unit: "transfers",
        about: "Transfers a worker makes room for at its start, and idle connections it keeps.",
    },
    Parameter {
        name: c"tls_version",
        kind: ParameterKind::Integer { default: 0, min: 0, max: 7, store: |s, v| s.tls_version = v.unsigned_abs() },
        unit: "",
        about: "Least TLS version: 0 libcurl's default, 1 TLS 1.x, 4 TLS 1.0, 5 TLS 1.1, 6 TLS 1.2, 7 TLS 1.3.",
    },
    Parameter {
        name: c"tls_verify_host",
        kind: flag(|s, v| s.tls_verify_host = v != 0, 2),
        unit: "",
        about: "Not 0: the server's certificate must be for the host of the URL.",
    },
    Parameter {
        name: c"tls_verify_peer",
        kind: flag(|s, v| s.tls_verify_peer = v != 0, 1),
        unit: "",
        about: "Not 0: the server's certificate must be signed by a known authority.",
    },
    Parameter {
        name: c"curl_verbose",
        kind: flag(|s, v| s.curl_verbose = v != 0, 0),
        unit: "",
        about: "Not 0: libcurl's own words and both header blocks go to the log at INFO, secrets blanked.",
    },
    Parameter {
        name: c"curl_follow_redirect",
        kind: flag(|s, v| s.curl_follow_redirect = v != 0, 0),
        unit: "",
        about: "Not 0: redirects are followed, max_redirects at most.",
    },
    Parameter {
        name: c"memory_manager",
        kind: ParameterKind::Choice { default: "shm", words: &["shm", "sys"], store: store_memory_manager },
        unit: "",
        about: "Whose memory libcurl uses: Kamailio's shared memory (shm) or the C library's (sys).",
    },
    Parameter {
        name: c"tls_client_cert",
        kind: ParameterKind::Path { store: |s, v| s.tls_client_cert = v },
        unit: "",
        about: "Client certificate, a PEM file.",
    },
    Parameter {
        name: c"tls_client_key",
        kind: ParameterKind::Path { store: |s, v| s.tls_client_key = v },
        unit: "",
        about: "Key of the client certificate, a PEM file that the worker's user can read.",
    },
    Parameter {
        name: c"tls_ca_path",
        kind: ParameterKind::Path { store: |s, v| s.tls_ca_path = v },
        unit: "",
        about: "Known authorities: a folder with hashed names (openssl rehash), or one PEM file.",
    },
    Parameter {
        name: c"tcp_keepalive",
        kind: flag(|s, v| s.tcp_keepalive = v != 0, 0),
        unit: "",
        about: "Not 0: TCP keep-alive probes are sent on connections.",
    },
    Parameter {
        name: c"tcp_ka_idle",
        kind: ParameterKind::Integer {
            default: 0,
            min: 0,
            max: MAX_KEEPALIVE_SECONDS,
            store: |s, v| s.tcp_ka_idle = v.unsigned_abs(),
        },
        unit: "s",
        about: "Time without traffic before the first probe; 0 for libcurl's default, 60.",
    },
    Parameter {
        name: c"tcp_ka_interval",
        kind: ParameterKind::Integer {
            default: 0,
            min: 0,
            max: MAX_KEEPALIVE_SECONDS,
            store: |s, v| s.tcp_ka_interval = v.unsigned_abs(),
        },
        unit: "s",
        about: "Time between probes; 0 for libcurl's default, 60.",
    },
    Parameter {
        name: c"authmethod",
        kind: ParameterKind::Integer {
            default: DEFAULT_AUTHMETHOD,
            min: 1,
            max: MAX_AUTHMETHOD,
            store: |s, v| s.authmethod = v.unsigned_abs(),
        },
        unit: "",
        about: "Ways to authenticate, added up: 1 Basic, 2 Digest, 4 Negotiate, 8 NTLM, 16 Digest with IE flavour.",
    },
    Parameter {
        name: c"connect_timeout",
        kind: ParameterKind::Integer {
            default: 0,
            min: 0,
            max: MAX_TIMEOUT_MS,
            store: |s, v| s.connect_timeout = Duration::from_millis(v.unsigned_abs().into()),
        },
        unit: "ms",
        about: "Longest time for a new connection, TLS included; 0 for what the deadline leaves.",
    },
    Parameter {
        name: c"max_response_size",
        kind: ParameterKind::Integer {
            default: 1_048_576,
            min: 1,
            max: MAX_RESPONSE_SIZE,
            store: |s, v| s.max_response_size = v.unsigned_abs(),
        },
        unit: "bytes",
        about: "Longest body of a response; a longer one ends the query with an error.",
    },
    Parameter {
        name: c"max_redirects",
        kind: ParameterKind::Integer {
            default: 5,
            min: 0,
            max: MAX_REDIRECTS,
            store: |s, v| s.max_redirects = v.unsigned_abs(),
        },
        unit: "",
        about: "Most redirects that one query follows; one more ends it with an error.",
    },
    Parameter {
        name: c"queue_size",
        kind: ParameterKind::Integer {
            default: 8192,
            min: 1,
            max: MAX_QUEUE_SIZE,
            store: |s, v| s.queue_size = v.unsigned_abs(),
        },
        unit: "queries",
        about: "Queries that may wait for one worker; one more is refused at the call.",
    },
    Parameter {
        name: c"max_in_flight",
        kind: ParameterKind::Integer {
            default: 1024,
            min: 1,
            max: MAX_TRANSFERS,
            store: |s, v| s.max_in_flight = v.unsigned_abs(),
        },
        unit: "transfers",
        about: "Transfers in flight in one worker; what exceeds it waits in the queue, within its deadline.",
    },
    Parameter {
        name: c"max_lookups",
        kind: ParameterKind::Integer {
            default: 256,
            min: 1,
            max: MAX_LOOKUPS,
            store: |s, v| s.max_lookups = v.unsigned_abs(),
        },
        unit: "look-ups",
        about: "Host names that one worker looks up at a time; others wait, within the deadlines of their queries.",
    },
    Parameter {
        name: c"dns_cache_time",
        kind: ParameterKind::Integer {
            default: 3600,
            min: 0,
            max: 3600,
            store: |s, v| s.dns_cache_time = Duration::from_secs(v.unsigned_abs().into()),
        },
        unit: "s",
        about: "Longest time that addresses of a host name are used again, where their TTL is longer; 0: not at all.",
    },
    Parameter {
        name: c"max_connections_per_host",
        kind: ParameterKind::Integer {
            default: 0,
            min: 0,
            max: MAX_TRANSFERS,
            store: |s, v| s.max_connections_per_host = v.unsigned_abs(),
        },
        unit: "connections",
        about: "Connections of one worker to one host and port; 0 for no limit.",
    },
    Parameter {
        name: c"max_streams",
        kind: ParameterKind::Integer {
            default: 100,
            min: 1,
            max: MAX_STREAMS,
            store: |s, v| s.max_streams = v.unsigned_abs(),
        },
        unit: "streams",
        about: "HTTP/2 requests under way on one connection; 1 for one at a time.",
    },
];

fn store_hash_size(settings: &mut Settings, value: i32) {
    let wanted = value.unsigned_abs();
    settings.hash_size = if wanted.is_power_of_two() { wanted } else { (wanted.next_power_of_two() / 2).max(1) };
    if settings.hash_size != wanted {
        log::warning!("parameter hash_size: {wanted} is not a power of two, {} is taken", settings.hash_size);
    }
}

fn store_memory_manager(settings: &mut Settings, word: &str) {
    settings.memory_manager = if word == "shm" { MemoryManager::Shm } else { MemoryManager::System };
}

impl Parameter {
    /// Takes what a script wrote. Numbers may be written as strings too, as scripts of the 4.4 generation do.
    ///
    /// # Errors
    /// One line that names the parameter, the value and what is allowed.
    pub fn set(&self, value: ParameterValue<'_>) -> Result<(), String> {
        match self.kind {
            ParameterKind::Integer { min, max, store, .. } => {
                let number = value.as_integer().filter(|number| (min..=max).contains(number));
                let number = number.ok_or_else(|| self.refusal(value))?;
                settings::change(|settings| store(settings, number));
            }
            ParameterKind::Choice { words, store, .. } => {
                let word = value.as_text().filter(|word| words.contains(word));
                let word = word.ok_or_else(|| self.refusal(value))?;
                settings::change(|settings| store(settings, word));
            }
            ParameterKind::Path { store } => {
                let ParameterValue::Text(path) = value else {
                    return Err(self.refusal(value));
                };
                let path = Some(path.to_owned()).filter(|path| !path.is_empty());
                settings::change(|settings| store(settings, path));
            }
        }
        Ok(())
    }

    fn refusal(&self, value: ParameterValue<'_>) -> String {
        format!("parameter {}: {value} is refused; it takes {}", self.name.to_string_lossy(), self.allowed())
    }

    /// What it takes, in words.
    pub fn allowed(&self) -> String {
        match self.kind {
            ParameterKind::Integer { min: i32::MIN, .. } => "a whole number".to_owned(),
            ParameterKind::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            ParameterKind::Choice { words, .. } => format!("\"{}\"", words.join("\" or \"")),
            ParameterKind::Path { .. } => "a path, as a string".to_owned(),
        }
    }
}

impl<'a> ParameterValue<'a> {
    fn as_integer(self) -> Option<i32> {
        match self {
            Self::Integer(number) => number.try_into().ok(),
            Self::Text(text) => text.to_str().ok()?.trim().parse().ok(),
        }
    }

    fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Integer(_) => None,
            Self::Text(text) => text.to_str().ok(),
        }
    }
}

impl std::fmt::Display for ParameterValue<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Text(text) => write!(formatter, "\"{}\"", text.to_string_lossy()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str) -> &'static Parameter {
        PARAMETERS.iter().find(|parameter| parameter.name.to_str() == Ok(name)).expect(name)
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_name_value_and_range() {
        for parameter in PARAMETERS {
            let ParameterKind::Integer { min, max, .. } = parameter.kind else { continue };
            let (min, max) = (min as isize, max as isize);
            for wrong in [min.checked_sub(1), max.checked_add(1)].into_iter().flatten() {
                let line = parameter.set(ParameterValue::Integer(wrong)).expect_err("out of range");
                assert!(line.contains(parameter.name.to_str().expect("ASCII")), "{line}");
                assert!(line.contains(&wrong.to_string()) && line.contains(&parameter.allowed()), "{line}");
            }
        }
    }

    #[test]
    fn a_word_that_is_not_in_the_list_is_refused() {
        let line = parameter("memory_manager").set(ParameterValue::Text(c"pkg")).expect_err("not a choice");
        assert_eq!(line, "parameter memory_manager: \"pkg\" is refused; it takes \"shm\" or \"sys\"");
    }

    #[test]
    fn a_number_may_be_written_as_a_string() {
        let mut settings = Settings::from_defaults();
        assert_eq!(ParameterValue::Text(c"1000").as_integer(), Some(1000));
        store_hash_size(&mut settings, 1000);
        assert_eq!(settings.hash_size, 512);
    }

    #[test]
    fn a_hash_size_of_0_makes_room_for_one() {
        let mut settings = Settings::from_defaults();
        store_hash_size(&mut settings, 0);
        assert_eq!(settings.hash_size, 1);
    }

    #[test]
    fn a_string_that_is_no_number_is_refused() {
        assert!(parameter("workers").set(ParameterValue::Text(c"many")).is_err());
    }

    #[test]
    fn a_number_is_no_path() {
        assert!(parameter("tls_ca_path").set(ParameterValue::Integer(1)).is_err());
    }
}
