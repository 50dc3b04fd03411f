//! `$http_req_id`: names each query among all that this server and its predecessors have sent.

use crate::host::message::{Message, MessageId};
use crate::host::per_message::PerMessage;
use crate::host::process;
use crate::host::variable::{Bytes, Value};
use crate::http_worker::reply_variables;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static STARTED: Cell<u64> = const { Cell::new(0) };
    static LAST: RefCell<PerMessage<Rc<Vec<u8>>>> = const { RefCell::new(PerMessage::new()) };
}

/// A new id: when this process made its first one (µs), the process, and a count.
pub fn next() -> String {
    if STARTED.get() == 0 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        STARTED.set(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
    }
    COUNT.set(COUNT.get() + 1);
    format!("{:x}-{:x}-{:x}", STARTED.get(), process::number(), COUNT.get())
}

/// Notes the id of the query that `message` has just sent.
pub fn remember(message: MessageId, id: String) {
    LAST.with_borrow_mut(|last| last.insert(message, Rc::new(id.into_bytes())));
}

/// Forgets it; a callback starts with the id of its own query.
pub fn forget() {
    LAST.with_borrow_mut(PerMessage::clear);
}

/// The value of `$http_req_id`.
pub fn current(message: Message) -> Value {
    let last = LAST.with_borrow(|last| last.get(message.id()).map(|id| Value::Text(Bytes::whole(id))));
    last.unwrap_or_else(reply_variables::query_id)
}
