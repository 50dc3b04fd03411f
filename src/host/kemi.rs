//! Script functions of the KEMI languages (`KSR.http_async_client.*`). Registered in main when the module is loaded,
//! called in script processes.

use super::message::Message;
use super::script_function::{NoValue, add_text, run};
use super::values::Values;
use super::{guarded, sys};
use crate::module::NAME;
use crate::module::functions::{FUNCTIONS, ScriptResult};
use std::ffi::{c_int, c_void};

type Text = *mut sys::str_;

/// `sr_kemi_fms_f` and its kin, of as many strings as the row has parameters.
extern "C" fn call_1<const ROW: usize>(message: *mut sys::sip_msg, first: Text) -> c_int {
    call(ROW, message, &[first])
}

extern "C" fn call_2<const ROW: usize>(message: *mut sys::sip_msg, first: Text, second: Text) -> c_int {
    call(ROW, message, &[first, second])
}

extern "C" fn call_3<const ROW: usize>(message: *mut sys::sip_msg, first: Text, second: Text, third: Text) -> c_int {
    call(ROW, message, &[first, second, third])
}

fn call(row: usize, message: *mut sys::sip_msg, parameters: &[Text]) -> c_int {
    guarded("a KEMI function", ScriptResult::False.code(), || {
        let (Some(message), Some(function)) = (Message::new(message), FUNCTIONS.get(row)) else {
            return ScriptResult::False.code();
        };
        run(function, message, parameters, |values, parameter| add_value(values, *parameter))
    })
}

/// The value of a parameter. What is no string in the script (in Lua nil, a table, a boolean) has no bytes, not even
/// none: an empty string of a script language points somewhere.
fn add_value(values: &mut Values, parameter: Text) -> Result<(), NoValue> {
    // SAFETY: Kamailio hands in null or a live string of the script language.
    unsafe {
        let text = parameter.as_ref().filter(|text| !text.s.is_null()).ok_or(NoValue)?;
        add_text(values, text)
    }
}

/// The rows that have a KEMI name, and an empty one.
const ROWS: usize = 14;

/// Kamailio's table, which it keeps by its address.
#[repr(transparent)]
struct Table([sys::sr_kemi; ROWS]);

// SAFETY: the pointers in it go to static texts and functions; Kamailio only reads the table.
unsafe impl Sync for Table {}

static TABLE: Table = Table([
    row::<0>(),
    row::<2>(),
    row::<3>(),
    row::<4>(),
    row::<5>(),
    row::<6>(),
    row::<7>(),
    row::<8>(),
    row::<9>(),
    row::<10>(),
    row::<11>(),
    row::<12>(),
    row::<13>(),
    END,
]);

const END: sys::sr_kemi = sys::sr_kemi {
    mname: sys::str_ { s: std::ptr::null_mut(), len: 0 },
    fname: sys::str_ { s: std::ptr::null_mut(), len: 0 },
    rtype: 0,
    func: std::ptr::null_mut(),
    ptypes: [0; 6],
};

#[allow(clippy::indexing_slicing, clippy::panic, reason = "evaluated by the compiler")]
const fn row<const ROW: usize>() -> sys::sr_kemi {
    let Some(name) = FUNCTIONS[ROW].kemi_name else { panic!("the row has no KEMI name") };
    let parameters = FUNCTIONS[ROW].parameters.len();
    let function = match parameters {
        1 => call_1::<ROW> as extern "C" fn(_, _) -> _ as *mut c_void,
        2 => call_2::<ROW> as extern "C" fn(_, _, _) -> _ as *mut c_void,
        3 => call_3::<ROW> as extern "C" fn(_, _, _, _) -> _ as *mut c_void,
        _ => panic!("a script function takes one to three parameters"),
    };
    let mut types = [sys::SR_KEMIP_NONE as c_int; 6];
    let mut parameter = 0;
    while parameter < parameters {
        types[parameter] = sys::SR_KEMIP_STR as c_int;
        parameter += 1;
    }
    sys::sr_kemi {
        mname: sys::str_ { s: NAME.as_ptr().cast_mut(), len: NAME.to_bytes().len() as c_int },
        fname: sys::str_ { s: name.as_ptr().cast_mut(), len: name.to_bytes().len() as c_int },
        rtype: sys::SR_KEMIP_INT as c_int,
        func: function,
        ptypes: types,
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
