//! The way of a query into the ring: checks everything, builds the query, takes a place in a ring, suspends the
//! transaction, publishes. A suspension cannot be undone, so whatever can fail comes before it.

use super::request_id;
use super::request_parameters::RequestParameters;
use crate::host::heap::{self, NoCString};
use crate::host::interface::TransactionState;
use crate::host::log;
use crate::host::message::Message;
use crate::host::route::{self, FAILURE_ROUTE, REQUEST_ROUTE, RouteType, TM_ONREPLY_ROUTE};
use crate::host::transaction::{self, SuspendError};
use crate::host::warned_names::WarnedNames;
use crate::module::functions::ScriptResult;
use crate::module::parameters::DEFAULT_AUTHMETHOD;
use crate::module::settings::settings;
use crate::module::statistics::Statistic;
use crate::shared::clock::Instant;
use crate::shared::query::{Options, Query, QueryError, Text, Texts};
use crate::shared::query_id::QueryId;
use crate::shared::{scarcity, workers};
use std::ffi::{CStr, CString};
use std::fmt;

/// Longest URL, in bytes.
pub const MAX_URL: usize = 8192;
/// Longest name of a callback function, in bytes.
const MAX_FUNCTION: usize = 255;

/// Why a query is not accepted. Nothing was sent and no transaction is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    ParameterRefused,
    UrlEmpty,
    UrlTooLong(usize),
    UrlControlByte(u8),
    RouteUnknown,
    FunctionTooLong(usize),
    TransactionSuspended,
    Retransmission,
    QueryTooLarge,
    NoMemory,
    MemoryScarce,
    QueueFull,
    NoWorker,
    Cancelled,
    Answered,
    BranchesOpen,
    NegativeReply,
    SuspendFailed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ParameterRefused => formatter.write_str("a $http_req parameter of this query was refused"),
            Self::UrlEmpty => formatter.write_str("the URL is empty"),
            Self::UrlTooLong(length) => write!(formatter, "the URL has {length} bytes, {MAX_URL} are allowed"),
            Self::UrlControlByte(byte) => write!(formatter, "the URL holds the control byte 0x{byte:02x}"),
            Self::RouteUnknown => formatter.write_str("the script has no such route"),
            Self::FunctionTooLong(length) => {
                write!(formatter, "the name of the function has {length} bytes, {MAX_FUNCTION} are allowed")
            }
            Self::TransactionSuspended => {
                formatter.write_str("the transaction is suspended already; it carries one suspended query at a time")
            }
            Self::Retransmission => formatter.write_str("it is a retransmission of the reply that is suspended"),
            Self::QueryTooLarge => formatter.write_str("the query is too large"),
            Self::NoMemory => formatter.write_str("shared memory is exhausted"),
            Self::MemoryScarce => formatter.write_str("shared memory is nearly exhausted"),
            Self::QueueFull => write!(formatter, "the queue is full ({} queries)", settings().queue_size),
            Self::NoWorker => formatter.write_str("there is no HTTP worker; the server is still starting"),
            Self::Cancelled => formatter.write_str("the transaction has been cancelled"),
            Self::Answered => formatter.write_str("the transaction has its final reply already"),
            Self::BranchesOpen => {
                formatter.write_str("a request with open branches cannot be suspended, its replies would be lost")
            }
            Self::NegativeReply => formatter.write_str("a negative reply cannot be suspended; use its failure route"),
            Self::SuspendFailed => formatter.write_str("tm cannot suspend the transaction"),
        }
    }
}

/// Submits a query. 0: the transaction is suspended; 1: accepted, the script goes on; -1: refused, and one line says why. A
/// retransmission is nobody's fault: its line is for developers.
pub fn submit(message: Message, parameters: &RequestParameters, url: &[u8], route: &[u8]) -> ScriptResult {
    match try_submit(message, parameters, url, route) {
        Ok(true) => ScriptResult::Stop,
        Ok(false) => ScriptResult::True,
        Err(refusal @ Refusal::Retransmission) => {
            log::debug!("query refused, callback \"{}\": {refusal}", heap::shown(route));
            ScriptResult::False
        }
        Err(refusal) => {
            log::error!("query refused, callback \"{}\": {refusal}", heap::shown(route));
            ScriptResult::False
        }
    }
}

/// Whether the transaction was suspended.
fn try_submit(message: Message, parameters: &RequestParameters, url: &[u8], route: &[u8]) -> Result<bool, Refusal> {
    if parameters.refused {
        return Err(Refusal::ParameterRefused);
    }
    check_url(url)?;
    let route_type = route::current_type();
    let suspend = parameters.suspend && must_suspend(message, route_type)?;
    let callback = Callback::find(route)?;
    if suspend && !callback.exists() {
        return Err(Refusal::RouteUnknown);
    }
    let submitted = Instant::now();
    if scarcity::is_scarce_at(submitted) {
        return Err(Refusal::MemoryScarce);
    }
    let id = request_id::next();
    let options = options_of(id, submitted, parameters, &callback, route_type);
    let mut query = build(options, parameters, url, &callback)?;

    let worker = workers::least_loaded().ok_or(Refusal::NoWorker)?;
    let place = worker.reserve().ok_or(Refusal::QueueFull)?;
    if suspend {
        query.set_suspension(transaction::suspend(message).map_err(Refusal::from)?);
    }
    Statistic::Requests.add(1);
    Statistic::InFlight.add(1);
    place.publish(query);
    request_id::remember(message.id(), id);
    callback.warn_if_unknown(route);
    Ok(suspend)
}

fn check_url(url: &[u8]) -> Result<(), Refusal> {
    if url.is_empty() {
        return Err(Refusal::UrlEmpty);
    }
    if url.len() > MAX_URL {
        return Err(Refusal::UrlTooLong(url.len()));
    }
    match url.iter().find(|byte| byte.is_ascii_control()) {
        Some(byte) => Err(Refusal::UrlControlByte(*byte)),
        None => Ok(()),
    }
}

/// What runs when the query has ended.
enum Callback {
    /// A route of the native script.
    Route(i32),
    /// A function of a KEMI script; whether it exists shows only when it is called.
    Function(CString),
    /// Nothing: the script named none.
    None,
    /// Nothing, although the script named something.
    Unknown,
}

thread_local! {
    static WARNED_OF: WarnedNames = WarnedNames::default();
}

impl Callback {
    fn find(name: &[u8]) -> Result<Self, Refusal> {
        if name.is_empty() {
            return Ok(Self::None);
        }
        let found = if route::script_is_kemi() {
            Self::function(name)?
        } else {
            route::index_of(name).map(|index| index.map(Self::Route)).or_else(unless_without_memory)?
        };
        Ok(found.unwrap_or(Self::Unknown))
    }

    fn function(name: &[u8]) -> Result<Option<Self>, Refusal> {
        if name.len() > MAX_FUNCTION {
            return Err(Refusal::FunctionTooLong(name.len()));
        }
        heap::c_string(name).map(|name| Some(Self::Function(name))).or_else(unless_without_memory)
    }

    fn exists(&self) -> bool {
        matches!(self, Self::Route(_) | Self::Function(_))
    }

    /// Webhooks whose answer nobody looks at name routes that are not there; the C module sends them too.
    fn warn_if_unknown(&self, name: &[u8]) {
        if matches!(self, Self::Unknown) && WARNED_OF.with(|names| names.is_new(name)) {
            log::warning!(
                "the script has no route \"{}\": its queries are sent, and nothing runs when they have ended",
                heap::shown(name)
            );
        }
    }
}

/// No name with a NUL byte in it is that of a route or function.
fn unless_without_memory<T>(error: NoCString) -> Result<Option<T>, Refusal> {
    match error {
        NoCString::NulByte => Ok(None),
        NoCString::NoMemory => Err(Refusal::NoMemory),
    }
}

/// Only these route types can be resumed; in a branch route a suspension destroys the branch being built, and other
/// types (compared with `==`, their bits overlap) have no transaction that could wait. What is not SIP has none either,
/// although `t_newtran` may make one for it.
fn must_suspend(message: Message, route_type: RouteType) -> Result<bool, Refusal> {
    if ![REQUEST_ROUTE, FAILURE_ROUTE, TM_ONREPLY_ROUTE].contains(&route_type) || !message.is_received_sip() {
        return Ok(false);
    }
    match transaction::state(message) {
        TransactionState::None => Ok(false),
        TransactionState::Open => Ok(true),
        TransactionState::Suspended => Err(Refusal::TransactionSuspended),
        TransactionState::Repeated => Err(Refusal::Retransmission),
    }
}

fn options_of(
    id: QueryId,
    submitted: Instant,
    parameters: &RequestParameters,
    callback: &Callback,
    route_type: RouteType,
) -> Options {
    Options {
        id,
        submitted,
        timeout: parameters.timeout,
        suspension: None,
        route_index: if let Callback::Route(index) = callback { *index } else { -1 },
        route_type: route_type.0,
        method: parameters.method,
        authmethod: parameters.authmethod.unwrap_or(settings().authmethod),
        chooses_authmethod: parameters.authmethod.is_some()
            || settings().authmethod != DEFAULT_AUTHMETHOD.unsigned_abs(),
        tls_version: settings().tls_version,
        tls_verify_host: parameters.tls_verify_host,
        tls_verify_peer: parameters.tls_verify_peer,
        http_version: parameters.http_version,
        tcp_keepalive: parameters.tcp_keepalive,
        tcp_ka_idle: parameters.tcp_ka_idle,
        tcp_ka_interval: parameters.tcp_ka_interval,
        follow_redirect: parameters.follow_redirect,
        max_redirects: parameters.max_redirects,
        max_response_size: parameters.max_response_size,
        connect_timeout: parameters.connect_timeout,
    }
}

fn build(options: Options, parameters: &RequestParameters, url: &[u8], callback: &Callback) -> Result<Query, Refusal> {
    let mut texts = Texts::default();
    texts.set(Text::Url, Some(url));
    texts.set(Text::Body, parameters.body.as_deref());
    texts.set(Text::Username, parameters.username.as_deref().map(CStr::to_bytes));
    texts.set(Text::Password, parameters.password.as_deref().map(CStr::to_bytes));
    texts.set(Text::TlsClientCert, parameters.tls_client_cert.as_deref().map(CStr::to_bytes));
    texts.set(Text::TlsClientKey, parameters.tls_client_key.as_deref().map(CStr::to_bytes));
    texts.set(Text::TlsCaPath, parameters.tls_ca_path.as_deref().map(CStr::to_bytes));
    texts.set(Text::Xdata, parameters.xdata.as_deref());
    if let Callback::Function(name) = callback {
        texts.set(Text::Function, Some(name.to_bytes()));
    }
    Query::new(options, &texts, &parameters.headers).map_err(Refusal::from)
}

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::TooLarge => Self::QueryTooLarge,
            QueryError::NoMemory => Self::NoMemory,
        }
    }
}

impl From<SuspendError> for Refusal {
    fn from(error: SuspendError) -> Self {
        match error {
            SuspendError::Cancelled => Self::Cancelled,
            SuspendError::Answered => Self::Answered,
            SuspendError::BranchesOpen => Self::BranchesOpen,
            SuspendError::NegativeReply => Self::NegativeReply,
            SuspendError::Refused => Self::SuspendFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked_before_anything_is_sent() {
        assert_eq!(check_url(b""), Err(Refusal::UrlEmpty));
        assert_eq!(check_url(b"http://h/\r\nX: y"), Err(Refusal::UrlControlByte(b'\r')));
        assert_eq!(check_url(b"http://h/\0"), Err(Refusal::UrlControlByte(0)));
        assert_eq!(check_url(&[b'a'; MAX_URL]), Ok(()));
        assert_eq!(check_url(&[b'a'; MAX_URL + 1]), Err(Refusal::UrlTooLong(MAX_URL + 1)));
    }
}
