//! `http_async_client` for Kamailio: HTTP queries that never make a SIP worker wait.
//!
//! Reading this file from top to bottom is reading the life of a query; a folder is a process.
//! `doc/architecture.md` draws the whole.

#![cfg_attr(test, allow(clippy::unwrap_used))]

/// What Kamailio sees: parameters, functions, variables, statistics as tables; start and stop.
mod module;

/// Step 1, in the process that runs the script: the function checks, builds the query, suspends the transaction.
mod sip_worker;

/// Step 2, between processes, in shared memory: the query block, a bounded ring for each worker.
mod shared;

/// Step 3, in an HTTP worker: the transfer, its response, its one end; the callback route runs.
mod http_worker;

/// What step 3 stands on: libcurl and libevent behind safe faces.
mod transport;

/// What all of it stands on: Kamailio behind safe faces. The exported symbols are in `host/exports.rs`.
mod host;

/// What the fuzz targets of `fuzz/` and the benchmarks of `benches/` call; no part of the module.
#[cfg(fuzzing)]
#[path = "../fuzz/entry_points/mod.rs"]
pub mod entry_points;
