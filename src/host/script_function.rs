//! Script functions of the native language: Kamailio's `cmd_export_t` on one side, the rows of `module/functions.rs`
//! on the other. Script processes.

use super::message::Message;
use super::{guarded, log, sys};
use crate::module::functions::{FUNCTIONS, ScriptResult};
use std::ffi::{c_char, c_int};

impl ScriptResult {
    /// What Kamailio's interpreter expects.
    pub(super) const fn code(self) -> c_int {
        match self {
            Self::Stop => 0,
            Self::True => 1,
            Self::False => -1,
        }
    }
}

/// `cmd_function` of two parameters that `fixup_spve_spve` has prepared.
extern "C" fn call<const ROW: usize>(message: *mut sys::sip_msg, first: *mut c_char, second: *mut c_char) -> c_int {
    guarded("a script function", ScriptResult::False.code(), || {
        let (Some(message), Some(function)) = (Message::new(message), FUNCTIONS.get(ROW)) else {
            return ScriptResult::False.code();
        };
        let [first, second] = [first, second].map(|parameter| value(message, parameter));
        let (Some(first), Some(second)) = (first, second) else {
            log::error!("{}: a parameter has no value", function.name.to_string_lossy());
            return ScriptResult::False.code();
        };
        // Two values may lie in one buffer of the core's, so each was copied before the next was read.
        (function.call)(message, &first, &second).code()
    })
}

/// The value of a parameter for this message.
fn value(message: Message, parameter: *mut c_char) -> Option<Vec<u8>> {
    let mut text = sys::str_ { s: std::ptr::null_mut(), len: 0 };
    // SAFETY: Kamailio hands in what fixup_spve_spve made of the parameter; the text it gives lives until the next
    // evaluation, and is copied here.
    unsafe {
        if sys::get_str_fparam(&mut text, message.as_ptr(), parameter.cast()) != 0 {
            return None;
        }
        copy(&text)
    }
}

/// # Safety
/// `text` is null or points to `len` bytes.
pub(super) unsafe fn copy(text: &sys::str_) -> Option<Vec<u8>> {
    let length = usize::try_from(text.len).ok()?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    if length > 0 {
        // SAFETY: the caller's contract.
        bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(text.s.cast(), length) });
    }
    Some(bytes)
}

/// Rows of `module/functions.rs`.
pub(super) const FUNCTION_COUNT: usize = 1;

const _: () = assert!(FUNCTIONS.len() == FUNCTION_COUNT);

/// Kamailio's table of the functions; ends with an empty row.
pub(super) const fn table() -> [sys::cmd_export; FUNCTION_COUNT + 1] {
    const END: sys::cmd_export = sys::cmd_export {
        name: std::ptr::null_mut(),
        function: None,
        param_no: 0,
        fixup: None,
        free_fixup: None,
        flags: 0,
    };
    [row::<0>(), END]
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn row<const ROW: usize>() -> sys::cmd_export {
    sys::cmd_export {
        name: FUNCTIONS[ROW].name.as_ptr().cast_mut(),
        function: Some(call::<ROW>),
        param_no: 2,
        fixup: Some(sys::fixup_spve_spve),
        free_fixup: Some(sys::fixup_free_spve_spve),
        flags: sys::SHIM_ANY_ROUTE,
    }
}
