//! The bounded queue of one HTTP worker: many producers (processes that run the script), one consumer.
//!
//! A producer first takes a *place*, which can fail, and only later publishes, which cannot: between the two lies the
//! suspension of the SIP transaction, after which nothing may fail. There are no more places than slots, and a place is
//! given back after its slot was emptied; so a producer that holds a place finds the slot it draws empty. Places are
//! given back when a transfer starts, not when its query leaves the ring: the bound covers all that waits.
//!
//! Nobody waits for anybody. A producer that is preempted between drawing a slot and filling it delays those behind it,
//! which are in the ring already, and its own wake-up comes after it filled the slot.

use super::atomic::{AtomicBool, AtomicU32, Ordering};
use super::query::Query;
use super::wake::Wake;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;

mod slot;
pub(super) use slot::Slot;

/// One worker's queue. Lies in shared memory.
pub struct Ring {
    slots: NonNull<Slot>,
    mask: u32,
    places: u32,
    places_taken: AtomicU32,
    tail: AtomicU32,
    head: AtomicU32,
    unfinished: AtomicU32,
    sleeping: AtomicBool,
    wake: Wake,
}

/// Slots for so many places: the next power of two, so that a position becomes an index by a mask.
pub(super) const fn slots_of(places: u32) -> u32 {
    places.next_power_of_two()
}

impl Ring {
    /// An empty ring of `places` places over `slots_of(places)` empty slots.
    ///
    /// # Errors
    /// The eventfd cannot be made.
    ///
    /// # Safety
    /// `slots` points to that many slots in shared memory, all empty, that live as long as the ring.
    pub(super) unsafe fn new(slots: NonNull<Slot>, places: u32) -> io::Result<Self> {
        Ok(Self {
            slots,
            mask: slots_of(places) - 1,
            places,
            places_taken: AtomicU32::new(0),
            tail: AtomicU32::new(0),
            head: AtomicU32::new(0),
            unfinished: AtomicU32::new(0),
            sleeping: AtomicBool::new(false),
            wake: Wake::new()?,
        })
    }

    fn slot(&self, position: u32) -> &Slot {
        // SAFETY: the mask keeps the index below the number of slots that new() was promised.
        unsafe { self.slots.add((position & self.mask) as usize).as_ref() }
    }

    /// Takes a place; `None` when the queue is full. Producers.
    pub fn reserve(&self) -> Option<ReservedPlace<'_>> {
        self.places_taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |taken| (taken < self.places).then_some(taken + 1))
            .ok()
            .map(|_| ReservedPlace(self))
    }

    /// Queries that were published and have not ended. Any process.
    pub fn unfinished(&self) -> u32 {
        self.unfinished.load(Ordering::Relaxed)
    }

    fn push(&self, query: Query) {
        self.unfinished.fetch_add(1, Ordering::Relaxed);
        self.fill(self.draw(), query);
    }

    /// Draws the next position. Its slot was emptied before the consumer gave back a place, and whoever took that place has drawn since;
    /// but maybe not this process, which may have had its place for long. So the one who drew before tells the next (release, acquire):
    /// what empties the slot comes before what fills it.
    fn draw(&self) -> u32 {
        self.tail.fetch_add(1, Ordering::AcqRel)
    }

    /// Fills a slot, then looks whether the consumer sleeps. The consumer says that it sleeps, then looks into the slot
    /// ([`Ring::prepare_sleep`]), so one of the two sees the other: all of these are sequentially consistent. They are
    /// exchanges where stores would do, which cost the same on amd64: each reads the one before it, and so the model
    /// checker, which takes sequential consistency for acquire and release, can follow them.
    fn fill(&self, position: u32, query: Query) {
        self.slot(position).fill(query);
        if self.sleeping.swap(false, Ordering::SeqCst) {
            self.wake.notify();
        }
    }

    /// The next query. The consumer.
    pub fn take(&self) -> Option<Query> {
        let position = self.head.load(Ordering::Relaxed);
        let query = self.slot(position).take()?;
        self.head.store(position.wrapping_add(1), Ordering::Relaxed);
        Some(query)
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
        self.sleeping.swap(true, Ordering::SeqCst);
        if self.slot(self.head.load(Ordering::Relaxed)).is_empty() {
            return true;
        }
        self.stay_awake();
        false
    }

    /// Tells producers that no wake-up is needed. The consumer.
    pub fn stay_awake(&self) {
        self.sleeping.swap(false, Ordering::SeqCst);
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

#[cfg(test)]
#[cfg(loom)]
mod model;

// Two attributes: clippy knows tests by this one alone.
#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::super::query::Text;
    use super::super::query::tests::query;
    use super::*;
    use std::thread;

    fn ring(capacity: u32) -> &'static Ring {
        let slots: Vec<Slot> = (0..slots_of(capacity)).map(|_| Slot::empty()).collect();
        let slots = NonNull::from(Box::leak(slots.into_boxed_slice())).cast();
        // SAFETY: that many empty slots, leaked.
        let ring = unsafe { Ring::new(slots, capacity) };
        Box::leak(Box::new(ring.expect("a descriptor is left")))
    }

    // SAFETY: atomics and parts that never change, as Table says for the processes that share it.
    unsafe impl Sync for Ring {}

    fn publish(ring: &Ring, id: &str) -> bool {
        ring.reserve().map(|place| place.publish(query(id))).is_some()
    }

    fn take_id(ring: &Ring) -> Option<String> {
        ring.take().map(|query| String::from_utf8_lossy(query.bytes(Text::Url).unwrap_or_default()).into_owned())
    }

    #[test]
    fn queries_leave_in_the_order_in_which_they_came() {
        let ring = ring(4);
        assert!(publish(ring, "a") && publish(ring, "b"));
        assert_eq!((take_id(ring), take_id(ring), take_id(ring)), (Some("a".into()), Some("b".into()), None));
    }

    #[test]
    fn a_place_is_free_again_when_it_is_released_and_not_when_the_query_is_taken() {
        let ring = ring(2);
        assert!(publish(ring, "a") && publish(ring, "b"));
        assert!(!publish(ring, "c"));
        take_id(ring);
        assert!(!publish(ring, "c"));
        ring.release_place();
        assert!(publish(ring, "c"));
        assert_eq!(ring.unfinished(), 3);
        ring.finished();
        assert_eq!(ring.unfinished(), 2);
    }

    #[test]
    fn a_queue_holds_as_many_as_it_has_places_and_no_more() {
        let ring = ring(3);
        for round in 0..10 {
            assert!((0..3).all(|number| publish(ring, &format!("{round}:{number}"))));
            assert!(!publish(ring, "one more"));
            for number in 0..3 {
                assert_eq!(take_id(ring), Some(format!("{round}:{number}")));
                ring.release_place();
            }
        }
    }

    #[test]
    fn a_place_that_is_not_used_is_free_again() {
        let ring = ring(1);
        drop(ring.reserve());
        assert!(publish(ring, "a"));
    }

    #[test]
    fn no_query_and_no_wake_up_is_lost_among_producers() {
        const PRODUCERS: usize = 4;
        const QUERIES: usize = 5_000;
        let ring = ring(8);
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                thread::spawn(move || {
                    for number in 0..QUERIES {
                        while !publish(ring, &format!("{producer}:{number}")) {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut next = [0; PRODUCERS];
        while next.iter().sum::<usize>() < PRODUCERS * QUERIES {
            if let Some(id) = take_id(ring) {
                let (producer, number) = id.split_once(':').expect("as published");
                let producer: usize = producer.parse().expect("a number");
                assert_eq!(number.parse(), Ok(next[producer]), "each producer's queries keep their order");
                next[producer] += 1;
                ring.release_place();
            } else if ring.prepare_sleep() {
                wait_for_wake_up(ring);
                ring.clear_wake();
                ring.stay_awake();
            }
        }
        producers.into_iter().for_each(|producer| producer.join().expect("no assertion failed"));
    }

    /// Fails when nobody wakes the consumer within ten seconds although there is more to come.
    fn wait_for_wake_up(ring: &Ring) {
        let mut descriptor = libc::pollfd { fd: ring.wake_descriptor(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd.
        assert_eq!(unsafe { libc::poll(&mut descriptor, 1, 10_000) }, 1, "a wake-up was lost");
    }
}
