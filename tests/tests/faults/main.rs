//! Every call fails once: memory, libcurl, libevent, the eventfd, tm; and every place that has a name for it panics. Each time a query has exactly one end, the next
//! one is served, and nothing is left behind.

mod libraries;
mod memory;
mod panics;
mod stage;
mod start;
mod stopping;
mod tm;
