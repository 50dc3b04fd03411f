//! Safe faces of Kamailio. Nothing outside this folder sees a Kamailio type or calls a Kamailio function.
//!
//! Every file names the process that may use it. What all of them rely on: Kamailio's processes have one thread each.

pub mod bytes;
pub mod exports;
pub mod fault_point;
mod guard;
pub mod heap;
pub mod interface;
pub mod kemi;
pub mod log;
pub mod memory;
pub mod message;
mod parameters;
pub mod per_message;
pub mod process;
mod python;
pub mod reserve;
pub mod route;
mod script_function;
pub mod statistics;
pub mod termination;
pub mod thread_data;
pub mod transaction;
mod values;
pub mod variable;
pub mod warned_names;

/// Kamailio's types and the shim's functions, as bindgen reads them from the headers.
#[allow(missing_docs, non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]
#[allow(unsafe_op_in_unsafe_fn, clippy::all, clippy::restriction)]
pub(crate) mod sys {
    use super::interface::{ResumeOutcome, ResumeTarget, Suspension, TransactionState};
    include!(concat!(env!("OUT_DIR"), "/kamailio.rs"));
}

pub use guard::guarded;

#[cfg(any(test, fuzzing))]
mod absent {
    //! Unit tests and fuzz targets run without Kamailio: what only Kamailio provides comes from `kamailio-shim/absent/`.

    // SAFETY: nothing is declared here; the library is only linked.
    #[link(name = "kamailio_absent", kind = "static")]
    unsafe extern "C" {}
}
