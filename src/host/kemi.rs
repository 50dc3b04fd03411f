//! Script functions of the KEMI languages (`KSR.http_async_client.*`). Registered in main when the module is loaded,
//! called in script processes.

use super::message::Message;
use super::script_function::copy;
use super::{guarded, log, sys};
use crate::module::NAME;
use crate::module::functions::{FUNCTIONS, ScriptResult};
use std::ffi::{c_int, c_void};

/// `sr_kemi_fmss_f`: a function of two strings.
extern "C" fn call<const ROW: usize>(
    message: *mut sys::sip_msg,
    first: *mut sys::str_,
    second: *mut sys::str_,
) -> c_int {
    guarded("a KEMI function", ScriptResult::False.code(), || {
        let (Some(message), Some(function)) = (Message::new(message), FUNCTIONS.get(ROW)) else {
            return ScriptResult::False.code();
        };
        // SAFETY: Kamailio hands in null or live strings of the script language.
        let values = unsafe { [first, second].map(|text| text.as_ref().and_then(|text| copy(text))) };
        let [Some(first), Some(second)] = values else {
            log::error!("{}: a parameter has no value", function.kemi_name.to_string_lossy());
            return ScriptResult::False.code();
        };
        (function.call)(message, &first, &second).code()
    })
}

const ROWS: usize = super::script_function::FUNCTION_COUNT + 1;

/// Kamailio's table, which it keeps by its address.
#[repr(transparent)]
struct Table([sys::sr_kemi; ROWS]);

// SAFETY: the pointers in it go to static texts and functions; Kamailio only reads the table.
unsafe impl Sync for Table {}

static TABLE: Table = Table([row::<0>(), END]);

const END: sys::sr_kemi = sys::sr_kemi {
    mname: sys::str_ { s: std::ptr::null_mut(), len: 0 },
    fname: sys::str_ { s: std::ptr::null_mut(), len: 0 },
    rtype: 0,
    func: std::ptr::null_mut(),
    ptypes: [0; 6],
};

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn row<const ROW: usize>() -> sys::sr_kemi {
    let name = FUNCTIONS[ROW].kemi_name;
    let function: extern "C" fn(*mut sys::sip_msg, *mut sys::str_, *mut sys::str_) -> c_int = call::<ROW>;
    let text = sys::SR_KEMIP_STR as c_int;
    let none = sys::SR_KEMIP_NONE as c_int;
    sys::sr_kemi {
        mname: sys::str_ { s: NAME.as_ptr().cast_mut(), len: NAME.to_bytes().len() as c_int },
        fname: sys::str_ { s: name.as_ptr().cast_mut(), len: name.to_bytes().len() as c_int },
        rtype: sys::SR_KEMIP_INT as c_int,
        func: function as *mut c_void,
        ptypes: [text, text, none, none, none, none],
    }
}

/// Kamailio has no room for another module's functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KemiError;

/// Registers the functions. Main process, from `mod_register`.
///
/// # Errors
/// Kamailio refused.
pub fn register() -> Result<(), KemiError> {
    // SAFETY: the table is static and ends with an empty row; Kamailio only reads it.
    let result = unsafe { sys::sr_kemi_modules_add(TABLE.0.as_ptr().cast_mut()) };
    if result < 0 { Err(KemiError) } else { Ok(()) }
}
