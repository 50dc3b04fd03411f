//! How a query ended, as the script will see it.

use super::attempts::Attempts;
use super::error_class::ErrorClass;
use super::response::Response;
use super::trace::without_credentials;
use crate::host::bytes::Bytes;
use crate::host::log::printable;
use crate::module::statistics::Statistic;
use crate::shared::clock::Instant;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use curl_sys as curl;
use std::time::Duration;

/// The one end of a query.
#[derive(Debug)]
pub struct Outcome {
    /// The response, or why there is none.
    pub result: Result<Received, Failed>,
    /// What it counts as.
    pub statistic: Statistic,
    /// Times of the transfer.
    pub times: Times,
}

/// Why there is no response.
#[derive(Debug)]
pub struct Failed {
    /// libcurl's words, or this module's, with what was being done; one line.
    pub text: Bytes,
    /// What kind of error it is.
    pub class: ErrorClass,
    /// Its number, from 1 to 99.
    pub number: u32,
}

/// A complete response.
#[derive(Debug)]
pub struct Received {
    /// Its status.
    pub status: u16,
    /// Status line and headers, then the body.
    pub bytes: Bytes,
    /// How many of the bytes are status line and headers.
    pub head_length: usize,
}

/// Times from the start of a transfer to a point in it; zero where the point was not reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Its end.
    pub total: Duration,
    /// The host's address was known.
    pub lookup: Duration,
    /// The connection was there.
    pub connect: Duration,
    /// TLS was ready.
    pub appconnect: Duration,
    /// The request was about to be sent.
    pub pretransfer: Duration,
    /// The first byte had come.
    pub starttransfer: Duration,
    /// The final request began, after redirects.
    pub redirect: Duration,
}

impl Times {
    /// libcurl's times of the final request, which started `before` the transfer's own start; the redirects before it
    /// took `redirect`.
    pub fn read<R>(easy: &Easy<R>, before: Duration, redirect: Duration) -> Self {
        let read = |info| match easy.time(info) {
            Duration::ZERO => Duration::ZERO,
            time => before + time,
        };
        Self {
            total: before + easy.time(curl::CURLINFO_TOTAL_TIME),
            lookup: before + easy.time(curl::CURLINFO_NAMELOOKUP_TIME),
            connect: read(curl::CURLINFO_CONNECT_TIME),
            appconnect: read(curl::CURLINFO_APPCONNECT_TIME),
            pretransfer: read(curl::CURLINFO_PRETRANSFER_TIME),
            starttransfer: read(curl::CURLINFO_STARTTRANSFER_TIME),
            redirect,
        }
    }

    /// The same, of a transfer since `started`: the addresses were known when the first was tried.
    pub fn with_attempts(self, attempts: Option<&Attempts>, started: Instant) -> Self {
        Self { lookup: attempts.map_or(self.lookup, |attempts| attempts.began().since(started)), ..self }
    }
}

impl Outcome {
    /// A response, whatever its status.
    pub fn replied(status: u16, response: Response, times: Times) -> Self {
        let (bytes, head_length) = response.into_parts();
        let received = Received { status, bytes: bytes.into(), head_length };
        Self { result: Ok(received), statistic: Statistic::Replies, times }
    }

    /// An error. URLs in its text lose their credentials. It is one line whatever a peer had a part in, such as the names
    /// in a certificate: scripts put it into SIP headers.
    pub fn failed(error: &TransferError, times: Times) -> Self {
        let text = printable(&without_credentials(&error.to_string())).into_bytes();
        let class = ErrorClass::of(error.code);
        let statistic = if class == ErrorClass::Timeout { Statistic::Timeouts } else { Statistic::Errors };
        let text = Bytes::of(text).unwrap_or_default();
        Self { result: Err(Failed { text, class, number: class.number_of(error.code) }), statistic, times }
    }
}
