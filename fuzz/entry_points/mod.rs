//! One file for each fuzz target: how its input is read, what is done with it, and what must hold then. A target that
//! finds a fault panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

/// What the benchmarks of `benches/` measure, as it is.
pub mod benchmarked {
    pub use crate::http_worker::head::header_values;
    pub use crate::http_worker::response::{Redirects, Response};
    pub use crate::shared::query::{Options, Query, Text, Texts};
    pub use crate::shared::ring::Ring;
    pub use crate::shared::workers;
    pub use crate::transport::receiver::{Flow, Receiver};
}

pub mod assignments;
pub mod exchange;
pub mod headers;
pub mod query;
pub mod redirect;
pub mod response;
pub mod secrets;
