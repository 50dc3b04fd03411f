//! What the `$http_*` variables show while a callback route runs. In any other process, and outside a callback, they
//! are `$null`.

use super::error_class::ErrorClass;
use super::head::{header_values, reason as reason_range, unfolded};
use super::outcome::{Failed, Outcome, Received, Times};
use crate::host::bytes::{Buffer, Bytes};
use crate::host::variable::{Index, Value};
use crate::sip_worker::request_id::ShownId;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// The query whose callback runs.
pub struct Reply {
    /// Its id.
    pub query_id: ShownId,
    /// What the query carried for its callback.
    pub xdata: Option<Bytes>,
    /// How it ended.
    pub outcome: Outcome,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Reply>>> = const { RefCell::new(None) };
    static READ: Cell<bool> = const { Cell::new(false) };
}

/// Makes a reply current, or none.
pub fn set_current(reply: Option<Reply>) {
    CURRENT.set(reply.map(Rc::new));
    READ.set(false);
}

/// Whether the callback has looked at any variable.
pub fn were_read() -> bool {
    READ.get()
}

fn of_current(read: impl FnOnce(&Reply) -> Value) -> Value {
    READ.set(true);
    let current = CURRENT.with_borrow(Option::clone);
    current.map_or(Value::Null, |reply| read(&reply))
}

fn of_received(read: impl FnOnce(&Received) -> Value) -> Value {
    of_current(|reply| reply.outcome.result.as_ref().map_or(Value::Null, read))
}

fn length(bytes: usize) -> Value {
    i64::try_from(bytes).map_or(Value::Null, Value::Integer)
}

/// Id of the callback's own query; `None` outside a callback.
pub fn query_id() -> Option<Value> {
    READ.set(true);
    CURRENT.with_borrow(|current| current.as_ref().map(|reply| reply.query_id.value()))
}

/// `$http_xdata`.
pub fn xdata() -> Value {
    of_current(|reply| reply.xdata.clone().into())
}

/// `$http_ok`.
pub fn ok() -> Value {
    of_current(|reply| Value::Integer(reply.outcome.result.is_ok().into()))
}

fn of_failed(read: impl FnOnce(&Failed) -> Value) -> Value {
    of_current(|reply| reply.outcome.result.as_ref().err().map_or(Value::Null, read))
}

fn word(word: &str) -> Value {
    Bytes::copy_of(word.as_bytes()).into()
}

/// `$http_err`: of a time limit the one word that scripts of the C module compare with.
pub fn error() -> Value {
    of_failed(|failed| match failed.class {
        ErrorClass::Timeout => word("TIMEOUT"),
        _ => Value::Text(failed.text.clone()),
    })
}

/// `$http_err_text`.
pub fn error_text() -> Value {
    of_failed(|failed| Value::Text(failed.text.clone()))
}

/// `$http_err_class`.
pub fn error_class() -> Value {
    of_failed(|failed| word(failed.class.word()))
}

/// `$http_errno`.
pub fn error_number() -> Value {
    of_failed(|failed| Value::Integer(failed.number.into()))
}

/// `$http_rs`.
pub fn status() -> Value {
    of_received(|received| Value::Integer(received.status.into()))
}

/// `$http_rr`.
pub fn reason() -> Value {
    of_head(|received, head| Value::Text(received.bytes.part(reason_range(head))))
}

/// `$http_mb`.
pub fn whole() -> Value {
    of_received(|received| Value::Text(received.bytes.clone()))
}

/// `$http_ml`.
pub fn whole_length() -> Value {
    of_received(|received| length(received.bytes.len()))
}

/// `$http_rb`.
pub fn body() -> Value {
    of_received(|received| Value::Text(received.bytes.part(received.head_length..received.bytes.len())))
}

/// `$http_bs`.
pub fn body_length() -> Value {
    of_received(|received| length(received.bytes.len() - received.head_length))
}

/// Reads from a copy of the head: the script may hand the response's own bytes to C, which writes to them.
fn of_head(read: impl FnOnce(&Received, &[u8]) -> Value) -> Value {
    of_received(|received| match received.bytes.part(0..received.head_length).copy() {
        Some(head) => read(received, &head),
        None => Value::Null,
    })
}

/// `$http_hdr(name)`, `$(http_hdr(name)[index])`.
pub fn header(name: &[u8], index: Index) -> Value {
    of_head(|received, head| {
        let values = || header_values(head, name);
        let number = match index {
            Index::All => return all_values(head, name),
            Index::Number(number) => number,
        };
        let position = usize::try_from(number).ok().or_else(|| from_end(values().count(), number));
        let found = position.and_then(|position| values().nth(position));
        found.map_or(Value::Null, |range| header_value(received, head, range))
    })
}

fn header_value(received: &Received, head: &[u8], range: Range<usize>) -> Value {
    let value = head.get(range.clone()).unwrap_or_default();
    if !value.contains(&b'\n') {
        return Value::Text(received.bytes.part(range));
    }
    unfolded(value).and_then(Bytes::of).into()
}

/// Where a negative index lies among that many values.
fn from_end(count: usize, number: i32) -> Option<usize> {
    count.checked_sub(usize::try_from(number.unsigned_abs()).ok()?)
}

/// All values with commas between them, as `$(hdr(name)[*])` gives them.
fn all_values(head: &[u8], name: &[u8]) -> Value {
    let mut joined = Buffer::default();
    let mut found = false;
    for range in header_values(head, name) {
        let Some(value) = unfolded(head.get(range).unwrap_or_default()) else {
            return Value::Null;
        };
        let comma: &[u8] = if found { b"," } else { b"" };
        if joined.append(comma).and_then(|()| joined.append(&value)).is_err() {
            return Value::Null;
        }
        found = true;
    }
    if found { Value::Text(joined.into()) } else { Value::Null }
}

/// Names and values of `$http_time`.
type TimeRow = (&'static str, fn(&Times) -> Duration);

/// Each with what the manual says of it in [`Times`].
static TIMES: [TimeRow; 7] = [
    ("total", |times| times.total),
    ("lookup", |times| times.lookup),
    ("connect", |times| times.connect),
    ("appconnect", |times| times.appconnect),
    ("pretransfer", |times| times.pretransfer),
    ("starttransfer", |times| times.starttransfer),
    ("redirect", |times| times.redirect),
];

/// The keys of `$http_time`.
pub fn time_names() -> Vec<&'static str> {
    TIMES.iter().map(|(name, _)| *name).collect()
}

/// `$http_time(key)` in µs, by the key's number among [`time_names`].
pub fn time(number: usize) -> Value {
    of_current(|reply| match TIMES.get(number) {
        Some((_, read)) => i64::try_from(read(&reply.outcome.times).as_micros()).map_or(Value::Null, Value::Integer),
        None => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::from_end;

    #[test]
    fn a_negative_index_counts_from_the_end() {
        assert_eq!([-1, -3, -4, i32::MIN].map(|number| from_end(3, number)), [Some(2), Some(0), None, None]);
    }
}
