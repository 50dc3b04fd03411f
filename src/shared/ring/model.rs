//! The ring in the model checker: loom runs each model once for every order in which its threads can meet, and for every
//! value that the memory orderings let them see (`make loom`).
//!
//! A lost wake-up is a consumer that waits for ever, which loom reports as a deadlock. A query that is lost, delivered
//! twice, or read before it was written shows in its block: see `host/memory_model.rs`.

use super::super::preemption_bound::with_three_preemptions;
use super::super::query::Text;
use super::super::query::tests::query;
use super::*;
use loom::sync::Arc;
use loom::thread;
use std::ops::Deref;

/// A ring and its slots.
struct Queue {
    ring: Ring,
    _slots: Box<[Slot]>,
}

// SAFETY: atomics and parts that never change, as Table says for the processes that share it.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Deref for Queue {
    type Target = Ring;
    fn deref(&self) -> &Ring {
        &self.ring
    }
}

fn queue(places: u32) -> Arc<Queue> {
    let mut slots: Box<[Slot]> = (0..slots_of(places)).map(|_| Slot::empty()).collect();
    let first = NonNull::new(slots.as_mut_ptr()).unwrap();
    // SAFETY: that many empty slots, which live in the same Queue.
    let ring = unsafe { Ring::new(first, places) }.unwrap();
    Arc::new(Queue { ring, _slots: slots })
}

/// Publishes a query if there is a place for it.
fn offer(ring: &Ring, id: &str) -> bool {
    let query = query(id);
    ring.reserve().map(|place| place.publish(query)).is_some()
}

/// Publishes a query as soon as there is a place for it.
fn publish(ring: &Ring, id: &str) {
    while !offer(ring, id) {
        thread::yield_now();
    }
}

/// Takes a query and frees it. Its place is given back afterwards, so that what that synchronizes hides nothing.
fn take(ring: &Ring) -> Option<String> {
    let query = ring.take()?;
    let id = String::from_utf8(query.bytes(Text::Url).unwrap().to_vec()).unwrap();
    drop(query);
    ring.release_place();
    Some(id)
}

/// Takes so many queries, as an HTTP worker does: all that there is, then it sleeps.
fn consume(ring: &Ring, count: usize) -> Vec<String> {
    let mut taken = Vec::new();
    loop {
        taken.extend(std::iter::from_fn(|| take(ring)));
        if taken.len() >= count {
            return taken;
        }
        let sleeps = ring.prepare_sleep();
        if sleeps {
            ring.wake.wait();
        }
        ring.stay_awake();
        if sleeps {
            ring.clear_wake();
        }
    }
}

fn producer(queue: &Arc<Queue>, ids: &'static [&'static str]) -> thread::JoinHandle<()> {
    let queue = Arc::clone(queue);
    thread::spawn(move || ids.iter().for_each(|id| publish(&queue, id)))
}

#[test]
fn a_consumer_that_goes_to_sleep_is_woken() {
    loom::model(|| {
        let queue = queue(1);
        let producer = producer(&queue, &["a"]);
        assert_eq!(consume(&queue, 1), ["a"]);
        producer.join().unwrap();
    });
}

#[test]
fn a_consumer_that_something_else_kept_awake_is_woken_the_next_time() {
    loom::model(|| {
        let queue = queue(1);
        let producer = producer(&queue, &["a"]);
        queue.prepare_sleep();
        queue.stay_awake();
        assert_eq!(consume(&queue, 1), ["a"]);
        producer.join().unwrap();
    });
}

#[test]
fn a_consumer_is_woken_as_often_as_it_sleeps() {
    with_three_preemptions(|| {
        let queue = queue(2);
        let producer = producer(&queue, &["a", "b"]);
        assert_eq!(consume(&queue, 2), ["a", "b"]);
        producer.join().unwrap();
    });
}

fn two_producers(places: u32) {
    let queue = queue(places);
    let producers = [producer(&queue, &["a"]), producer(&queue, &["b"])];
    let mut taken = consume(&queue, 2);
    taken.sort();
    assert_eq!(taken, ["a", "b"]);
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    assert_eq!(queue.places_taken.load(Ordering::Relaxed), 0);
}

#[test]
fn nothing_of_two_producers_is_lost_with_one_place() {
    with_three_preemptions(|| two_producers(1));
}

#[test]
fn nothing_of_two_producers_is_lost_with_two_places() {
    with_three_preemptions(|| two_producers(2));
}

#[test]
fn a_producer_preempted_before_it_fills_its_slot_wakes_the_consumer_itself() {
    with_three_preemptions(|| {
        let queue = queue(2);
        std::mem::forget(queue.reserve());
        let drawn = queue.draw();
        let behind = producer(&queue, &["b"]);
        let preempted = Arc::clone(&queue);
        let preempted = thread::spawn(move || preempted.fill(drawn, query("a")));
        assert_eq!(consume(&queue, 2), ["a", "b"]);
        behind.join().unwrap();
        preempted.join().unwrap();
    });
}

/// A slot is used again, by one that knows only from whoever drew before that it was emptied.
#[test]
fn a_producer_that_has_had_its_place_for_long_finds_its_slot_empty() {
    with_three_preemptions(|| {
        let queue = queue(2);
        std::mem::forget(queue.reserve());
        let late = Arc::clone(&queue);
        let late = thread::spawn(move || late.push(query("late")));
        let mut taken = Vec::new();
        for id in ["a", "b"] {
            if offer(&queue, id) {
                taken.extend(take(&queue));
            }
        }
        late.join().unwrap();
        taken.extend(std::iter::from_fn(|| take(&queue)));
        assert!(taken.contains(&"late".to_owned()), "{taken:?}");
    });
}

#[test]
fn a_full_ring_refuses_and_a_released_place_takes_the_next() {
    with_three_preemptions(|| {
        let queue = queue(1);
        let producing = Arc::clone(&queue);
        let producer = thread::spawn(move || ["a", "b", "c"].into_iter().filter(|id| offer(&producing, id)).collect());
        let mut taken: Vec<String> = take(&queue).into_iter().collect();
        let accepted: Vec<&str> = producer.join().unwrap();
        taken.extend(std::iter::from_fn(|| take(&queue)));
        assert_eq!(taken, accepted);
        assert!(offer(&queue, "d"));
        assert_eq!(take(&queue), Some("d".to_owned()));
    });
}

#[test]
fn a_place_that_is_not_used_goes_to_another_producer() {
    loom::model(|| {
        let queue = queue(1);
        let producing = Arc::clone(&queue);
        let producer = thread::spawn(move || drop(producing.reserve()));
        publish(&queue, "a");
        assert_eq!(take(&queue), Some("a".to_owned()));
        producer.join().unwrap();
        assert_eq!(queue.places_taken.load(Ordering::Relaxed), 0);
    });
}
