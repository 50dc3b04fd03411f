//! Kamailio's statistics: registered in `mod_init`, then counted by any process. Counting takes no lock: each process
//! has its own cell, and the core adds them up when somebody reads.

use super::sys;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

/// Where Kamailio keeps one statistic; filled in by [`register`].
pub struct Counter(AtomicPtr<c_void>);

impl Counter {
    /// A counter that counts nothing until it is registered.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Adds `amount`, which may be negative.
    pub fn add(&self, amount: i32) {
        let statistic = self.0.load(Ordering::Relaxed);
        if !statistic.is_null() {
            // SAFETY: the core set the handle when the statistic was registered; it stays good in every process.
            unsafe { sys::shim_statistic_add(statistic, amount) }
        }
    }
}

/// Kamailio refused to register the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticsError;

/// Registers `counters` in `group`. Main process, in `mod_init`, once.
///
/// # Errors
/// No memory for the rows, or the core refused.
pub fn register(
    group: &'static CStr,
    counters: &'static [(&'static CStr, &'static Counter)],
) -> Result<(), StatisticsError> {
    let mut rows = Vec::new();
    rows.try_reserve_exact(counters.len() + 1).map_err(|_| StatisticsError)?;
    for (name, counter) in counters {
        rows.push(row(name.as_ptr().cast_mut(), counter.0.as_ptr()));
    }
    rows.push(row(std::ptr::null_mut(), std::ptr::null_mut()));
    // SAFETY: the table ends with a null name; the names are static, and the core copies the rest while it registers.
    let result = unsafe { sys::register_module_stats(group.as_ptr().cast_mut(), rows.as_mut_ptr()) };
    if result < 0 { Err(StatisticsError) } else { Ok(()) }
}

fn row(name: *mut c_char, handle: *mut *mut c_void) -> sys::stat_export_s {
    sys::stat_export_s { name, flags: sys::STAT_NO_RESET as c_int, stat_pointer: handle }
}
