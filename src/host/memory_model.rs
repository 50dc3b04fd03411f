//! Shared memory as the model checker sees it. loom ends a model when a block is freed twice or never, or when it is freed
//! by a thread that does not know for certain what was written before: when the hand-over did not order the two.

use loom::alloc::{alloc, dealloc};
use loom::cell::UnsafeCell;
use std::alloc::Layout;
use std::ffi::c_void;

/// In front of each block.
#[repr(C, align(16))]
struct Header {
    layout: Layout,
    /// Stands for the block's bytes: written when it is made, and again when it is freed.
    content: UnsafeCell<()>,
}

/// A new block of `size` bytes.
pub unsafe fn shim_shm_malloc(size: usize) -> *mut c_void {
    let layout = Layout::new::<Header>().extend(Layout::array::<u64>(size.div_ceil(8)).unwrap()).unwrap().0;
    // SAFETY: a header is in front, so the layout is not empty; the new block has room for it.
    unsafe {
        let header = alloc(layout).cast::<Header>();
        header.write(Header { layout, content: UnsafeCell::new(()) });
        (*header).content.with_mut(|_| ());
        header.add(1).cast()
    }
}

/// Frees a block.
pub unsafe fn shim_shm_free(block: *mut c_void) {
    // SAFETY: shim_shm_malloc() put the header in front of the block.
    unsafe {
        let header = block.cast::<Header>().sub(1);
        (*header).content.with_mut(|_| ());
        dealloc(header.cast(), header.read().layout);
    }
}

/// Nobody asks, unlike in a server.
pub unsafe fn shim_shm_available() -> usize {
    0
}

/// The same.
pub unsafe fn shim_shm_size() -> usize {
    0
}

/// The one kind of memory there is.
pub unsafe fn shm_address_in(_: *mut c_void) -> i32 {
    1
}
