//! What a transfer says that ends without a response. HTTP workers.

use super::super::response::{MAX_ALL_HEADER_BYTES, MAX_HEADER_BYTES, Overflow, Response};
use super::super::transfer::Transfer;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use curl_sys as curl;

/// An error of this module's own in a step of a transfer.
pub(super) fn internal_error(what: &str) -> TransferError {
    TransferError::with_detail(curl::CURLE_FAILED_INIT, format_args!("internal error in {what}"))
}

/// The deadline has passed.
pub(super) fn timeout(transfer: &Transfer) -> TransferError {
    let milliseconds = transfer.query.options().timeout.as_millis();
    TransferError::with_detail(
        curl::CURLE_OPERATION_TIMEDOUT,
        format_args!("{milliseconds} ms passed while {}", transfer.doing()),
    )
}

/// There is no address for `host`.
pub(super) fn unresolved(host: &str, reason: &str) -> TransferError {
    TransferError::with_detail(curl::CURLE_COULDNT_RESOLVE_HOST, format_args!("{host} ({reason})"))
}

/// An error of libcurl's with what it said, or with the limit that this module set.
pub(super) fn explain(easy: &mut Easy<Response>, error: TransferError) -> TransferError {
    let max_body = easy.receiver_mut().max_body();
    match easy.receiver_mut().overflow() {
        Some(Overflow::Body) => TransferError::with_detail(
            curl::CURLE_FILESIZE_EXCEEDED,
            format_args!("the response body is longer than {max_body} bytes"),
        ),
        Some(Overflow::Headers) => TransferError::with_detail(
            curl::CURLE_FILESIZE_EXCEEDED,
            format_args!("the response headers are longer than {MAX_HEADER_BYTES} bytes"),
        ),
        Some(Overflow::AllHeaders) => TransferError::with_detail(
            curl::CURLE_FILESIZE_EXCEEDED,
            format_args!("all headers on the way to the response are longer than {MAX_ALL_HEADER_BYTES} bytes"),
        ),
        Some(Overflow::Memory) => TransferError::out_of_memory(),
        // The receiver has kept a request from going out twice: what counts is how its connection was lost.
        None if error.code == curl::CURLE_ABORTED_BY_CALLBACK => {
            TransferError { code: curl::CURLE_RECV_ERROR, detail: easy.error_text() }
        }
        None => TransferError { detail: easy.error_text(), ..error },
    }
}
