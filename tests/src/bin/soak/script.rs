//! The routing script: it reads the queries of a call from the user part of its request URI and makes them.

use crate::options::Options;
use crate::quantity::KEPT;
use crate::query_kind::{CANCELLED, KINDS, Kind};
use end_to_end::kamailio::{Builder, Kamailio};

/// Seconds that tm keeps an answered transaction, for retransmissions that a busy machine delays. It is also longer than
/// a look-up that nobody answers, so at rest there is none left.
pub const WAIT_TIMER: u32 = 2;
/// MB. What a run takes is far less; a machine that stands still for seconds, with hundreds of queries under way, takes more.
const SHARED_MEMORY: u32 = 256;

const ROUTES: &str = r#"
route[MAIN] {
    if(is_method("ACK")) { t_check_trans(); exit; }
    if(is_method("CANCEL")) { t_relay_cancel(); exit; }
    if(!t_newtran()) { exit; }
    $avp(step) = 0;
    $var(kind) = $(rU{s.select,1,-});
    if($var(kind) != "") { route(SEND); }
    route(NEXT);
}

route[SEND] {
    $var(name) = $(ci{s.md5});
    route("TO_" + $var(kind));
    if(!http_async_send("$var(url)", "SENT")) { update_stat("refused", "+1"); }
}

route[NEXT] {
    $var(chain) = $(rU{s.select,0,-});
    $var(kind) = $(var(chain){s.select,$avp(step),.});
    if($var(kind) == "") { route(DONE); }
    $avp(step) = $avp(step) + 1;
    $var(name) = $(ci{s.md5}) + "-" + $avp(step);
    route("TO_" + $var(kind));
    http_async_query("$var(url)", "ANSWER");
    update_stat("refused", "+1");
    t_reply("500", "Refused");
    exit;
}

route[DONE] {
    if(is_method("INVITE")) { t_reply("404", "Not Found"); } else { t_reply("200", "OK"); }
    exit;
}

route[ANSWER] {
    route(COMPARE);
    route(NEXT);
}

route[SENT] { route(COMPARE); }

# $http_xdata tells the kind of the query and how it must end.
route[COMPARE] {
    $var(outcome) = "error";
    if($http_ok) { $var(outcome) = "" + $http_rs; }
    else if($http_err == "TIMEOUT") { $var(outcome) = "timeout"; }
    if($var(outcome) == $(http_xdata{s.select,1,/})) { return; }
    update_stat("wrong", "+1");
    xlog("L_ERR", "soak: $http_xdata, and it ended in: $var(outcome) $http_err_text\n");
}
"#;

/// The instance that is to be loaded; the servers fill in their URLs.
pub fn instance(options: &Options) -> Builder {
    let kinds: String = KINDS.iter().chain([&CANCELLED]).map(route_of).collect();
    Kamailio::with_script(&format!("{ROUTES}{kinds}"))
        .modules(&["statistics"])
        .lines("modparam(\"statistics\", \"variable\", \"wrong\")")
        .lines("modparam(\"statistics\", \"variable\", \"refused\")")
        .lines(&format!("modparam(\"tm\", \"wt_timer\", {})", WAIT_TIMER * 1000))
        .shared_memory(SHARED_MEMORY)
        .parameter("workers", options.workers)
        .parameter("memory_manager", format!("\"{}\"", options.memory_manager))
        .parameter("hash_size", KEPT)
        .parameter("connection_timeout", 20_000)
}

/// A route that sets URL, keys and the expected outcome.
fn route_of(kind: &Kind) -> String {
    let Kind { name, url, assignments, outcome, .. } = kind;
    format!(
        "route[TO_{name}] {{ {assignments} $http_req(xdata) = \"{name}/{}\"; $var(url) = {url}; }}\n",
        outcome.word()
    )
}
