//! Every call fails once: memory, libcurl, libevent, the eventfd, tm. Each time a query has exactly one end, the next
//! one is served, and nothing is left behind.

mod libraries;
mod memory;
mod stage;
mod start;
mod tm;
