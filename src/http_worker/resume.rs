//! Hands a query that has ended back to the script.

use super::outcome::{Outcome, Times};
use super::reply_variables::{self, Reply};
use crate::host::bytes::Bytes;
use crate::host::fault_point::fault_point;
use crate::host::interface::{ResumeOutcome, ResumeTarget};
use crate::host::{guarded, log, route, transaction, variable};
use crate::shared::clock::Instant;
use crate::shared::query::{Query, Text};
use crate::shared::query_id::QueryId;
use crate::sip_worker::request_id::{self, ShownId};
use crate::sip_worker::request_parameters;
use crate::transport::error::TransferError;
use curl_sys as curl;
use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::CString;
use std::time::Duration;

/// A callback route that runs longer holds up every other query of its worker, and is worth a warning.
const SLOW_CALLBACK: Duration = Duration::from_millis(200);

/// Most callback names that are warned of in one process.
const MAX_WARNINGS: usize = 100;

/// Runs the callback route: in the query's transaction, or on a message of its own. It runs once, whatever panics before or after it.
pub fn deliver(query: &Query, outcome: Outcome) {
    const SHOWN: &str = "what a callback sees";
    let id = query.options().id;
    log::debug!("query {id} ended: {:?}", outcome.statistic);
    if !guarded(SHOWN, false, || show(query, outcome)) {
        let error = TransferError::with_detail(curl::CURLE_FAILED_INIT, format_args!("internal error in {SHOWN}"));
        let outcome = Outcome::failed(&error, Times::default());
        reply_variables::set_current(Some(Reply { query_id: ShownId::new(id), xdata: None, outcome }));
    }
    let ran = guarded("a callback", true, || run_watched(query));
    guarded("the end of a callback", (), || clear(query, ran));
}

/// Makes the outcome visible to the route, and nothing of what the process has done before.
fn show(query: &Query, outcome: Outcome) -> bool {
    fault_point!("show");
    let id = query.options().id;
    let xdata = query.bytes(Text::Xdata).and_then(|xdata| copy_for_callback(xdata, id));
    reply_variables::set_current(Some(Reply { query_id: ShownId::new(id), xdata, outcome }));
    request_id::forget();
    request_parameters::forget();
    true
}

/// Whether the route ran.
fn run_watched(query: &Query) -> bool {
    let started = Instant::now();
    let ran = run(query);
    fault_point!("callback");
    let took = Instant::now().since(started);
    if took > SLOW_CALLBACK {
        let id = query.options().id;
        log::warning!("the callback of query {id} took {} ms; all queries of its worker waited", took.as_millis());
    }
    ran
}

fn clear(query: &Query, ran: bool) {
    fault_point!("clear");
    if ran && !reply_variables::were_read() {
        warn_of_missing_function(query);
    }
    reply_variables::set_current(None);
    request_parameters::forget();
    variable::release_handed_out();
}

/// What the query carried. Its callback runs without where memory is exhausted.
fn copy_for_callback(xdata: &[u8], id: QueryId) -> Option<Bytes> {
    let copy = Bytes::copy_of(xdata);
    if copy.is_none() {
        log::error!("query {id}: memory is exhausted, $http_xdata is $null in its callback");
    }
    copy
}

thread_local! {
    static WARNED_OF: RefCell<HashSet<CString>> = RefCell::default();
}

/// A KEMI engine runs a function that does not exist without a word. A callback that looked at nothing is all that can
/// be seen of it; one warning a name is enough.
fn warn_of_missing_function(query: &Query) {
    let Some(name) = query.text(Text::Function) else {
        return;
    };
    if WARNED_OF.with_borrow_mut(|names| names.len() < MAX_WARNINGS && names.insert(name.to_owned())) {
        log::warning!("the callback {} read no $http_ variable: is there such a function?", name.to_string_lossy());
    }
}

/// Whether the route ran.
fn run(query: &Query) -> bool {
    let options = query.options();
    let id = options.id;
    let function = query.text(Text::Function);
    let target = ResumeTarget {
        route_index: options.route_index,
        route_type: options.route_type,
        function: function.map_or(std::ptr::null(), |name| name.as_ptr()),
        function_length: function.map_or(0, |name| i32::try_from(name.count_bytes()).unwrap_or(0)),
    };
    let Some(suspension) = &options.suspension else {
        let ran = route::run_detached(&target).is_ok();
        if !ran {
            log::error!("query {id}: no message for its callback to run on");
        }
        return ran;
    };
    let ran = transaction::resume(suspension, &target) == ResumeOutcome::Run;
    if !ran {
        log::debug!("query {id}: its transaction ended before it");
    }
    ran
}
