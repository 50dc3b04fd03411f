//! The atomics that processes share. With `--cfg loom` they are those of the model checker (`make loom`).

#[cfg(all(test, loom))]
pub use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
pub use std::sync::atomic::Ordering;
#[cfg(not(all(test, loom)))]
pub use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};
