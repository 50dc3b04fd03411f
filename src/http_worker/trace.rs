//! `curl_verbose`: libcurl's words and both header blocks in the log, without secrets.

use crate::host::log;
use crate::transport::receiver::Trace;

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

/// Longest authority of a URL without user name and password: a host name (RFC 1035 section 2.3.4) and a port.
const MAX_HOST_AND_PORT: usize = 255 + 6;

/// In place of a secret.
const HIDDEN: &str = "[hidden]";

/// Logs what libcurl tells of one transfer, one log line a line, at INFO.
#[derive(Debug, Default)]
pub struct TraceLog {
    /// The last piece of the request's head ended within a line.
    within_line: bool,
    /// The last line of the response's head began a secret field, or went on with it.
    within_secret: bool,
}

impl TraceLog {
    /// Logs one piece.
    pub fn write(&mut self, kind: Trace, bytes: &[u8]) {
        let direction = match kind {
            Trace::Text => '*',
            Trace::HeaderIn => '<',
            Trace::HeaderOut => '>',
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = self.shown_or_named(kind, line);
            if !line.trim().is_empty() {
                log::info!("curl {direction} {line}");
            }
        }
    }

    /// A long line is looked at as far as it tells what follows.
    fn shown_or_named(&mut self, kind: Trace, line: &[u8]) -> String {
        match line.get(..LONGEST_LINE) {
            Some(start) if line.len() > LONGEST_LINE => {
                let end = if line.ends_with(b"\n") { "\n" } else { "" };
                self.shown(kind, &format!("{}{end}", String::from_utf8_lossy(start)));
                format!("[a line of {} bytes]", line.len())
            }
            _ => self.shown(kind, &String::from_utf8_lossy(line)),
        }
    }

    /// What may be seen of a line or a part of it.
    pub fn shown(&mut self, kind: Trace, line: &str) -> String {
        match kind {
            Trace::Text => without_user(without_secrets(line)),
            Trace::HeaderIn => self.of_response(line),
            Trace::HeaderOut => self.of_request(line),
        }
    }

    /// The parts of a line that libcurl sends in pieces are hidden: nobody could tell what they are parts of.
    fn of_request(&mut self, line: &str) -> String {
        let goes_on = std::mem::replace(&mut self.within_line, !line.ends_with('\n'));
        match (goes_on, self.within_line) {
            (false, false) => without_secrets(line),
            (false, true) => HIDDEN.to_owned(),
            (true, _) => String::new(),
        }
    }

    /// libcurl hands in whole lines, and a fold (RFC 9112 section 5.2) as one of its own.
    fn of_response(&mut self, line: &str) -> String {
        let goes_on = line.starts_with([' ', '\t']);
        self.within_secret = secret_field_end(line).is_some() || (goes_on && self.within_secret);
        if goes_on && self.within_secret { HIDDEN.to_owned() } else { without_secrets(line) }
    }
}

/// Blanks what follows the name of a secret field, wherever it stands: libcurl's own words on HTTP/2 show whole header
/// blocks, as `h2h3 [cookie: x]` or `[HTTP/2] [1] [cookie: x]`.
fn without_secrets(line: &str) -> String {
    match secret_field_end(line).and_then(|end| line.get(..end)) {
        Some(start) => format!("{} {HIDDEN}", without_credentials(start)),
        None => without_credentials(line),
    }
}

/// Where the first name of a secret field ends in a line, with its colon.
fn secret_field_end(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let ends = SECRET_FIELDS.iter().filter_map(|field| Some(lower.find(&format!("{field}:"))? + field.len() + 1));
    ends.min()
}

/// Blanks the user name that libcurl tells when it authenticates; some services take a key there.
fn without_user(text: String) -> String {
    match text.split_once(" with user '") {
        Some((before, _)) => format!("{before} with user {HIDDEN}"),
        None => text,
    }
}

/// Blanks `user:password@` in every URL of a text. Whatever stands between the slashes that begin an authority and the
/// next `/`, `?` or `#` is taken for one, as libcurl does, which lets blanks and quotes stand there.
pub fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = split_before_authority(rest) {
        shown.push_str(before);
        let authority_end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, behind) = after.split_at(authority_end);
        rest = match authority.rfind('@') {
            Some(at) => {
                shown.push_str(HIDDEN);
                after.split_at(at).1
            }
            // libcurl cuts its own lines, maybe before the `@`.
            None if authority.len() > MAX_HOST_AND_PORT => {
                shown.push_str(HIDDEN);
                behind
            }
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

/// Splits behind the slashes that begin an authority: two or more, or one behind a colon, which is enough for libcurl.
fn split_before_authority(text: &str) -> Option<(&str, &str)> {
    let slashes = text.as_bytes().windows(2).position(|pair| matches!(pair, b":/" | b"//"))?;
    let behind = text.get(slashes + 1..)?.trim_start_matches('/');
    text.split_at_checked(text.len() - behind.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Trace, lines: &[&str]) -> Vec<String> {
        let mut log = TraceLog::default();
        lines.iter().map(|line| log.shown(kind, line)).collect()
    }

    #[test]
    fn a_very_long_line_is_only_named() {
        let named = |length| TraceLog::default().shown_or_named(Trace::HeaderIn, &vec![b'x'; length]);
        assert_eq!(named(LONGEST_LINE).len(), LONGEST_LINE);
        assert_eq!(named(LONGEST_LINE + 1), "[a line of 8193 bytes]");
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
    fn a_fold_of_a_secret_header_is_hidden_and_one_of_another_is_not() {
        let lines = ["Set-Cookie: a\r\n", " secret\r\n", "\tsecret\r\n", "X: a\r\n", " b\r\n", "\r\n"];
        let expected = ["Set-Cookie: [hidden]", HIDDEN, HIDDEN, "X: a\r\n", " b\r\n", "\r\n"];
        assert_eq!(shown(Trace::HeaderIn, &lines), expected);
    }

    #[test]
    fn a_line_that_comes_in_pieces_is_hidden() {
        let pieces = ["X-A: b\r\n", "Authoriz", "ation: Basic s", "ecret\r\n", "X-C: d\r\n"];
        assert_eq!(shown(Trace::HeaderOut, &pieces), ["X-A: b\r\n", HIDDEN, "", "", "X-C: d\r\n"]);
    }

    #[test]
    fn the_user_name_in_libcurls_own_words_is_hidden() {
        let line = "Server auth using Basic with user 'key'\n";
        assert_eq!(shown(Trace::Text, &[line]), ["Server auth using Basic with user [hidden]"]);
    }

    #[test]
    fn credentials_in_urls_are_blanked() {
        for (text, expected) in [
            ("to http://u:p@h/x and https://v@w", "to http://[hidden]@h/x and https://[hidden]@w"),
            ("Location: http://h/a@b", "Location: http://h/a@b"),
            ("http://u:p@ss@h/", "http://[hidden]@h/"),
            ("Location: //u:p@h/", "Location: //[hidden]@h/"),
            ("Location: http:/u:p@h/", "Location: http:/[hidden]@h/"),
            ("Location: http:///u:p@h/", "Location: http:///[hidden]@h/"),
            ("URL: 'http://u:p'q\"r s@h/'", "URL: 'http://[hidden]@h/'"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
        let cut = format!("URL: 'http://u:{}", "p".repeat(300));
        assert_eq!(without_credentials(&cut), "URL: 'http://[hidden]");
    }
}
