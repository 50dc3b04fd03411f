//! `$http_req_id`: names each query among all that this server and its predecessors have sent.

use crate::host::bytes::Bytes;
use crate::host::message::{Message, MessageId};
use crate::host::per_message::PerMessage;
use crate::host::process;
use crate::host::variable::Value;
use crate::http_worker::reply_variables;
use crate::shared::query_id::QueryId;
use std::cell::{Cell, OnceCell, RefCell};
use std::time::{SystemTime, UNIX_EPOCH};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static STARTED: Cell<u64> = const { Cell::new(0) };
    static LAST: RefCell<PerMessage<ShownId>> = const { RefCell::new(PerMessage::new()) };
}

/// A new id.
pub fn next() -> QueryId {
    if STARTED.get() == 0 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        STARTED.set(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
    }
    COUNT.set(COUNT.get() + 1);
    QueryId { started: STARTED.get(), process: process::number(), count: COUNT.get() }
}

/// An id that a script may read: it becomes text once, when it is read first.
pub struct ShownId {
    id: QueryId,
    text: OnceCell<Option<Bytes>>,
}

impl ShownId {
    /// Not read yet.
    pub const fn new(id: QueryId) -> Self {
        Self { id, text: OnceCell::new() }
    }

    /// What the script sees.
    pub fn value(&self) -> Value {
        self.text.get_or_init(|| Bytes::of(self.id.to_string().into_bytes())).clone().into()
    }
}

/// Notes the id of the query that `message` has just sent.
pub fn remember(message: MessageId, id: QueryId) {
    LAST.with_borrow_mut(|last| last.insert(message, ShownId::new(id)));
}

/// Forgets it; a callback starts with the id of its own query.
pub fn forget() {
    LAST.with_borrow_mut(PerMessage::clear);
}

/// The value of `$http_req_id`; an empty string where there is no query, as in the C module: Lua joins it to others.
pub fn current(message: Message) -> Value {
    let last = LAST.with_borrow(|last| last.get(message.id()).map(ShownId::value));
    last.or_else(reply_variables::query_id).unwrap_or_else(|| Value::Text(Bytes::default()))
}
