//! Errors of libcurl.

use curl_sys::{self as curl, CURLcode};
use std::ffi::CStr;
use std::fmt;

/// Why a transfer did not end in an HTTP response: libcurl's code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferError {
    /// libcurl's `CURLE_*`.
    pub code: CURLcode,
    /// What was being done, in libcurl's or this module's words; may be empty.
    pub detail: String,
}

impl TransferError {
    /// An error with nothing more to say than libcurl's text for `code`.
    pub fn new(code: CURLcode) -> Self {
        Self { code, detail: String::new() }
    }

    /// libcurl's text for `code`, followed by what was being done.
    pub fn with_detail(code: CURLcode, doing: fmt::Arguments<'_>) -> Self {
        Self { code, detail: format!("{}: {doing}", text_of(code)) }
    }

    /// The same, with more to say.
    pub fn and(self, more: &str) -> Self {
        Self { detail: format!("{self} {more}"), ..self }
    }

    /// Memory ran out.
    pub fn out_of_memory() -> Self {
        Self::new(curl::CURLE_OUT_OF_MEMORY)
    }

    /// Whether the connection broke while it was in use; `words` are libcurl's own. HTTP/2 has an error for that of its own, and
    /// uses the others as well. libcurl 7.88 calls it a partial file, even where nothing has come.
    pub fn is_lost_connection(&self, words: &str) -> bool {
        match self.code {
            curl::CURLE_SEND_ERROR | curl::CURLE_RECV_ERROR | curl::CURLE_GOT_NOTHING | curl::CURLE_HTTP2 => true,
            curl::CURLE_PARTIAL_FILE => words.ends_with("before end of the underlying stream"),
            _ => false,
        }
    }

    /// `Ok` for `CURLE_OK`.
    pub(super) fn check(code: CURLcode) -> Result<(), Self> {
        if code == curl::CURLE_OK { Ok(()) } else { Err(Self::new(code)) }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.detail.is_empty() { text_of(self.code) } else { &self.detail })
    }
}

/// libcurl's text for a code (`curl_easy_strerror`).
fn text_of(code: CURLcode) -> &'static str {
    // SAFETY: libcurl returns a static string for every number.
    let text = unsafe { CStr::from_ptr(curl::curl_easy_strerror(code)) };
    text.to_str().unwrap_or("unknown error")
}

/// An error of the multi interface, of libevent, or of a file descriptor: the worker cannot go on with what it tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopError(pub String);

impl fmt::Display for LoopError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
