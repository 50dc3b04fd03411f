//! What the name server (RFC 1035) of the soak replies: it knows no name, and says so, or says nothing.

use std::net::IpAddr;

/// It never answers for names that end like this: labels, each after its length.
const DEAD: &[u8] = b"\x04dead\x04test\x00";
/// Response, recursion desired and available, no such name.
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
/// ID, flags and four counts.
const HEADER_LENGTH: usize = 12;

/// The reply to a question; `None` for no reply.
pub fn no_name(question: &[u8]) -> Option<Vec<u8>> {
    if question.len() < HEADER_LENGTH || question.windows(DEAD.len()).any(|bytes| bytes == DEAD) {
        return None;
    }
    let mut reply = question.to_vec();
    reply[2..4].copy_from_slice(&NO_SUCH_NAME);
    Some(reply)
}

/// A `resolv.conf` with the server at `address`. A look-up without an answer ends after 1 s, long after the deadline of the
/// query that wants it.
pub fn resolv_conf(address: IpAddr) -> String {
    format!("nameserver {address}\noptions timeout:1 attempts:1\n")
}
