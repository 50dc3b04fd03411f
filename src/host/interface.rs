//! Types that the C shim and the Rust side share. cbindgen writes them into `include/http_async_client.h`.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// What the running script has as its SIP transaction (Kamailio `t_gett`, `T_ASYNC_SUSPENDED`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the C shim makes the values")]
pub enum TransactionState {
    /// No transaction exists that can be suspended: there is none, or it is one of the server's own.
    None,
    /// A transaction exists and is not suspended.
    Open,
    /// A transaction exists and waits for somebody to resume it.
    Suspended,
    /// The same, and what the script runs for is a retransmission of the reply that waits.
    Repeated,
}

/// Names one suspension of a SIP transaction in every process. A transaction may be suspended again by somebody else
/// before the one who holds this comes to resume it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// tm's hash index of the transaction.
    pub hash_index: c_uint,
    /// tm's label of the transaction.
    pub label: c_uint,
    /// The branch that the suspension took, or on which the suspended reply came.
    pub branch: c_int,
    /// tm's clone of the suspended reply, in shared memory; null for a request.
    pub reply: *mut c_void,
    /// Where the clone ends (tm's `end_reply`); null for a request.
    pub reply_end: *mut c_char,
}

/// How the attempt to resume a transaction ended (Kamailio `t_continue`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the C shim makes the values")]
pub enum ResumeOutcome {
    /// The route ran.
    Run,
    /// The same, and it left the transaction with neither a reply nor an open branch; tm has answered with an error.
    LeftAlone,
    /// The transaction was cancelled, has timed out or is gone; nothing ran.
    Gone,
}

/// The route or function to run when a query has ended.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ResumeTarget {
    /// Index into Kamailio's `main_rt`; -1 with a KEMI script.
    pub route_index: c_int,
    /// Route type in which the query was sent (Kamailio `get_route_type`).
    pub route_type: c_int,
    /// Name of the KEMI function, NUL-terminated; null with the native script language.
    pub function: *const c_char,
    /// Length of `function` in bytes.
    pub function_length: c_int,
}
