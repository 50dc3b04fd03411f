//! Resumption of TLS sessions by the connections that libcurl makes: OpenSSL hands over each session that a connection gets, and
//! takes one when the next connection begins its handshake. HTTP worker; what is kept lies in [`Sessions`].
//!
//! libcurl makes a context of OpenSSL's (`SSL_CTX`) for each connection and shows it once, before the connection itself is
//! there ([`on_new_connection`]). The context gets the number of the peer, and two callbacks that find it there.

use super::openssl::{self, SSL, SSL_CTX, SSL_SESSION};
use super::tls_sessions::{MAX_BYTES, Session, Sessions};
use crate::host::guarded;
use crate::shared::clock::Instant;
use curl_sys::{self as curl, CURL, CURLcode};
use std::cell::RefCell;
use std::ffi::{CStr, c_int, c_long, c_uchar, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::OnceLock;

thread_local! {
    static SESSIONS: RefCell<Sessions> = RefCell::default();
}

/// The place among the data of a context that OpenSSL leaves to applications (`SSL_CTX_set_app_data`); libcurl leaves it alone.
const APPLICATION_DATA: c_int = 0;

// SAFETY: nothing is declared here; the libraries are those that libcurl itself uses.
#[link(name = "ssl")]
#[link(name = "crypto")]
unsafe extern "C" {}

/// Whether libcurl's TLS is the OpenSSL that this module is linked to.
pub(super) fn is_possible() -> bool {
    static IS_POSSIBLE: OnceLock<bool> = OnceLock::new();
    *IS_POSSIBLE.get_or_init(|| {
        // SAFETY: both return static data for these constants; CURLVERSION_FIRST has the version of TLS, null for none.
        let (libcurls, ours) = unsafe {
            let information = curl::curl_version_info(curl::CURLVERSION_FIRST).as_ref();
            let libcurls = information.map(|information| information.ssl_version).filter(|text| !text.is_null());
            let ours = CStr::from_ptr(openssl::OpenSSL_version(openssl::OPENSSL_VERSION_STRING as c_int));
            (libcurls.map(|text| CStr::from_ptr(text)), ours)
        };
        libcurls.and_then(|text| text.to_bytes().strip_prefix(b"OpenSSL/")) == Some(ours.to_bytes())
    })
}

/// `CURLOPT_SSL_CTX_FUNCTION`: a connection will be made with this context. `terms` is what
/// [`super::tls_sessions::Terms::write`] wrote.
pub(super) extern "C" fn on_new_connection(_: *mut CURL, context: *mut c_void, terms: *mut c_void) -> CURLcode {
    guarded("a new TLS connection", (), || {
        // SAFETY: the pointer that Easy::resume_tls_sessions set, to a box that nobody writes to while libcurl runs.
        let terms = unsafe { &*terms.cast::<Vec<u8>>() };
        let peer = SESSIONS.with_borrow_mut(|sessions| sessions.peer(terms, Instant::now()));
        if let (Some(peer), Some(context)) = (peer, NonNull::new(context.cast())) {
            keep_sessions(context, peer);
        }
    });
    curl::CURLE_OK
}

/// What fails here leaves a connection that resumes nothing.
fn keep_sessions(context: NonNull<SSL_CTX>, peer: usize) {
    const MODE: c_long = (openssl::SSL_SESS_CACHE_CLIENT | openssl::SSL_SESS_CACHE_NO_INTERNAL) as c_long;
    let context = context.as_ptr();
    let peer = std::ptr::without_provenance_mut(peer);
    // SAFETY: libcurl hands in the live context of a connection that has not begun, of the OpenSSL that is linked to
    // (is_possible); the callbacks have the types that OpenSSL documents, and OpenSSL does not look at the data.
    unsafe {
        if openssl::SSL_CTX_set_ex_data(context, APPLICATION_DATA, peer) == 1 {
            openssl::SSL_CTX_ctrl(context, openssl::SSL_CTRL_SET_SESS_CACHE_MODE as c_int, MODE, null_mut());
            openssl::SSL_CTX_sess_set_new_cb(context, Some(on_new_session));
            openssl::SSL_CTX_set_info_callback(context, Some(on_progress));
        }
    }
}

/// The number that [`keep_sessions`] left in the context of a connection.
fn peer_of(connection: *const SSL) -> usize {
    // SAFETY: OpenSSL hands in a live connection, whose context lives as long.
    unsafe { openssl::SSL_CTX_get_ex_data(openssl::SSL_get_SSL_CTX(connection), APPLICATION_DATA) }.addr()
}

/// OpenSSL's callback for new sessions: at the end of a handshake, with TLS 1.3 when a ticket comes. 0 leaves the session to
/// OpenSSL.
unsafe extern "C" fn on_new_session(connection: *mut SSL, session: *mut SSL_SESSION) -> c_int {
    guarded("a new TLS session", (), || {
        let session = without_errors(|| {
            // SAFETY: OpenSSL hands in a live session.
            let is_used_once =
                unsafe { openssl::SSL_SESSION_get_protocol_version(session) } >= openssl::TLS1_3_VERSION as c_int;
            Some(Session { bytes: bytes_of(session)?, is_used_once })
        });
        if let Some(session) = session {
            SESSIONS.with_borrow_mut(|sessions| sessions.keep(peer_of(connection), session, Instant::now()));
        }
    });
    0
}

/// A session as OpenSSL writes it down; `None` when it is too long or memory is exhausted.
fn bytes_of(session: *const SSL_SESSION) -> Option<Vec<u8>> {
    // SAFETY: a live session; with null OpenSSL only tells the length.
    let length = usize::try_from(unsafe { openssl::i2d_SSL_SESSION(session, null_mut()) }).ok()?;
    if !(1..=MAX_BYTES).contains(&length) {
        return None;
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    let mut end: *mut c_uchar = bytes.as_mut_ptr();
    // SAFETY: as above; the bytes are as many as it told, and it moves the pointer behind them.
    let written = unsafe { openssl::i2d_SSL_SESSION(session, &mut end) };
    (usize::try_from(written) == Ok(length)).then_some(bytes)
}

/// OpenSSL's callback for what becomes of a connection.
unsafe extern "C" fn on_progress(connection: *const SSL, what: c_int, _: c_int) {
    if what & openssl::SSL_CB_HANDSHAKE_START as c_int == 0 {
        return;
    }
    guarded("the resumption of a TLS session", (), || {
        // SAFETY: OpenSSL hands in a live connection. One that has a session is past its first handshake.
        let is_first = unsafe { openssl::SSL_get_session(connection) }.is_null();
        let bytes = Some(peer_of(connection)).filter(|_| is_first);
        let bytes = bytes.and_then(|peer| SESSIONS.with_borrow_mut(|sessions| sessions.take(peer, Instant::now())));
        if let Some(bytes) = bytes {
            without_errors(|| resume(connection.cast_mut(), &bytes));
        }
    });
}

/// What fails here leaves a connection with a full handshake.
fn resume(connection: *mut SSL, bytes: &[u8]) {
    let mut start: *const c_uchar = bytes.as_ptr();
    let Ok(length) = c_long::try_from(bytes.len()) else {
        return;
    };
    // SAFETY: a live connection that has not sent anything, of which OpenSSL hands out a const pointer for no reason of this
    // callback's; OpenSSL reads `length` bytes, its own, and null is no session. The connection takes a reference of its own.
    unsafe {
        let session = openssl::d2i_SSL_SESSION(null_mut(), &mut start, length);
        if !session.is_null() {
            openssl::SSL_set_session(connection, session);
            openssl::SSL_SESSION_free(session);
        }
    }
}

/// Runs what may leave errors in OpenSSL's list, which libcurl would take for the connection's.
fn without_errors<R>(act: impl FnOnce() -> R) -> R {
    // SAFETY: OpenSSL's list of the calling thread.
    unsafe { openssl::ERR_set_mark() };
    let result = act();
    // SAFETY: the same.
    unsafe { openssl::ERR_pop_to_mark() };
    result
}
