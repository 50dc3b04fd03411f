//! Mistakes of a script, of an operator, and bytes that should not be where they are.

use super::{Section, reasons};
use crate::case::{Calls, Case, plain};
use end_to_end::http_server::{Response, Step};

const TO_ROUTE: &str = r#"
route[MAIN] {
    t_newtran();
    http_async_query("{url}/asked", "{route}");
    append_to_reply("X-Returned: $rc\r\n");
    t_reply("500", "Not suspended");
}"#;

const WITHOUT_TRANSACTION: &str = r#"
route[MAIN] {
    http_async_query("{url}/asked", "{route}");
    append_to_reply("X-Returned: $rc\r\n");
    sl_send_reply("200", "Went on");
}"#;

const BY_RETURN_VALUE: &str = r#"
route[MAIN] {
    t_newtran();
    $var(returned) = 0;
    if(!http_async_query("{target}", "REPLY")) { $var(returned) = -1; }
    append_to_reply("X-Returned: $var(returned)\r\n");
    t_reply("500", "Not suspended");
}"#;

const SILENT: &str = r#"
route[MAIN] { t_newtran(); http_async_query("{url}/asked", "SILENT"); }
route[SILENT] { xlog("L_NOTICE", "noted $http_rs\n"); }"#;

/// The section.
pub fn section() -> Section {
    let cases = vec![
        Case::script("an unknown route", &TO_ROUTE.replace("{route}", "NO_SUCH_ROUTE")).better(&["SIP answer", "HTTP requests", "requests", "replies"], "An unknown route is refused at the call with -1, and the script can answer; in C the call stays suspended, and nobody answers it."),
        Case::script("an empty route", &TO_ROUTE.replace("{route}", "")),
        Case::script("an unknown route, without a transaction", &WITHOUT_TRANSACTION.replace("{route}", "NO_SUCH_ROUTE"))
            .better(&["log"], "A WARNING once for each name instead of an ERROR for each query: the query is sent all the same."),
        Case::script("an empty route, without a transaction", &WITHOUT_TRANSACTION.replace("{route}", ""))
            .better(&["HTTP requests", "log", "replies", "requests", "returned"], "An empty name says that there is no callback: the query is sent; in C it is refused."),
        Case::query("an empty URL", "").to(""),
        Case::query("a URL that is none", "").to("http://").better(&["log"], reasons::FAILED),
        Case::query("a URL with a blank", "").to("{url}/a b").better(&["log"], reasons::FAILED),
        Case::query("a URL with a line end", "").to("{url}/a\\r\\nX-Smuggled: b").better(&["SIP answer", "errors", "requests"], "Control bytes in a URL are refused at the call."),
        Case::query("a URL without a scheme", "").to("{host}/asked"),
        Case::query("a file: URL", "").to("file:///etc/hostname").sees_only(&["http_ok", "http_rs"]).better(&["$http_ok", "errors", "replies", "log"], "http and https alone: a URL with foreign parts must not read files."),
        Case::query("a gopher: URL", "").to("gopher://{host}/_GET%20/gopher").better(&["$http_ok", "errors", "replies", "log"], "http and https alone: a URL with foreign parts must not speak other protocols."),
        Case::query("a URL of 9,000 bytes", &format!("$var(long) = \"{}\";", "x".repeat(9000))).to("{url}/$var(long)").better(&["SIP answer", "HTTP requests", "log", "requests", "replies"], "A query has bounds, 8192 bytes for a URL; beyond them it is refused at the call."),
        Case::query("an unknown host", "")
            .to("http://no-such-host.invalid/")
            .sees_as("the text of $http_err", "http_err").better(&["log"], reasons::FAILED).better(&["the text of $http_err"], "The same with the name server's reason."),
        Case::query("nobody listens", "").to("{nobody}/").better(&["log"], reasons::FAILED),
        Case::query("a server that never answers", "$http_req(timeout) = 300;")
            .covers(&["statistic timeouts"])
            .service(plain(|_| Response::steps(vec![Step::WaitForever])))
            .sees_as("the text of $http_err", "http_err"),
        Case::query("a method by its beginning", r#"$http_req(method) = "P";"#).better(reasons::REFUSAL, reasons::REFUSED),
        Case::query("a method in lower case", r#"$http_req(method) = "put";"#).better(&["HTTP requests"], reasons::LENGTH),
        Case::query("a method that nobody has", r#"$http_req(method) = "FETCH";"#).better(reasons::REFUSAL, reasons::REFUSED),
        Case::query("a line end in a header field", r#"$http_req(hdr) = "X-A: b\r\nX-Smuggled: c";"#).better(reasons::REFUSAL, "A line end is refused: in C it goes out as another header field."),
        Case::query("a header field without a colon", r#"$http_req(hdr) = "nonsense";"#).better(reasons::REFUSAL, reasons::REFUSED),
        Case::query("timeout 0", "$http_req(timeout) = 0;").better(&["SIP answer", "log", "requests", "timeouts"], "0 would end the query at once: it is refused, and the script can answer."),
        Case::query("a negative timeout", "$http_req(timeout) = -1;").better(&["Kamailio", "SIP answer", "log"], "It is refused; the C module dies of it, and Kamailio with it."),
        Case::query("a string as a timeout", r#"$http_req(timeout) = "soon";"#).better(reasons::REFUSAL, reasons::REFUSED),
        Case::query("a number as a method", "$http_req(method) = 1;").better(reasons::REFUSAL, reasons::REFUSED),
        Case::script("a callback that does nothing", SILENT).better(&["log"], "A WARNING says which callback left its transaction with neither a reply nor a branch."),
        Case::script("a query by its return value alone", BY_RETURN_VALUE)
            .to("{url}/asked")
            .calls(Calls::Messages(1)),
    ];
    Section { heading: "Mistakes", about: "Of a script or an operator.", cases }
}
