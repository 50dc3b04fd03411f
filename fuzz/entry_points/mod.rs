//! One file for each fuzz target: how its input is read, what is done with it, and what must hold then. A target that
//! finds a fault panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod assignments;
pub mod exchange;
pub mod headers;
pub mod query;
pub mod redirect;
pub mod response;
pub mod secrets;
