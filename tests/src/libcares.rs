//! The libcares that the module is linked to.

use std::ffi::{c_char, c_int};

/// 1.20, the first that asks in mixed case.
const MIXED_CASE: c_int = 0x01_14_00;

/// Whether it can vary the case of a question's letters.
///
/// # Panics
/// It is not installed.
pub fn mixes_case() -> bool {
    version() >= MIXED_CASE
}

/// Its version: a byte each for major, minor and patch.
fn version() -> c_int {
    // SAFETY: a NUL-terminated name; nothing of the library runs but its own constructors.
    let library = unsafe { libc::dlopen(c"libcares.so.2".as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "libcares is installed");
    // SAFETY: the handle is open, the name NUL-terminated.
    let function = unsafe { libc::dlsym(library, c"ares_version".as_ptr()) };
    assert!(!function.is_null(), "every libcares has that function");
    // SAFETY: ares.h declares it like this.
    let ares_version: unsafe extern "C" fn(*mut c_int) -> *const c_char = unsafe { std::mem::transmute(function) };
    let mut version = 0;
    // SAFETY: it writes one number.
    unsafe { ares_version(&mut version) };
    version
}
