//! The script variables: one row each.

use super::request_keys;
use crate::host::message::Message;
use crate::host::variable::{Assigned, Index, Value};
use crate::http_worker::reply_variables as reply;
use crate::sip_worker::request_id;
use std::ffi::CStr;

/// A variable of the script.
#[cfg_attr(not(test), allow(dead_code, reason = "some columns are there for the manual and its test"))]
pub struct Variable {
    /// Name, without the `$`.
    pub name: &'static CStr,
    /// How it is read or written.
    pub access: Access,
    /// What it holds, in one sentence.
    pub about: &'static str,
}

/// How a variable is read or written.
pub enum Access {
    /// `$name`, read only.
    Plain(fn(Message) -> Value),
    /// `$name(key)` with one of some keys, read only.
    Keyed {
        /// The keys.
        keys: fn() -> Vec<&'static str>,
        /// Reads the key of that number.
        get: fn(usize) -> Value,
    },
    /// `$name(Header)`, `$(name(Header)[n])`, read only.
    Header(fn(&[u8], Index) -> Value),
    /// `$name(key) = value` with one of some keys, write only.
    Assignable {
        /// The keys.
        keys: fn() -> Vec<&'static str>,
        /// Assigns to the key of that number; the error is one line for the log.
        set: fn(Message, usize, Assigned<'_>) -> Result<(), String>,
    },
}

/// All of them, in the order of the manual.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: c"http_req_id",
        access: Access::Plain(request_id::current),
        about: "Id of the query sent last for this message; in a callback, of its own query until another is sent.",
    },
    Variable {
        name: c"http_req",
        access: Access::Assignable { keys: request_keys::names, set: request_keys::assign },
        about: "Parameters of the next query; write only.",
    },
    Variable {
        name: c"http_ok",
        access: Access::Plain(|_| reply::ok()),
        about: "1 when the query ended in an HTTP response, of any status; 0 when it did not.",
    },
    Variable {
        name: c"http_err",
        access: Access::Plain(|_| reply::error()),
        about: "Why there was no response: TIMEOUT for a time limit, otherwise libcurl's words; $null when there was one.",
    },
    Variable {
        name: c"http_err_text",
        access: Access::Plain(|_| reply::error_text()),
        about: "Why there was no response, in libcurl's words with what was being done; $null when there was one.",
    },
    Variable {
        name: c"http_err_class",
        access: Access::Plain(|_| reply::error_class()),
        about: "Kind of the error, one word; $null when there was a response.",
    },
    Variable {
        name: c"http_errno",
        access: Access::Plain(|_| reply::error_number()),
        about: "Number of the error, as libcurl counts them; $null when there was a response.",
    },
    Variable { name: c"http_rs", access: Access::Plain(|_| reply::status()), about: "Status of the response." },
    Variable { name: c"http_rr", access: Access::Plain(|_| reply::reason()), about: "Reason phrase of the response." },
    Variable {
        name: c"http_hdr",
        access: Access::Header(reply::header),
        about: "Value of a response header, its name in any case; index and * as for $hdr.",
    },
    Variable {
        name: c"http_mb",
        access: Access::Plain(|_| reply::whole()),
        about: "The response as received: status line, headers and body.",
    },
    Variable {
        name: c"http_ml",
        access: Access::Plain(|_| reply::whole_length()),
        about: "Length of $http_mb in bytes.",
    },
    Variable { name: c"http_rb", access: Access::Plain(|_| reply::body()), about: "Body of the response." },
    Variable {
        name: c"http_bs",
        access: Access::Plain(|_| reply::body_length()),
        about: "Length of $http_rb in bytes.",
    },
    Variable {
        name: c"http_time",
        access: Access::Keyed { keys: reply::time_names, get: reply::time },
        about: "Times of the transfer from its start, in µs.",
    },
    Variable {
        name: c"http_xdata",
        access: Access::Plain(|_| reply::xdata()),
        about: "The string that was sent along with the query; $null where there was none.",
    },
];
