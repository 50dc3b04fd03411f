//! The script functions: one row each.

use crate::host::message::Message;
use crate::sip_worker::script_functions as call;
use std::ffi::CStr;

/// A function of the script that takes one to three strings, each of which may hold variables.
#[cfg_attr(not(test), allow(dead_code, reason = "some columns are there for the manual and its test"))]
pub struct Function {
    /// Name in the native script language. One name may stand there with several numbers of parameters.
    pub name: &'static CStr,
    /// Name in KEMI scripts, behind `KSR.http_async_client.`, where every name has one number of parameters.
    pub kemi_name: Option<&'static CStr>,
    /// Names of its parameters.
    pub parameters: &'static [&'static str],
    /// What it does with them; there are as many values as parameters.
    pub call: fn(Message, &[&[u8]]) -> ScriptResult,
    /// What it does when a parameter has no value.
    pub refuse: fn(Message),
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// What a script function tells the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptResult {
    /// 0: the transaction is suspended, the script stops here.
    Stop,
    /// 1: accepted, the script goes on.
    True,
    /// -1: refused, the script goes on.
    False,
}

/// A function that sends a query.
macro_rules! query {
    ($name:literal, $kemi:expr, $parameters:expr, $call:path, $about:literal) => {
        Function {
            name: $name,
            kemi_name: $kemi,
            parameters: &$parameters,
            call: $call,
            refuse: call::refuse_query,
            about: $about,
        }
    };
}

/// A function of the 4.4 generation that sets one key of `$http_req`.
macro_rules! setter {
    ($name:literal, $kemi:literal, $parameter:literal, $key:literal, $about:literal) => {
        Function {
            name: $name,
            kemi_name: Some($kemi),
            parameters: &[$parameter],
            call: |message, values| call::set(message, $key, values),
            refuse: call::refuse_key,
            about: $about,
        }
    };
}

/// All of them, in the order of the manual.
pub static FUNCTIONS: &[Function] = &[
    query!(
        c"http_async_query",
        Some(c"query"),
        ["url", "route_name"],
        call::query,
        "Sends an HTTP query; the route runs when it has ended."
    ),
    query!(
        c"http_async_query",
        None,
        ["url", "post_data", "route_name"],
        call::query_with_body,
        "The same with a request body, as in Kamailio 4.4."
    ),
    query!(
        c"http_async_send",
        Some(c"send"),
        ["url", "route_name"],
        call::send,
        "The same without ever suspending the transaction."
    ),
    query!(
        c"http_async_send_xdata",
        Some(c"send_xdata"),
        ["url", "route_name", "xdata"],
        call::send_xdata,
        "The same as http_async_send, with a string that the callback finds in $http_xdata."
    ),
    Function {
        name: c"http_async_set",
        kemi_name: Some(c"set"),
        parameters: &["key", "value"],
        call: call::set_named,
        refuse: call::refuse_key,
        about: "Sets any key of $http_req, as KEMI scripts need it; numbers are written as strings.",
    },
    setter!(c"http_async_suspend", c"suspend", "suspend", "suspend", "Sets $http_req(suspend)."),
    setter!(c"tls_verify_host", c"tls_verify_host", "verify", "tls_verify_host", "Sets $http_req(tls_verify_host)."),
    setter!(c"tls_verify_peer", c"tls_verify_peer", "verify", "tls_verify_peer", "Sets $http_req(tls_verify_peer)."),
    setter!(c"http_set_timeout", c"set_timeout", "timeout", "timeout", "Sets $http_req(timeout)."),
    setter!(c"http_append_header", c"append_header", "header", "hdr", "Sets $http_req(hdr)."),
    setter!(c"http_set_method", c"set_method", "method", "method", "Sets $http_req(method)."),
    setter!(
        c"http_set_tls_client_cert",
        c"set_tls_client_cert",
        "path",
        "tls_client_cert",
        "Sets $http_req(tls_client_cert)."
    ),
    setter!(
        c"http_set_tls_client_key",
        c"set_tls_client_key",
        "path",
        "tls_client_key",
        "Sets $http_req(tls_client_key)."
    ),
    setter!(c"http_set_tls_ca_path", c"set_tls_ca_path", "path", "tls_ca_path", "Sets $http_req(tls_ca_path)."),
];
