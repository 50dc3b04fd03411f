//! Safe faces of libcurl, libevent and c-ares. HTTP workers only, but for [`global`], which `mod_init` calls in main.
//!
//! libcurl and libevent call back with raw pointers. Here a callback only notes what happened: libevent's append to one
//! list ([`event_loop::Ready`]), libcurl's hand bytes to the transfer's receiver or change events. All decisions are
//! made afterwards, in safe code that owns what it changes.
//!
//! `curl-sys` is used without the `curl` crate: that one initialises libcurl when the module is loaded, before the
//! memory functions are known, and it panics where libcurl returns NULL; here NULL is an error.

mod allocator;
pub mod authorities;
mod close_on_exec;
mod connecting;
pub mod easy;
pub mod error;
pub mod event_loop;
pub mod global;
mod international_host;
pub mod multi;
pub mod name_server;
mod open_connections;
pub mod origins;
pub mod receiver;
mod shared_blocks;
mod slabs;
pub mod string_list;
mod tls_resumption;
pub mod tls_sessions;
pub mod url;

/// What `curl-sys` lacks of libcurl, as bindgen reads it from `curl/curl.h`.
#[allow(missing_docs, non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]
#[allow(unsafe_op_in_unsafe_fn, clippy::all, clippy::restriction)]
mod libcurl {
    include!(concat!(env!("OUT_DIR"), "/libcurl.rs"));
}

/// OpenSSL's TLS sessions, as bindgen reads them from OpenSSL's headers.
#[allow(missing_docs, non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]
#[allow(unsafe_op_in_unsafe_fn, clippy::all, clippy::restriction)]
mod openssl {
    include!(concat!(env!("OUT_DIR"), "/openssl.rs"));
}
