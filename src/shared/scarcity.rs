//! Who may take shared memory when little of it is left: tm alone, for without memory it can answer nobody. New queries are
//! refused, and libcurl takes private memory.

use crate::host::memory;

/// Memory is scarce when less than one part in so many is left, or less than the bytes below.
const PART: usize = 16;
/// 8 MB.
const ENOUGH: usize = 8 << 20;

/// Whether so little is left that tm may need it.
pub fn is_scarce() -> bool {
    memory::available() < (memory::size() / PART).min(ENOUGH)
}
