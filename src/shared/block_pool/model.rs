//! The pool in the model checker: see `ring/model.rs`.

use super::super::preemption_bound::with_three_preemptions;
use super::*;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// Blocks, two of which are free; loom sees when two threads have one at the same time.
struct Shared {
    free: FreeBlocks,
    blocks: [UnsafeCell<u32>; 2],
}

// SAFETY: a block is used by the thread that took it, which is what the model is to find out.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

fn shared() -> Arc<Shared> {
    let free = FreeBlocks(std::array::from_fn(|index| AtomicU64::new(if index == 0 { 0b11 } else { 0 })));
    Arc::new(Shared { free, blocks: std::array::from_fn(|_| UnsafeCell::new(0)) })
}

/// Takes a block if one is free, writes to it, and puts it back.
fn use_one(shared: &Shared) -> bool {
    let Some(number) = shared.free.take() else {
        return false;
    };
    // SAFETY: loom ends the model when another thread has the block.
    shared.blocks[number].with_mut(|block| unsafe { *block += 1 });
    shared.free.put_back(number);
    true
}

/// So many threads use a block each; how many found one.
fn found_by(users: usize) -> usize {
    let shared = shared();
    let users: Vec<_> = (0..users)
        .map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || use_one(&shared))
        })
        .collect();
    let found = users.into_iter().map(|user| user.join().unwrap()).filter(|found| *found).count();
    assert_eq!(shared.free.0[0].load(Ordering::Relaxed), 0b11);
    found
}

#[test]
fn as_many_users_as_blocks_all_find_one() {
    with_three_preemptions(|| assert_eq!(found_by(2), 2));
}

#[test]
fn a_block_has_one_owner_at_a_time_and_comes_back() {
    with_three_preemptions(|| assert!(found_by(3) >= 2));
}
