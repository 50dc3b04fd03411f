//! One exchange with one name server (RFC 1035), by the crate c-ares: the questions for a name's addresses and what comes of
//! them. HTTP workers.
//!
//! Each exchange has a channel of its own: its socket, and with it its UDP port, are new (RFC 5452 section 9.2), it ends when it is
//! dropped, and no time-out is learned from others, as c-ares does from 1.30 on. How long it may take is up to the caller, as is
//! what to ask whom: c-ares has one server and one try.
//!
//! c-ares calls back within its own functions and has its sockets watched by others. A callback only makes a note; the notes are
//! read when the function has returned.

use super::error::LoopError;
use super::event_loop::{EventLoop, NameSocketWatch, Ready};
use crate::host::fault_point::fault_point;
use crate::host::{guarded, heap};
use c_ares::{Channel, Error, Flags, Options, SOCKET_BAD};
use std::fmt::{self, Display, Formatter};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Class IN (RFC 1035 section 3.2.4).
const CLASS_IN: u16 = 1;
const PORT: u16 = 53;
/// UDP payload that servers are told (EDNS0, RFC 6891), in bytes: what passes every path without fragments.
const PAYLOAD: u32 = 1232;
/// Longer than any exchange; c-ares cuts it to 5 s from 1.30 on.
const AT_MOST_MS: u32 = 30_000;
/// First c-ares that takes the interface of a link-local server with its address.
const WITH_INTERFACES: u32 = 0x01_14_00;

/// Where a name server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Its address.
    pub address: IpAddr,
    /// Interface of a link-local address (RFC 4007 section 11).
    pub interface: Option<String>,
}

impl Display for ServerAddress {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.address)?;
        self.interface.iter().try_for_each(|interface| write!(formatter, "%{interface}"))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

impl Kind {
    /// Its number (RFC 1035 section 3.2.2, RFC 3596 section 2.1).
    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
        }
    }
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A message with records.
    Records(Vec<u8>),
    /// There is no such name (NXDOMAIN).
    NoName,
    /// The name has nothing of this kind.
    NoData,
    /// The server answered that it cannot say.
    Failed(&'static str),
    /// Nobody listens there.
    Refused,
    /// No answer within c-ares' own time.
    Silent,
    /// Nothing was asked.
    NotAsked(&'static str),
}

impl Answer {
    /// Whether the server has said it.
    pub fn is_of_server(&self) -> bool {
        !matches!(self, Self::Refused | Self::Silent | Self::NotAsked(_))
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        match error {
            Error::ENODATA => Self::NoData,
            Error::ENOTFOUND => Self::NoName,
            Error::ESERVFAIL => Self::Failed("SERVFAIL"),
            Error::EREFUSED => Self::Failed("REFUSED"),
            Error::ENOTIMP => Self::Failed("NOTIMP"),
            Error::EFORMERR => Self::Failed("FORMERR"),
            Error::EBADRESP => Self::Failed("a malformed answer"),
            Error::ECONNREFUSED | Error::EOF => Self::Refused,
            Error::ETIMEOUT => Self::Silent,
            Error::EBADNAME | Error::EBADSTR | Error::EBADQUERY => Self::NotAsked("not a domain name"),
            Error::ENOMEM => Self::NotAsked("out of memory"),
            _ => Self::NotAsked("c-ares cannot ask"),
        }
    }
}

/// What a callback has to tell.
enum Note {
    Socket { descriptor: i32, readable: bool, writable: bool },
    Answer(Kind, Answer),
}

/// Notes of callbacks. c-ares wants them fit for threads, which it does not start here.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    fn list(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, note: Note) {
        guarded("a callback of c-ares", (), || {
            fault_point!("name server");
            self.list().push(note);
        });
    }
}

/// One exchange. Dropping it ends it, and nothing comes of it any more.
pub struct Exchange {
    number: u64,
    watches: Vec<(i32, NameSocketWatch)>,
    channel: Channel,
    notes: Notes,
    event_loop: EventLoop,
}

impl Exchange {
    /// Asks `server` for each of `kinds` of `name`, which is complete and has no dot at its end. Each answer comes as
    /// [`Ready::Answered`] with `number`. `mixed_case` varies the case of the question's letters, which the answer must repeat, where
    /// libcares can (1.20).
    ///
    /// # Errors
    /// Memory is exhausted, or c-ares does not take the server's address or the name.
    pub fn begin(
        event_loop: &EventLoop,
        number: u64,
        server: &ServerAddress,
        name: &str,
        kinds: &[Kind],
        mixed_case: bool,
    ) -> Result<Self, LoopError> {
        if name.contains('\0') {
            return Err(LoopError("not a domain name".to_owned()));
        }
        let notes = Notes::default();
        let channel = channel(server, mixed_case, &notes)
            .map_err(|error| LoopError(format!("c-ares cannot ask {server}: {error}")))?;
        let mut exchange = Self { number, watches: Vec::new(), channel, notes, event_loop: event_loop.clone() };
        for &kind in kinds {
            let notes = exchange.notes.clone();
            exchange.channel.query(name, CLASS_IN, kind.number(), move |result| {
                notes.add(Note::Answer(kind, answer_of(result)));
            });
        }
        exchange.read_notes()?;
        Ok(exchange)
    }

    /// Lets c-ares read and write on one of its sockets.
    ///
    /// # Errors
    /// libevent cannot watch a socket.
    pub fn socket_ready(&mut self, descriptor: i32, readable: bool, writable: bool) -> Result<(), LoopError> {
        let if_ready = |is_ready: bool| if is_ready { descriptor } else { SOCKET_BAD };
        self.channel.process_fd(if_ready(readable), if_ready(writable));
        self.read_notes()
    }

    fn read_notes(&mut self) -> Result<(), LoopError> {
        let notes = std::mem::take(&mut *self.notes.list());
        // Of a socket, the last note alone counts: c-ares may have closed it meanwhile.
        let mut wishes: Vec<(i32, bool, bool)> = Vec::new();
        for note in notes {
            match note {
                Note::Answer(kind, answer) => {
                    let ready = Ready::Answered { exchange: self.number, kind, answer };
                    self.event_loop.ready().borrow_mut().push_back(ready);
                }
                Note::Socket { descriptor, readable, writable } => {
                    wishes.retain(|(other, ..)| *other != descriptor);
                    wishes.push((descriptor, readable, writable));
                }
            }
        }
        wishes.into_iter().try_for_each(|(descriptor, readable, writable)| self.watch(descriptor, readable, writable))
    }

    /// Watches a socket for what c-ares wishes now. It may have been closed, and its number taken by another.
    fn watch(&mut self, descriptor: i32, readable: bool, writable: bool) -> Result<(), LoopError> {
        self.watches.retain(|(other, _)| *other != descriptor);
        if readable || writable {
            let watch = NameSocketWatch::new(&self.event_loop, self.number, descriptor, readable, writable)?;
            self.watches.push((descriptor, watch));
        }
        Ok(())
    }
}

fn answer_of(result: Result<&[u8], Error>) -> Answer {
    match result.map(heap::copy) {
        Ok(Some(message)) => Answer::Records(message),
        Ok(None) => Answer::NotAsked("out of memory"),
        Err(error) => error.into(),
    }
}

/// A channel that asks one server, once, and reads no configuration.
fn channel(server: &ServerAddress, mixed_case: bool, notes: &Notes) -> Result<Channel, Error> {
    // With NOCHECKRESP, answers such as SERVFAIL are told from silence.
    let mut flags = Flags::EDNS | Flags::NOSEARCH | Flags::NOALIASES | Flags::NOCHECKRESP;
    flags.set(Flags::DNS_0X20, mixed_case);
    let notes = notes.clone();
    let mut options = unconfigured();
    options
        .set_flags(flags)
        .set_ednspsz(PAYLOAD)
        .set_tries(1)
        .set_timeout(AT_MOST_MS)
        .set_lookups("b")
        .set_socket_state_callback(move |descriptor, readable, writable| {
            notes.add(Note::Socket { descriptor, readable, writable });
        });
    let mut channel = Channel::with_options(options)?;
    let address = match server.address {
        IpAddr::V4(address) => format!("{address}:{PORT}"),
        IpAddr::V6(address) => format!("[{address}]:{PORT}"),
    };
    match &server.interface {
        None => channel.set_servers(&[&address])?,
        Some(interface) if c_ares::version().1 >= WITH_INTERFACES => {
            channel.set_servers(&[&format!("{address}%{interface}")])?
        }
        Some(interface) => channel.set_local_device(interface).set_servers(&[&address])?,
    };
    Ok(channel)
}

/// Options with which c-ares reads neither `resolv.conf` nor the host's name.
fn unconfigured() -> Options {
    let mut options = Options::new();
    options.set_resolvconf_path("/dev/null").set_domains(&[]).set_ndots(1).set_no_rotate();
    options
}
