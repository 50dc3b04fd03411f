//! What Kamailio looks up in the shared object by name, and the functions it calls at start and stop. All in main, but
//! for `child_init`, which runs in every process.

use super::process::Role;
use super::{guard, guarded, kemi, log, parameters, script_function, sys, variable};
use crate::module::{NAME, life};
use std::ffi::{c_char, c_int, c_uint, c_void};

/// A table that Kamailio reads by its address.
#[repr(transparent)]
struct Table<T>(T);

// SAFETY: the pointers in the tables go to static texts and functions; Kamailio only reads them.
unsafe impl<T> Sync for Table<T> {}

static FUNCTIONS: Table<[sys::cmd_export; script_function::FUNCTION_COUNT + 1]> = Table(script_function::table());
static PARAMETERS: Table<[sys::param_export; parameters::TABLE_LENGTH]> = Table(parameters::table());
static VARIABLES: Table<[sys::_pv_export; variable::VARIABLE_COUNT + 1]> = Table(variable::table());

/// `module_exports_t`. Wrapped, because it holds pointers; the wrapper has the same layout.
#[repr(transparent)]
pub struct Exports(sys::module_exports);

// SAFETY: as for Table; the core copies the structure when it loads the module.
unsafe impl Sync for Exports {}

/// A C string behind a pointer, as `MODULE_VERSION` in `core/sr_module.h` declares it.
#[repr(transparent)]
pub struct Text(*const c_char);

// SAFETY: points to a constant of the shim.
unsafe impl Sync for Text {}

/// The module's tables and functions (`core/sr_module.h`).
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static exports: Exports = Exports(sys::module_exports {
    name: NAME.as_ptr().cast_mut(),
    dlflags: 0,
    cmds: FUNCTIONS.0.as_ptr().cast_mut(),
    params: PARAMETERS.0.as_ptr().cast_mut(),
    rpc_methods: std::ptr::null_mut(),
    pv_items: VARIABLES.0.as_ptr().cast_mut(),
    response_f: None,
    init_mod_f: Some(mod_init),
    init_child_f: Some(child_init),
    destroy_mod_f: Some(mod_destroy),
});

/// Kamailio refuses a module whose version is not its own.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static module_version: Text = Text((&raw const sys::shim_module_version).cast());

/// Kamailio refuses a module whose compile flags are not its own.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static module_flags: Text = Text((&raw const sys::shim_module_flags).cast());

/// Layout of [`exports`]: `MODULE_INTERFACE_VER`.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static module_interface_ver: c_uint = sys::SHIM_MODULE_INTERFACE_VER as c_uint;

/// Called when the module has been loaded, before any parameter is set.
#[unsafe(no_mangle)]
pub extern "C" fn mod_register(
    _path: *mut c_char,
    _dlflags: *mut c_int,
    _reserved1: *mut c_void,
    _reserved2: *mut c_void,
) -> c_int {
    guard::install_panic_hook();
    guarded("mod_register", -1, || match kemi::register() {
        Ok(()) => 0,
        Err(_) => -1,
    })
}

extern "C" fn mod_init() -> c_int {
    guarded("mod_init", -1, || report(life::initialise()))
}

extern "C" fn child_init(rank: c_int) -> c_int {
    guarded("child_init", -1, || report(life::initialise_child(Role::of_rank(rank))))
}

extern "C" fn mod_destroy() {
    guarded("mod_destroy", (), life::destroy);
}

fn report(result: Result<(), String>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(line) => {
            log::error!("{line}");
            -1
        }
    }
}
