//! Internationalised host names (IDNA, RFC 5891, as UTS 46 has it). HTTP workers.

use super::error::TransferError;
use super::url::{not_copied, too_long};
use crate::host::heap;
use curl_sys as curl;
use idna::AsciiDenyList;
use std::ffi::{CStr, CString};

/// Longest name that is read, in bytes: its ASCII form may be shorter.
const MAX_INTERNATIONAL_HOST: usize = 1020;

/// Whether the host of a URL may be other than ASCII, as it is written or as libcurl decodes it.
pub(super) fn may_be_in(url: &[u8]) -> bool {
    let scheme = [b"http://".as_slice(), b"https://"].into_iter().find(|scheme| url.starts_with(scheme));
    let authority = scheme.and_then(|scheme| url.get(scheme.len()..)).map_or(url, |behind| {
        let end = behind.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        end.and_then(|end| behind.get(..end)).unwrap_or(behind)
    });
    authority.iter().any(|byte| !byte.is_ascii() || *byte == b'%')
}

/// The ASCII form of an internationalised name.
///
/// # Errors
/// It has none, or memory is exhausted.
pub(super) fn ascii_form(host: &CStr) -> Result<CString, TransferError> {
    if host.count_bytes() > MAX_INTERNATIONAL_HOST {
        return Err(too_long(host));
    }
    match idna::domain_to_ascii_cow(host.to_bytes(), AsciiDenyList::URL) {
        Ok(ascii) if !ascii.is_empty() => heap::c_string(ascii.as_bytes()).map_err(not_copied),
        _ => Err(TransferError::with_detail(
            curl::CURLE_URL_MALFORMAT,
            format_args!("the host name {} has no ASCII form", heap::shown(host.to_bytes())),
        )),
    }
}
