//! From the script function to the ring. Runs in every process that runs the script: SIP workers, timers, and HTTP
//! workers while they run a callback route. Nothing here waits.
#![forbid(unsafe_code)]

pub mod request_id;
pub mod request_parameters;
pub mod script_functions;
pub mod submit;
