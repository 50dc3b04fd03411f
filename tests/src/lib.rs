//! What the end-to-end tests stand on: a real Kamailio, a scripted HTTP server, SIP user agents, certificates.

pub mod certificates;
pub mod context_switches;
pub mod faults;
pub mod http2_server;
pub mod http_server;
pub mod interrupt;
pub mod kamailio;
pub mod kemi;
pub mod libcares;
pub mod libcurl;
pub mod lookup_service;
pub mod memcheck;
pub mod name_server;
pub mod nghttpd;
pub mod nginx;
pub mod plot;
pub mod processor_time;
pub mod resident_memory;
pub mod rtpengine;
pub mod sip;
pub mod sip_digest;
pub mod sip_tls;
pub mod sipp;
pub mod sockets;
pub mod stream_server;
pub mod unanswered_port;
