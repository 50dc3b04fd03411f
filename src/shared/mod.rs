//! What crosses processes, all of it in Kamailio's shared memory: the query block, one bounded ring a worker, and the
//! table of workers. SIP workers produce, HTTP workers consume.
//!
//! Atomics may be used between these processes because shared memory is mapped before the fork, at one address, and the
//! atomics of this machine work on memory, whoever maps it. `parking_lot` locks and anything on Rust's heap do not
//! cross: nothing in these structures points outside shared memory.

mod atomic;
pub mod block_pool;
pub mod clock;
#[cfg(all(test, loom))]
mod preemption_bound;
pub mod query;
pub mod query_id;
pub mod ring;
pub mod scarcity;
pub mod set_aside;
#[cfg_attr(all(test, loom), path = "wake_model.rs")]
mod wake;
pub mod workers;
