//! From the ring to the callback route. Runs in the HTTP workers; one thread, one loop, nothing shared but the ring.
//!
//! In the order in which a query meets them: [`process`] forks off into the loop, `worker` owns everything the loop
//! acts upon, `receive` takes queries from the ring, `names` finds addresses, `attempts` tries them, `request` sets up the easy handle,
//! `setup` what others of its kind have too, `tls_terms` among it, `idle_handles` keeps it between two, `receive_buffers` says how much of a response
//! it reads at once, `response` collects what comes back, `head` reads it, `redirect` sends the query on, `retry` the same request
//! once more, `outcome`, with `error_class`, `deliveries` and `resume` end it, [`reply_variables`] show it to the script.
#![forbid(unsafe_code)]

mod address_order;
mod attempt_clocks;
mod attempts;
mod client_keys;
mod connections;
mod deadlines;
mod deliveries;
pub mod error_class;
pub mod head;
mod idle_handles;
mod known_authorities;
mod names;
mod outcome;
pub mod process;
mod receive_buffers;
pub mod redirect;
pub mod reply_variables;
pub mod request;
pub mod response;
mod resume;
mod retry;
pub mod setup;
pub mod tls_terms;
pub mod trace;
mod transfer;
mod worker;
