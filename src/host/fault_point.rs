//! Places at which the test build (feature `fault-injection`) panics, or gets a signal, when a test says so. Any process.
//!
//! A place is a line of its own, `fault_point!("name")`, and nothing at all in any other build. `make faults` finds the names in the
//! sources and goes through all of them.

macro_rules! fault_point {
    ($place:literal) => {
        #[cfg(feature = "fault-injection")]
        $crate::host::fault_point::reached(concat!($place, "\0"))
    };
}
pub(crate) use fault_point;

#[cfg(feature = "fault-injection")]
unsafe extern "C" {
    /// `kamailio-shim/faults/places.c`: whether the test wants a panic here.
    fn fault_place(place: *const std::ffi::c_char) -> std::ffi::c_int;
}

/// Panics where the test wants it; `place` ends with a NUL byte.
#[cfg(feature = "fault-injection")]
#[allow(clippy::panic, reason = "that is what it is for")]
pub fn reached(place: &str) {
    // SAFETY: the macro has put a NUL byte behind the name, and the function only reads it.
    if unsafe { fault_place(place.as_ptr().cast()) } != 0 {
        panic!("asked for by a test at {}", place.trim_end_matches('\0'));
    }
}
