//! Python's pending exception. app_python3 leaves one behind when a function returned no number or is not there, and
//! it would fail the next callback of this process, which has done nothing wrong. HTTP workers.

use super::route;
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// `Py_IsInitialized`, `PyGILState_Ensure`.
type Ask = unsafe extern "C" fn() -> c_int;
/// `PyGILState_Release`.
type Release = unsafe extern "C" fn(c_int);
/// `PyErr_Clear`.
type Clear = unsafe extern "C" fn();

/// What is needed of Python, which app_python3 has brought into the process; this module is not linked to it.
struct Python {
    is_initialized: Ask,
    take_lock: Ask,
    give_lock_back: Release,
    clear_exception: Clear,
}

static PYTHON: OnceLock<Option<Python>> = OnceLock::new();

impl Python {
    /// `None` when nobody has loaded it.
    fn find() -> Option<Self> {
        // SAFETY: the types are those that the limited API of Python 3 promises for these names; pointers to functions
        // are as large as pointers to data, and symbol() gives none that is null.
        unsafe {
            Some(Self {
                is_initialized: std::mem::transmute::<*mut c_void, Ask>(symbol(c"Py_IsInitialized")?),
                take_lock: std::mem::transmute::<*mut c_void, Ask>(symbol(c"PyGILState_Ensure")?),
                give_lock_back: std::mem::transmute::<*mut c_void, Release>(symbol(c"PyGILState_Release")?),
                clear_exception: std::mem::transmute::<*mut c_void, Clear>(symbol(c"PyErr_Clear")?),
            })
        }
    }
}

/// A symbol that any library of this process offers to all.
fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: reads the NUL-terminated name.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}

/// Clears what a callback has left behind; nothing happens where no Python runs.
pub(super) fn forget_exception() {
    if !route::script_is_kemi() {
        return;
    }
    let Some(python) = PYTHON.get_or_init(Python::find) else {
        return;
    };
    // SAFETY: Python is initialised in this process, which has one thread; the lock is given back as it was taken.
    unsafe {
        if (python.is_initialized)() != 0 {
            let lock = (python.take_lock)();
            (python.clear_exception)();
            (python.give_lock_back)(lock);
        }
    }
}
