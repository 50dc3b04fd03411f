//! An HTTP request as the server saw it, in one line.

use end_to_end::http_server::Request;

/// Method, target, header fields in alphabetical order, body; of long ones the length. What a challenge makes different each time is left out.
pub fn line(request: &Request) -> String {
    let mut fields: Vec<String> = request.headers.iter().map(|(name, value)| field(name, value)).collect();
    fields.sort();
    let body = request.body.escape_ascii().to_string();
    let body = if body.len() > 100 { format!("{} bytes", request.body.len()) } else { body };
    let target = &request.target;
    let target = if target.len() > 100 { format!("{} bytes", target.len()) } else { target.clone() };
    format!("{} {target} [{}] {body}", request.method, fields.join("; ")).trim_end().to_owned()
}

fn field(name: &str, value: &[u8]) -> String {
    let value = value.escape_ascii().to_string();
    let value = if value.starts_with("Digest ") { "Digest ..." } else { &value };
    format!("{name}: {value}")
}

/// Lines in alphabetical order, for queries on different connections overtake each other; with their number in front where
/// there is more than one of a kind.
pub fn collapsed(mut lines: Vec<String>) -> String {
    lines.sort();
    let mut counted: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match counted.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => counted.push((line, 1)),
        }
    }
    let shown = counted.into_iter().map(|(line, count)| if count == 1 { line } else { format!("{count} x {line}") });
    shown.collect::<Vec<_>>().join("\n")
}
