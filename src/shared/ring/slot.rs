//! One slot of a ring: holds a published query, or nothing.

use super::super::atomic::{AtomicPtr, Ordering};
use super::super::query::{Block, Query};
use std::ptr::{NonNull, null_mut};

/// Lies in shared memory.
pub struct Slot {
    query: AtomicPtr<Block>,
    /// For the model checker: whoever fills the slot must know of whoever emptied it.
    #[cfg(all(test, loom))]
    watched: loom::cell::UnsafeCell<()>,
}

impl Slot {
    /// Holds nothing.
    pub fn empty() -> Self {
        Self {
            query: AtomicPtr::new(null_mut()),
            #[cfg(all(test, loom))]
            watched: loom::cell::UnsafeCell::new(()),
        }
    }

    /// Fills it. The producer that has drawn it.
    pub(super) fn fill(&self, query: Query) {
        #[cfg(all(test, loom))]
        self.watched.with_mut(|_| ());
        self.query.swap(query.into_raw().as_ptr(), Ordering::SeqCst);
    }

    /// Empties it. The consumer.
    pub(super) fn take(&self) -> Option<Query> {
        let block = NonNull::new(self.query.swap(null_mut(), Ordering::AcqRel))?;
        #[cfg(all(test, loom))]
        self.watched.with_mut(|_| ());
        // SAFETY: fill() stored what into_raw() gave, and the swap took it out of the slot, once.
        Some(unsafe { Query::from_raw(block) })
    }

    /// Whether it holds nothing. The consumer.
    pub(super) fn is_empty(&self) -> bool {
        self.query.load(Ordering::SeqCst).is_null()
    }
}
