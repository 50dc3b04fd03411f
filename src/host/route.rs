//! Routes of the script: their names, the route type that runs now, and running one without a transaction.

use super::heap::NoCString;
use super::interface::ResumeTarget;
use super::message::OutOfMemory;
use super::{heap, python, sys};
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_int};

/// Kamailio's bit mask of the route that is running (`get_route_type`). Script processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteType(pub c_int);

/// `REQUEST_ROUTE` of `core/route.h`.
pub const REQUEST_ROUTE: RouteType = RouteType(sys::SHIM_REQUEST_ROUTE as c_int);
/// `FAILURE_ROUTE` of `core/route.h`.
pub const FAILURE_ROUTE: RouteType = RouteType(sys::SHIM_FAILURE_ROUTE as c_int);
/// `TM_ONREPLY_ROUTE` of `core/route.h`.
pub const TM_ONREPLY_ROUTE: RouteType = RouteType(sys::SHIM_TM_ONREPLY_ROUTE as c_int);

/// The type of the route that is running. Other routes' bits include those of `REQUEST_ROUTE`: compare with `==`.
pub fn current_type() -> RouteType {
    // SAFETY: reads a global of the core.
    RouteType(unsafe { sys::shim_route_type() })
}

/// Whether the script is written in a KEMI language, where routes are functions that cannot be looked up.
pub fn script_is_kemi() -> bool {
    // SAFETY: reads a global of the core.
    unsafe { sys::shim_script_is_kemi() != 0 }
}

/// Most routes whose index a process remembers.
const MOST_REMEMBERED: usize = 16;

thread_local! {
    /// Those that were looked up first. Scripts name few routes, and name them again and again.
    static REMEMBERED: RefCell<Vec<(CString, c_int)>> = const { RefCell::new(Vec::new()) };
}

/// Index of a `route[name]` in the native script; `None` when there is no such route. Stable after the start.
///
/// # Errors
/// The name is not one of C, or there is no memory for it.
pub fn index_of(name: &[u8]) -> Result<Option<c_int>, NoCString> {
    let remembered = REMEMBERED
        .with_borrow(|routes| routes.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, index)| *index));
    if remembered.is_some() {
        return Ok(remembered);
    }
    let name = heap::c_string(name)?;
    let found = look_up(&name);
    REMEMBERED.with_borrow_mut(|routes| {
        if let Some(index) = found.filter(|_| routes.len() < MOST_REMEMBERED) {
            routes.push((name, index));
        }
    });
    Ok(found)
}

fn look_up(name: &CStr) -> Option<c_int> {
    // SAFETY: route_lookup reads the NUL-terminated name and the core's table, which is complete before the fork.
    let index = unsafe { sys::shim_route_index(name.as_ptr()) };
    (index >= 0).then_some(index)
}

/// Name of the `route[name]` with that index; `None` when there is no such route. It lives as long as the process.
pub fn name_of(index: c_int) -> Option<&'static CStr> {
    // SAFETY: the shim gives null or a NUL-terminated name of the core's table, which is complete before the fork and
    // never freed.
    unsafe { sys::shim_route_name(index).as_ref().map(|name| CStr::from_ptr(name)) }
}

/// Keeps a message for [`run_detached`] in want of memory. Main process, in `mod_init`.
///
/// # Errors
/// There is no private memory for it.
pub fn initialise() -> Result<(), OutOfMemory> {
    // SAFETY: makes one message; the core allows it from mod_init.
    if unsafe { sys::shim_routes_init() } < 0 { Err(OutOfMemory) } else { Ok(()) }
}

/// Runs a route on a message of its own, as an event route. HTTP workers.
///
/// # Errors
/// Kamailio could not make the message.
pub fn run_detached(target: &ResumeTarget) -> Result<(), DetachedError> {
    // SAFETY: `target` and the name it points to live through the call; an HTTP worker may run routes.
    let result = unsafe { sys::shim_route_run_detached(target) };
    python::forget_exception();
    if result < 0 { Err(DetachedError) } else { Ok(()) }
}

/// Kamailio could not make a message for a route to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetachedError;
