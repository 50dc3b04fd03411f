//! `curl_verbose`: libcurl's words and both header blocks in the log, without secrets.

use crate::host::log;
use crate::transport::easy::Trace;

/// Header fields whose values are secrets.
const SECRET_FIELDS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
];

/// Longest line that is shown, in bytes. A longer one is only named, as a secret may stand where it would be cut.
const LONGEST_LINE: usize = 8 * 1024;

/// Logs what libcurl tells, one log line a line, at INFO.
pub fn log_trace(kind: Trace, bytes: &[u8]) {
    let direction = match kind {
        Trace::Text => '*',
        Trace::HeaderIn => '<',
        Trace::HeaderOut => '>',
    };
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty()) {
        log::info!("curl {direction} {}", shown(line));
    }
}

fn shown(line: &[u8]) -> String {
    if line.len() > LONGEST_LINE {
        return format!("[a line of {} bytes]", line.len());
    }
    without_secrets(&String::from_utf8_lossy(line))
}

/// Blanks what follows the name of a secret field, wherever it stands: libcurl's own words on HTTP/2 show whole header
/// blocks, as `h2h3 [cookie: x]` or `[HTTP/2] [1] [cookie: x]`.
fn without_secrets(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let ends = SECRET_FIELDS.iter().filter_map(|field| {
        let end = lower.find(&format!("{field}:"))? + field.len() + 1;
        line.get(..end)
    });
    match ends.min_by_key(|start| start.len()) {
        Some(start) => format!("{} [hidden]", without_credentials(start)),
        None => without_credentials(line),
    }
}

/// Blanks `user:password@` in every URL of a text.
pub fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority_end = after.find(['/', '?', '#', ' ', '"', '\'', '>']).unwrap_or(after.len());
        let (authority, _) = after.split_at(authority_end);
        rest = match authority.rfind('@') {
            Some(at) => {
                shown.push_str("[hidden]");
                after.split_at(at).1
            }
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_line_is_only_named() {
        assert_eq!(shown(&[b'x'; LONGEST_LINE]).len(), LONGEST_LINE);
        assert_eq!(shown(&[b'x'; LONGEST_LINE + 1]), "[a line of 8193 bytes]");
    }

    #[test]
    fn secret_headers_lose_their_value() {
        assert_eq!(without_secrets("Authorization: Basic QWxhZGRpbg=="), "Authorization: [hidden]");
        assert_eq!(without_secrets("set-cookie: id=1"), "set-cookie: [hidden]");
        assert_eq!(without_secrets("X-Foo: bar"), "X-Foo: bar");
    }

    #[test]
    fn secret_headers_in_libcurls_own_words_lose_their_value() {
        assert_eq!(without_secrets("h2h3 [authorization: Bearer x]"), "h2h3 [authorization: [hidden]");
        assert_eq!(without_secrets("[HTTP/2] [1] [cookie: a=b]"), "[HTTP/2] [1] [cookie: [hidden]");
    }

    #[test]
    fn credentials_in_urls_are_blanked() {
        assert_eq!(
            without_credentials("to http://u:p@h/x and https://v@w"),
            "to http://[hidden]@h/x and https://[hidden]@w"
        );
        assert_eq!(without_credentials("Location: http://h/a@b"), "Location: http://h/a@b");
        assert_eq!(without_credentials("http://u:p@ss@h/"), "http://[hidden]@h/");
    }
}
