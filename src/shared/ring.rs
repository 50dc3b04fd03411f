//! The bounded queue of one HTTP worker: many producers (processes that run the script), one consumer.
//!
//! A producer first takes a *place*, which can fail, and only later publishes, which cannot: between the two lies the
//! suspension of the SIP transaction, after which nothing may fail. There are as many places as slots, and a place is
//! given back after its slot was emptied; so a producer that holds a place finds the slot it draws empty. Places are
//! given back when a transfer starts, not when its query leaves the ring: the bound covers all that waits.
//!
//! Nobody waits for anybody. A producer that is preempted between drawing a slot and filling it delays those behind it,
//! which are in the ring already, and its own wake-up comes after it filled the slot.

use super::query::{Block, Query};
use super::wake::Wake;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// A slot holds the pointer of a published query, or null.
pub(super) type Slot = AtomicPtr<Block>;

/// One worker's queue. Lies in shared memory.
pub struct Ring {
    slots: NonNull<Slot>,
    mask: u32,
    places_taken: AtomicU32,
    tail: AtomicU32,
    head: AtomicU32,
    unfinished: AtomicU32,
    sleeping: AtomicBool,
    wake: Wake,
}

impl Ring {
    /// An empty ring over `capacity` null slots.
    ///
    /// # Errors
    /// The eventfd cannot be made.
    ///
    /// # Safety
    /// `slots` points to `capacity` slots in shared memory, all null, that live as long as the ring; `capacity` is a
    /// power of two.
    pub(super) unsafe fn new(slots: NonNull<Slot>, capacity: u32) -> io::Result<Self> {
        Ok(Self {
            slots,
            mask: capacity - 1,
            places_taken: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            head: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            sleeping: AtomicBool::new(false),
            wake: Wake::new()?,
        })
    }

    fn slot(&self, position: u32) -> &Slot {
        // SAFETY: the mask keeps the index below the capacity that new() was promised.
        unsafe { self.slots.add((position & self.mask) as usize).as_ref() }
    }

    /// Takes a place; `None` when the queue is full. Producers.
    pub fn reserve(&self) -> Option<ReservedPlace<'_>> {
        let capacity = self.mask + 1;
        self.places_taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |taken| (taken < capacity).then_some(taken + 1))
            .ok()
            .map(|_| ReservedPlace(self))
    }

    /// Queries that were published and have not ended. Any process.
    pub fn unfinished(&self) -> u32 {
        self.unfinished.load(Ordering::Relaxed)
    }

    fn push(&self, query: Query) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
        let position = self.tail.fetch_add(1, Ordering::Relaxed);
        // Sequentially consistent, like the consumer's steps in prepare_sleep: one of the two sees the other.
        self.slot(position).store(query.into_raw().as_ptr(), Ordering::SeqCst);
        if self.sleeping.swap(false, Ordering::SeqCst) {
            self.wake.notify();
        }
    }

    /// The next query. The consumer.
    pub fn take(&self) -> Option<Query> {
        let position = self.head.load(Ordering::Relaxed);
        let block = self.slot(position).swap(null_mut(), Ordering::AcqRel);
        let block = NonNull::new(block)?;
        self.head.store(position.wrapping_add(1), Ordering::Relaxed);
        // SAFETY: push() stored what into_raw() gave, and the swap took it out of the slot, once.
        Some(unsafe { Query::from_raw(block) })
    }

    /// Gives back the place of a query that does not wait any more. The consumer.
    pub fn release_place(&self) {
        self.places_taken.fetch_sub(1, Ordering::AcqRel);
    }

    /// Notes that a query has ended. The consumer.
    pub fn finished(&self) {
        self.unfinished.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether the consumer may sleep until [`Ring::wake_descriptor`] is readable. The consumer.
    pub fn prepare_sleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        let next = self.slot(self.head.load(Ordering::Relaxed)).load(Ordering::SeqCst);
        if next.is_null() {
            return true;
        }
        self.stay_awake();
        false
    }

    /// Tells producers that no wake-up is needed. The consumer.
    pub fn stay_awake(&self) {
        self.sleeping.store(false, Ordering::SeqCst);
    }

    /// Makes the descriptor unreadable after it has woken the consumer. The consumer.
    pub fn clear_wake(&self) {
        self.wake.clear();
    }

    /// Readable when the consumer has something to take after it slept.
    pub fn wake_descriptor(&self) -> RawFd {
        self.wake.as_raw_fd()
    }

    /// Closes the descriptor in this process.
    pub(super) fn close(&self) {
        self.wake.close();
    }
}

/// A place in the ring that is sure to be there. Dropped without [`ReservedPlace::publish`], it is free again.
pub struct ReservedPlace<'a>(&'a Ring);

impl ReservedPlace<'_> {
    /// Hands the query to the worker. Cannot fail, and does not wait.
    pub fn publish(self, query: Query) {
        self.0.push(query);
        std::mem::forget(self);
    }
}

impl Drop for ReservedPlace<'_> {
    fn drop(&mut self) {
        self.0.release_place();
    }
}
