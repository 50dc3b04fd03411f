//! End-to-end tests: every parameter, key, variable, statistic and return value, in a real Kamailio.

mod bad_input;
mod callbacks;
mod common;
mod deadlines;
mod documents;
mod every_key;
mod examples;
mod generations;
mod http;
mod http_versions;
mod kemi;
mod keys;
mod limits;
mod load;
mod messages;
mod neighbours;
mod parameters;
mod process;
mod redirects;
mod refusals;
mod routes;
mod suspended_replies;
mod tls;
mod transactions;
mod variables;
