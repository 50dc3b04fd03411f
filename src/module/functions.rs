//! The script functions: one row each.

use crate::host::message::Message;
use crate::sip_worker::submit::http_async_query;
use std::ffi::CStr;

/// A function of the script that takes two strings, each of which may hold variables.
#[cfg_attr(not(test), allow(dead_code, reason = "some columns are there for the manual and its test"))]
pub struct Function {
    /// Name in the native script language.
    pub name: &'static CStr,
    /// Name in KEMI scripts, behind `KSR.http_async_client.`.
    pub kemi_name: &'static CStr,
    /// Names of its parameters.
    pub parameters: [&'static str; 2],
    /// What it does.
    pub call: fn(Message, &[u8], &[u8]) -> ScriptResult,
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

/// All of them, in the order of the manual.
pub static FUNCTIONS: &[Function] = &[Function {
    name: c"http_async_query",
    kemi_name: c"query",
    parameters: ["url", "route_name"],
    call: http_async_query,
    about: "Sends an HTTP query; the route runs when it has ended.",
}];
