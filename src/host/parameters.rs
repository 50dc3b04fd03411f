//! Module parameters: Kamailio's `modparam` on one side, the rows of `module/parameters.rs` on the other. Main process,
//! while the configuration is read; `kamailio -c` comes this far too.

use super::{guarded, log, sys};
use crate::module::parameters::{PARAMETERS, ParameterValue};
use crate::module::settings::settings;
use std::ffi::{CStr, c_int, c_void};

/// `param_func_t`: sets the parameter of row `ROW`.
extern "C" fn set<const ROW: usize, const TEXT: bool>(_type: u32, value: *mut c_void) -> c_int {
    guarded("a parameter", -1, || {
        let Some(parameter) = PARAMETERS.get(ROW) else {
            return -1;
        };
        let value = if TEXT {
            // SAFETY: Kamailio hands in a NUL-terminated string for a string parameter.
            ParameterValue::Text(unsafe { CStr::from_ptr(value.cast()) })
        } else {
            // Kamailio puts the number itself into the pointer.
            ParameterValue::Integer(value as isize)
        };
        match parameter.set(value).and_then(|()| check_files()) {
            Ok(()) => 0,
            Err(line) => {
                log::error!("{line}");
                -1
            }
        }
    })
}

/// `kamailio -c` ends before `mod_init`, which looks at the files. Whoever runs it may not be the user who starts the server, and
/// it does not go to the server's working directory (`-w`).
fn check_files() -> Result<(), String> {
    // SAFETY: reads two variables of the core.
    if unsafe { sys::shim_only_checks_configuration() } == 0 {
        return Ok(());
    }
    match settings().check_files() {
        Err(unusable) if !unusable.may_serve => Err(unusable.line),
        _ => Ok(()),
    }
}

/// Rows of `module/parameters.rs`.
const PARAMETER_COUNT: usize = 25;

/// Each parameter stands there twice, for numbers and for strings, so that a value of the wrong type gets this
/// module's own answer.
pub(super) const TABLE_LENGTH: usize = 2 * PARAMETER_COUNT + 1;

type Setter = extern "C" fn(u32, *mut c_void) -> c_int;

/// A setter is told neither its parameter's name nor the value's type: there is one for each row and type.
static SETTERS: [(Setter, Setter); PARAMETER_COUNT] = [
    (set::<0, false>, set::<0, true>),
    (set::<1, false>, set::<1, true>),
    (set::<2, false>, set::<2, true>),
    (set::<3, false>, set::<3, true>),
    (set::<4, false>, set::<4, true>),
    (set::<5, false>, set::<5, true>),
    (set::<6, false>, set::<6, true>),
    (set::<7, false>, set::<7, true>),
    (set::<8, false>, set::<8, true>),
    (set::<9, false>, set::<9, true>),
    (set::<10, false>, set::<10, true>),
    (set::<11, false>, set::<11, true>),
    (set::<12, false>, set::<12, true>),
    (set::<13, false>, set::<13, true>),
    (set::<14, false>, set::<14, true>),
    (set::<15, false>, set::<15, true>),
    (set::<16, false>, set::<16, true>),
    (set::<17, false>, set::<17, true>),
    (set::<18, false>, set::<18, true>),
    (set::<19, false>, set::<19, true>),
    (set::<20, false>, set::<20, true>),
    (set::<21, false>, set::<21, true>),
    (set::<22, false>, set::<22, true>),
    (set::<23, false>, set::<23, true>),
    (set::<24, false>, set::<24, true>),
];

const _: () = assert!(PARAMETERS.len() == PARAMETER_COUNT);

/// Kamailio's table of the parameters; ends with an empty row.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, and the lengths are asserted above")]
pub(super) const fn table() -> [sys::param_export; TABLE_LENGTH] {
    const END: sys::param_export =
        sys::param_export { name: std::ptr::null_mut(), type_: 0, param_pointer: std::ptr::null_mut() };
    let mut table = [END; TABLE_LENGTH];
    let mut row = 0;
    while row < PARAMETER_COUNT {
        table[2 * row] = export(row, sys::PARAM_INT, SETTERS[row].0);
        table[2 * row + 1] = export(row, sys::PARAM_STRING, SETTERS[row].1);
        row += 1;
    }
    table
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn export(row: usize, value_type: u32, setter: Setter) -> sys::param_export {
    sys::param_export {
        name: PARAMETERS[row].name.as_ptr().cast_mut(),
        type_: value_type | sys::SHIM_PARAM_USE_FUNC,
        param_pointer: setter as *mut c_void,
    }
}
