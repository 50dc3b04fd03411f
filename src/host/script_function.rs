//! Script functions of the native language: Kamailio's `cmd_export_t` on one side, the rows of `module/functions.rs`
//! on the other. Script processes.

use super::fault_point::fault_point;
use super::message::Message;
use super::values::{NoRoom, Values};
use super::{guarded, log, sys};
use crate::module::functions::{FUNCTIONS, Function, ScriptResult};
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

/// `cmd_function` and its kin, of as many parameters as the row has; `fixup_spve_all` has prepared them.
extern "C" fn call_1<const ROW: usize>(message: *mut sys::sip_msg, first: *mut c_char, _: *mut c_char) -> c_int {
    call(ROW, message, &[first])
}

extern "C" fn call_2<const ROW: usize>(message: *mut sys::sip_msg, first: *mut c_char, second: *mut c_char) -> c_int {
    call(ROW, message, &[first, second])
}

extern "C" fn call_3<const ROW: usize>(
    message: *mut sys::sip_msg,
    first: *mut c_char,
    second: *mut c_char,
    third: *mut c_char,
) -> c_int {
    call(ROW, message, &[first, second, third])
}

fn call(row: usize, message: *mut sys::sip_msg, parameters: &[*mut c_char]) -> c_int {
    guarded("a script function", ScriptResult::False.code(), || {
        let (Some(message), Some(function)) = (Message::new(message), FUNCTIONS.get(row)) else {
            return ScriptResult::False.code();
        };
        run(function, message, parameters, |values, parameter| add_value(values, message, *parameter))
    })
}

/// Calls a function of either language; `add` reads the value of one parameter, which may have none.
pub(super) fn run<P>(
    function: &Function,
    message: Message,
    parameters: &[P],
    mut add: impl FnMut(&mut Values, &P) -> Result<(), NoValue>,
) -> c_int {
    fault_point!("function");
    let mut values = Values::new();
    if parameters.iter().try_for_each(|parameter| add(&mut values, parameter)).is_err() {
        (function.refuse)(message);
        log::error!("{}: a parameter has no value", function.name.to_string_lossy());
        return ScriptResult::False.code();
    }
    values.with(|values| (function.call)(message, values)).code()
}

/// A parameter has no value, or there is no memory for it.
pub(super) struct NoValue;

impl From<NoRoom> for NoValue {
    fn from(_: NoRoom) -> Self {
        Self
    }
}

/// The value of a parameter for this message.
fn add_value(values: &mut Values, message: Message, parameter: *mut c_char) -> Result<(), NoValue> {
    let mut text = sys::str_ { s: std::ptr::null_mut(), len: 0 };
    // SAFETY: Kamailio hands in what fixup_spve_all made of the parameter; the text it gives lives until the next
    // evaluation, and is copied here.
    unsafe {
        if sys::get_str_fparam(&mut text, message.as_ptr(), parameter.cast()) != 0 {
            return Err(NoValue);
        }
        add_text(values, &text)
    }
}

/// # Safety
/// `text` is null or points to `len` bytes.
pub(super) unsafe fn add_text(values: &mut Values, text: &sys::str_) -> Result<(), NoValue> {
    let bytes = match usize::try_from(text.len).map_err(|_| NoValue)? {
        0 => &[],
        // SAFETY: the caller's contract.
        length => unsafe { std::slice::from_raw_parts(text.s.cast(), length) },
    };
    values.push(bytes).map_err(NoValue::from)
}

/// Rows of `module/functions.rs`.
pub(super) const FUNCTION_COUNT: usize = 14;

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
    [
        row::<0>(),
        row::<1>(),
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
    ]
}

/// `cmd_function`, the type in which the table holds functions of any number of parameters.
type CmdFunction = unsafe extern "C" fn(*mut sys::sip_msg, *mut c_char, *mut c_char) -> c_int;
/// `cmd_function3`.
type CmdFunction3 = extern "C" fn(*mut sys::sip_msg, *mut c_char, *mut c_char, *mut c_char) -> c_int;

#[allow(clippy::indexing_slicing, clippy::panic, reason = "evaluated by the compiler")]
const fn row<const ROW: usize>() -> sys::cmd_export {
    let parameters = FUNCTIONS[ROW].parameters.len();
    let function: CmdFunction = match parameters {
        1 => call_1::<ROW>,
        2 => call_2::<ROW>,
        // SAFETY: Kamailio calls a function of the table with the number of parameters that stands in its row.
        3 => unsafe { std::mem::transmute::<CmdFunction3, CmdFunction>(call_3::<ROW>) },
        _ => panic!("a script function takes one to three parameters"),
    };
    sys::cmd_export {
        name: FUNCTIONS[ROW].name.as_ptr().cast_mut(),
        function: Some(function),
        param_no: parameters as c_int,
        fixup: Some(sys::fixup_spve_all),
        free_fixup: Some(sys::fixup_free_spve_all),
        flags: sys::SHIM_ANY_ROUTE,
    }
}
