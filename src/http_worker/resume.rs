//! Hands a query that has ended back to the script.

use super::outcome::{Outcome, Times};
use super::reply_variables::{self, Reply};
use crate::host::bytes::Bytes;
use crate::host::fault_point::fault_point;
use crate::host::interface::{ResumeOutcome, ResumeTarget};
use crate::host::warned_names::WarnedNames;
use crate::host::{guarded, log, route, transaction, variable};
use crate::shared::clock::Instant;
use crate::shared::query::{Query, Text};
use crate::shared::query_id::QueryId;
use crate::sip_worker::request_id::{self, ShownId};
use crate::sip_worker::request_parameters;
use crate::transport::error::TransferError;
use curl_sys as curl;
use std::time::Duration;

/// A callback route that runs longer holds up every other query of its worker, and is worth a warning.
const SLOW_CALLBACK: Duration = Duration::from_millis(200);

/// Runs the callback route, where there is one: in the query's transaction, or on a message of its own. It runs once, whatever panics
/// before or after it.
pub fn deliver(query: &Query, outcome: Outcome) {
    const SHOWN: &str = "what a callback sees";
    let id = query.options().id;
    log::debug!("query {id} ended: {:?}", outcome.statistic);
    if !has_callback(query) {
        return;
    }
    if !guarded(SHOWN, false, || show(query, outcome)) {
        let error = TransferError::with_detail(curl::CURLE_FAILED_INIT, format_args!("internal error in {SHOWN}"));
        let outcome = Outcome::failed(&error, Times::default());
        reply_variables::set_current(Some(Reply { query_id: ShownId::new(id), xdata: None, outcome }));
    }
    let ran = guarded("a callback", Ran::Yes, || run_watched(query));
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

fn run_watched(query: &Query) -> Ran {
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

fn clear(query: &Query, ran: Ran) {
    fault_point!("clear");
    warn_of(query, ran);
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

fn has_callback(query: &Query) -> bool {
    query.options().route_index >= 0 || query.text(Text::Function).is_some()
}

thread_local! {
    static MISSING: WarnedNames = WarnedNames::default();
    static LEAVING_ALONE: WarnedNames = WarnedNames::default();
}

/// One warning a name is enough. A KEMI engine runs a function that does not exist without a word: a callback that looked at
/// nothing is all that can be seen of it, and the transaction that it leaves alone is no other fault.
fn warn_of(query: &Query, ran: Ran) {
    let function = query.text(Text::Function);
    let (kind, words) = match (ran, function) {
        (Ran::Yes | Ran::InVain, Some(_)) if !reply_variables::were_read() => {
            (&MISSING, "read no $http_ variable: is there such a function?")
        }
        (Ran::InVain, _) => {
            (&LEAVING_ALONE, "left its transaction with neither a reply nor a branch: tm answers with an error")
        }
        _ => return,
    };
    let name = function.or_else(|| route::name_of(query.options().route_index)).unwrap_or_default();
    if kind.with(|names| names.is_new(name.to_bytes())) {
        log::warning!("the callback {} {words}", name.to_string_lossy());
    }
}

/// What came of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    /// Its route did not run.
    No,
    /// It ran.
    Yes,
    /// It ran, and did nothing for the transaction that waits.
    InVain,
}

fn run(query: &Query) -> Ran {
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
        if route::run_detached(&target).is_err() {
            log::error!("query {id}: no message for its callback to run on");
            return Ran::No;
        }
        return Ran::Yes;
    };
    match transaction::resume(suspension, &target) {
        ResumeOutcome::Run => Ran::Yes,
        ResumeOutcome::LeftAlone => Ran::InVain,
        ResumeOutcome::Gone => {
            log::debug!("query {id}: its transaction ended before it");
            Ran::No
        }
    }
}
