//! What `curl_verbose` and `$http_err` show. The first byte chooses where a secret stands; the rest is around it, with a
//! NUL for its place (without one it comes last).

use crate::http_worker::trace::{TraceLog, without_credentials};
use crate::transport::receiver::Trace;
use crate::transport::url::{self, Origin};
use std::ffi::CString;

const SECRET: &str = "hunter2hunter2";
const FIELDS: [&str; 4] = ["Authorization", "proxy-authorization", "COOKIE", "Set-Cookie"];

/// One input.
pub fn run(input: &[u8]) {
    let [choice, text @ ..] = input else { return };
    match choice % 4 {
        0 => location(text),
        1 => own_url(text),
        2 => request_in_pieces(text),
        _ => folded_field(text),
    }
}

/// A `Location` whose password, as libcurl reads it, is the secret.
fn location(text: &[u8]) {
    let Some(location) = replaced(text) else { return };
    let line = String::from_utf8_lossy(location.as_bytes());
    if line.contains('\n') || !url::follow(c"http://h/", location.as_bytes()).is_ok_and(|url| carries_secret(&url)) {
        return;
    }
    assert_hidden(&TraceLog::default().shown(Trace::HeaderIn, &format!("Location: {line}\r\n")));
    assert_hidden(&without_credentials(&format!("wrong: {line}")));
}

/// The query's own URL in libcurl's words.
fn own_url(text: &[u8]) {
    let Some(url) = replaced(text) else { return };
    if url.as_bytes().iter().any(u8::is_ascii_control) || Origin::of(&url).is_err() {
        return;
    }
    let Ok(url) = url::with_scheme(&url) else {
        return;
    };
    if carries_secret(&url) {
        let line = format!("Issue another request to this URL: '{}'\n", url.to_string_lossy());
        assert_hidden(&TraceLog::default().shown(Trace::Text, &line));
    }
}

/// Whether the secret stands among user name and password.
fn carries_secret(url: &CString) -> bool {
    url::user_and_password(url).is_ok_and(|parts| parts.iter().flatten().any(|part| part.contains(SECRET)))
}

/// A request head that libcurl sends in pieces, cut where the bytes of the text say.
fn request_in_pieces(text: &[u8]) {
    let mut log = TraceLog::default();
    let mut head = format!("GET / HTTP/1.1\r\nHost: h\r\n{}: {SECRET}\r\n\r\n", FIELDS[text.len() % FIELDS.len()]);
    let mut shown = String::new();
    for cut in text.iter().map(|byte| usize::from(*byte) % 64) {
        let rest = head.split_off(cut.min(head.len()));
        head.split_inclusive('\n').for_each(|line| shown += &log.shown(Trace::HeaderOut, line));
        head = rest;
    }
    head.split_inclusive('\n').for_each(|line| shown += &log.shown(Trace::HeaderOut, line));
    for end in (6..=SECRET.len()).rev() {
        assert!(!shown.contains(&SECRET[end - 6..end]), "{shown}");
    }
}

/// A secret field of a response whose value goes on in further lines.
fn folded_field(text: &[u8]) {
    let mut log = TraceLog::default();
    let field = FIELDS[text.len() % FIELDS.len()];
    let value = String::from_utf8_lossy(text).replace('\n', "\n ").replace('\0', SECRET);
    let lines = format!("{field}: {value}\r\n");
    lines.split_inclusive('\n').for_each(|line| assert_hidden(&log.shown(Trace::HeaderIn, line)));
}

/// The secret in the place of the first NUL, and nothing in that of others. Where it stands elsewhere too it is none.
fn replaced(text: &[u8]) -> Option<CString> {
    let mut parts = text.split(|byte| *byte == 0);
    let before = parts.next().unwrap_or_default();
    let replaced = [before, SECRET.as_bytes(), &parts.collect::<Vec<_>>().concat()].concat();
    let places = replaced.windows(SECRET.len()).filter(|part| *part == SECRET.as_bytes()).count();
    if places == 1 { CString::new(replaced).ok() } else { None }
}

fn assert_hidden(shown: &str) {
    assert!(!shown.contains(SECRET), "{shown}");
}
