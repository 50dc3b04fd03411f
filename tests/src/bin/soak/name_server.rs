//! What the name server of the soak replies: it knows no name, and says so, or says nothing.

use end_to_end::name_server::{Question, Reply};
use std::net::IpAddr;

/// It never answers for names that end like this.
const DEAD: &str = ".dead.test";

/// The reply to a question.
pub fn no_name(question: &Question) -> Reply {
    if question.name.ends_with(DEAD) { Reply::Silence } else { Reply::NoName }
}

/// A `resolv.conf` with the server at `address`. A look-up without an answer ends after 1 s, long after the deadline of the
/// query that wants it.
pub fn resolv_conf(address: IpAddr) -> String {
    end_to_end::name_server::resolv_conf(&[address], "options timeout:1 attempts:1")
}
