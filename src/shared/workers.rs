//! The table of HTTP workers: made in `mod_init`, read by every process.

use super::ring::{Ring, Slot, slots_of};
use crate::host::memory;
use std::alloc::Layout;
use std::io;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The rings of all workers. Lies in shared memory, and is never freed: it lives as long as the server.
#[derive(Clone, Copy)]
struct Table {
    rings: NonNull<Ring>,
    count: usize,
}

// SAFETY: a Ring is used through shared references only, and all of its parts are atomics or never change.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

static TABLE: OnceLock<Table> = OnceLock::new();
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Makes `count` empty rings, each for `places` waiting queries. Main process, in `mod_init`, once.
///
/// # Errors
/// Shared memory is exhausted, or the system has no descriptor left.
pub fn create(count: usize, places: u32) -> io::Result<()> {
    let layout = Layout::array::<Ring>(count).map_err(io::Error::other)?;
    let rings = memory::allocate(layout).ok_or(io::ErrorKind::OutOfMemory)?.cast::<Ring>();
    for index in 0..count {
        let ring = new_ring(places)?;
        // SAFETY: the array just made has `count` places, and nobody else knows it yet.
        unsafe { rings.add(index).write(ring) };
    }
    TABLE.set(Table { rings, count }).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))
}

fn new_ring(places: u32) -> io::Result<Ring> {
    let count = slots_of(places) as usize;
    let layout = Layout::array::<Slot>(count).map_err(io::Error::other)?;
    let slots = memory::allocate(layout).ok_or(io::ErrorKind::OutOfMemory)?.cast::<Slot>();
    for index in 0..count {
        // SAFETY: the array just made has that many places.
        unsafe { slots.add(index).write(Slot::empty()) };
    }
    // SAFETY: that many empty slots in shared memory, never freed.
    unsafe { Ring::new(slots, places) }
}

/// Bytes of shared memory that [`create`] takes.
pub fn size_of_rings(count: usize, places: u32) -> usize {
    count * (size_of::<Ring>() + slots_of(places) as usize * size_of::<Slot>())
}

/// All rings; none before [`create`].
pub fn rings() -> &'static [Ring] {
    TABLE.get().map_or(&[], |table| {
        // SAFETY: create() wrote `count` rings, which are never freed and only used through shared references.
        unsafe { std::slice::from_raw_parts(table.rings.as_ptr(), table.count) }
    })
}

/// The worker with the fewest unfinished queries; the first of several.
pub fn least_loaded() -> Option<&'static Ring> {
    rings().iter().min_by_key(|ring| ring.unfinished())
}

/// Closes what this process holds of the table. Main process, in `mod_destroy`; later calls do nothing.
pub fn close() {
    if !CLOSED.swap(true, Ordering::Relaxed) {
        rings().iter().for_each(Ring::close);
    }
}
