//! libcurl's string lists (`curl_slist`), for headers and addresses.

use super::error::TransferError;
use curl_sys::{self as curl, curl_slist};
use std::ffi::CStr;

/// A list of strings that libcurl reads for as long as a transfer runs.
#[derive(Debug)]
pub struct StringList(*mut curl_slist);

impl StringList {
    /// The empty list.
    pub const fn new() -> Self {
        Self(std::ptr::null_mut())
    }

    /// Appends a copy of `text`.
    ///
    /// # Errors
    /// No memory; the list is as it was.
    pub fn push(&mut self, text: &CStr) -> Result<(), TransferError> {
        // SAFETY: self.0 is null or a list of ours; libcurl copies the text.
        let list = unsafe { curl::curl_slist_append(self.0, text.as_ptr()) };
        if list.is_null() {
            return Err(TransferError::out_of_memory());
        }
        self.0 = list;
        Ok(())
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        // SAFETY: null or a list of ours, which nobody reads any more: see Easy::reset.
        unsafe { curl::curl_slist_free_all(self.0) };
        self.0 = std::ptr::null_mut();
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    pub(super) fn as_ptr(&self) -> *mut curl_slist {
        self.0
    }
}

impl Drop for StringList {
    fn drop(&mut self) {
        self.clear();
    }
}
