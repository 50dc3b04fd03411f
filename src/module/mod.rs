//! What Kamailio sees of the module, as tables of plain rows, and what happens at start and stop.
//!
//! A parameter, function, variable, key or statistic is declared in one row here and nowhere else: name, type,
//! default, range and a line of documentation. `host/` turns the rows into Kamailio's tables, and a test holds
//! `doc/manual.md` against them.
#![forbid(unsafe_code)]

pub mod functions;
pub mod life;
pub mod parameters;
pub mod request_keys;
pub mod settings;
pub mod statistics;
pub mod variables;

#[cfg(test)]
mod contract_test;
#[cfg(test)]
mod manual_test;
#[cfg(test)]
mod security_test;

/// Name of the module, and group of its statistics.
pub const NAME: &std::ffi::CStr = c"http_async_client";
