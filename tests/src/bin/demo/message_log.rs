//! The file that SIPp writes its messages into (`-trace_msg`): a line of dashes with the time, a line that says whether
//! the message was sent or received, an empty line, the message.

/// Begins each entry.
const ENTRY: &str = "-----------------------------------------------";

/// A message as SIPp logged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Whether SIPp sent it; otherwise SIPp received it.
    pub sent: bool,
    /// Start line and headers, with CRLF.
    pub text: String,
}

/// All messages, in their order.
pub fn messages(log: &str) -> Vec<Logged> {
    log.split(ENTRY).filter_map(entry).collect()
}

fn entry(entry: &str) -> Option<Logged> {
    let (_, rest) = entry.split_once('\n')?;
    let (direction, text) = rest.split_once("\n\n")?;
    Some(Logged { sent: direction.contains("sent"), text: text.trim_end().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart_by_their_direction() {
        let log = "----------------------------------------------- 2026-01-01 10:00:00.000000\n\
                   UDP message sent (40 bytes):\n\nINVITE sip:a@b SIP/2.0\r\nMax-Forwards: 70\r\n\r\n\n\
                   ----------------------------------------------- 2026-01-01 10:00:00.100000\n\
                   UDP message received [20] bytes :\n\nSIP/2.0 404 Not Found\r\n\r\n\n";
        let expected = [(true, "INVITE sip:a@b SIP/2.0\r\nMax-Forwards: 70"), (false, "SIP/2.0 404 Not Found")];
        assert_eq!(messages(log), expected.map(|(sent, text)| Logged { sent, text: text.to_owned() }));
        assert_eq!(messages(""), []);
    }
}
