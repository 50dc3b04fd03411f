//! Reads the head of a response: its first line and its header fields.
//!
//! libcurl has parsed it already, and a second parser could only disagree with it. So nothing is parsed beforehand: what the
//! script or a redirect asks for is looked up in the lines as they came.

use std::ops::Range;

/// The status in the first line, three digits; 0 when there is none.
pub fn status(head: &[u8]) -> u16 {
    let start = next_word(head, 0);
    let rest = head.get(start..).unwrap_or_default();
    let word = rest.iter().position(u8::is_ascii_whitespace).and_then(|end| rest.get(..end));
    let digits = word.filter(|word| word.len() == 3 && word.iter().all(u8::is_ascii_digit));
    digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
}

/// The reason phrase of a head: what follows the status in its first line, without the blanks around it (RFC 9112
/// section 4 lets any blanks stand for the one that separates, and disregards others).
pub fn reason(head: &[u8]) -> Range<usize> {
    let line = head.get(..next_line_after(head, 0)).unwrap_or_default();
    let status = next_word(line, 0);
    trimmed(line, next_word(line, status)..line.len())
}

/// Where the next word begins, after the one at `start` and the blanks behind it.
fn next_word(line: &[u8], start: usize) -> usize {
    let rest = line.get(start..).unwrap_or_default();
    let word = rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
    let blanks = rest.iter().skip(word).take_while(|byte| byte.is_ascii_whitespace()).count();
    start + word + blanks
}

/// A value as one line: a fold becomes a blank (RFC 9112 section 5.2). `None` when memory is exhausted.
pub fn unfolded(value: &[u8]) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    line.try_reserve(value.len()).ok()?;
    for part in value.split(|byte| *byte == b'\n') {
        if !line.is_empty() {
            line.push(b' ');
        }
        line.extend_from_slice(part.trim_ascii());
    }
    Some(line)
}

/// The values of the headers called `name`, in any case, in their order; `*` is every name. A folded value is one.
pub fn header_values<'a>(head: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut next_line = next_line_after(head, 0);
    std::iter::from_fn(move || {
        while next_line < head.len() {
            let start = next_line;
            next_line = end_of_field(head, start);
            let field = head.get(start..next_line)?;
            let Some(colon) = field.iter().position(|byte| *byte == b':') else { continue };
            let field_name = field.get(..colon)?.trim_ascii_end();
            if name == b"*" || field_name.eq_ignore_ascii_case(name) {
                return Some(trimmed(head, start + colon + 1..next_line));
            }
        }
        None
    })
}

/// Whether the connection outlives the response (RFC 9112 section 9.3).
pub fn is_persistent(head: &[u8]) -> bool {
    let says = |token: &[u8]| header_values(head, b"Connection").any(|range| lists(head, range, token));
    if head.starts_with(b"HTTP/1.0") { says(b"keep-alive") } else { !says(b"close") }
}

/// Whether a body ends before its connection does (RFC 9112 section 6.3), and within what is worth the time.
pub fn body_ends(head: &[u8], worth_reading: usize) -> bool {
    let of_length = |range| std::str::from_utf8(head.get(range)?).ok()?.parse::<usize>().ok();
    let length = header_values(head, b"Content-Length").find_map(of_length);
    let chunked = header_values(head, b"Transfer-Encoding").any(|range| lists(head, range, b"chunked"));
    chunked || !head.starts_with(b"HTTP/1") || length.is_some_and(|length| length <= worth_reading)
}

/// How long the body is, by the head alone; `None` where it does not tell (RFC 9112 section 6.3). A number that is beyond all
/// numbers is the greatest.
pub fn body_length(head: &[u8]) -> Option<usize> {
    if header_values(head, b"Transfer-Encoding").any(|range| lists(head, range, b"chunked")) {
        return None;
    }
    let digits = header_values(head, b"Content-Length").find_map(|range| std::str::from_utf8(head.get(range)?).ok())?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

/// Whether a value with commas in it has `token` among its members.
fn lists(head: &[u8], value: Range<usize>, token: &[u8]) -> bool {
    let mut members = head.get(value).unwrap_or_default().split(|byte| *byte == b',');
    members.any(|member| member.trim_ascii().eq_ignore_ascii_case(token))
}

fn next_line_after(head: &[u8], start: usize) -> usize {
    let rest = head.get(start..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| start + at + 1)
}

/// Where a field ends: after its line and those that continue it with a blank (RFC 9112 section 5.2).
fn end_of_field(head: &[u8], start: usize) -> usize {
    let mut end = next_line_after(head, start);
    while matches!(head.get(end), Some(b' ' | b'\t')) {
        end = next_line_after(head, end);
    }
    end
}

/// The part of a range that is left without the blanks at its ends.
pub fn trimmed(head: &[u8], range: Range<usize>) -> Range<usize> {
    let value = head.get(range.clone()).unwrap_or_default();
    let before = value.len() - value.trim_ascii_start().len();
    let length = value.trim_ascii().len();
    range.start + before..range.start + before + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(head: &str, name: &str) -> Vec<String> {
        header_values(head.as_bytes(), name.as_bytes()).map(|range| head[range].to_owned()).collect()
    }

    #[test]
    fn reasons_may_hold_blanks_or_be_missing() {
        for (line, expected) in [
            ("HTTP/1.1 404 Not Found\r\n", "Not Found"),
            ("HTTP/1.1 200 \r\n", ""),
            ("HTTP/1.1 200\r\n", ""),
            ("HTTP/2 200\r\n", ""),
            ("HTTP/1.1  200 \t Very  Fine \r\n", "Very  Fine"),
        ] {
            assert_eq!(&line[reason(line.as_bytes())], expected, "{line:?}");
        }
    }

    #[test]
    fn names_match_in_any_case_and_values_lose_their_blanks() {
        let head = "HTTP/1.1 200 OK\r\nX-A: one\r\nx-a:\t two \r\nX-Ab: no\r\nX-A:\r\n\r\n";
        assert_eq!(values(head, "X-a"), ["one", "two", ""]);
        assert_eq!(values(head, "*"), ["one", "two", "no", ""]);
        assert_eq!(values(head, "nope"), Vec::<String>::new());
    }

    #[test]
    fn a_folded_value_is_one() {
        assert_eq!(values("HTTP/1.1 200 OK\nX: a\r\n  b\nY: c\n\n", "x"), ["a\r\n  b"]);
        assert_eq!(unfolded(b"a \r\n\t  b\n c  d"), Some(b"a b c  d".to_vec()));
    }

    proptest! {
        #[test]
        fn any_head_is_searched_without_a_fault(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            for range in header_values(&head, b"*") {
                prop_assert!(head.get(range).is_some());
            }
            prop_assert!(head.get(reason(&head)).is_some());
        }
    }
}
