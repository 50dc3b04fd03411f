//! How the script looks into a head: values by name, the reason, folds. The name is what stands before the first NUL, the
//! head what follows. Held against a simpler reading of the same lines.

use crate::http_worker::head::{header_values, reason, unfolded};

/// One input.
pub fn run(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == 0) else { return };
    let (name, head) = (&input[..end], &input[end + 1..]);
    let reason = head.get(reason(head)).expect("the reason lies in the head");
    assert!(!reason.contains(&b'\n') && reason.trim_ascii() == reason);
    let found: Vec<&[u8]> = header_values(head, name).map(|range| head.get(range).expect("in the head")).collect();
    assert_eq!(found, expected(head, name));
    for value in found {
        let line = unfolded(value).expect("there is memory");
        assert!(!line.contains(&b'\n'), "a value of two lines");
        assert!(line.len() <= value.len(), "a value that grew");
    }
}

/// Fields are joined first, then split at their colon.
fn expected<'a>(head: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = Vec::new();
    let mut end = 0;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        // The status line is no field that a fold could continue.
        if ends.len() > 1 && matches!(line.first(), Some(b' ' | b'\t')) {
            ends.pop();
        }
        ends.push(end);
    }
    let fields = ends.windows(2).map(|pair| &head[pair[0]..pair[1]]);
    let pairs = fields.filter_map(|field| {
        let colon = field.iter().position(|byte| *byte == b':')?;
        Some((field[..colon].trim_ascii_end(), field[colon + 1..].trim_ascii()))
    });
    pairs.filter(|(field, _)| name == b"*" || field.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}
