//! The scripts that the documents show: they pass Kamailio's check, and do what is said of them.

use crate::common::{assert_replied, callee, one_query};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::kemi::with_script;
use end_to_end::sip::{Sent, SipClient, SipMessage};
use std::path::Path;
use std::time::Duration;

/// What a configuration needs around a block of a document.
const AROUND: &str = r#"#!KAMAILIO
log_stderror=yes
listen=udp:127.0.0.1:{port}
disable_tcp=yes
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "jansson.so"
loadmodule "{module}"
"#;

const REQUEST_ROUTE: &str = "request_route { exit; }\n";

/// The blocks of a document that are for this module: all but those that stand behind "Before:". Each with the line
/// that it begins in.
fn blocks(document: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut words_before = "";
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.starts_with("```") {
            let block: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| !line.starts_with("```")).collect();
            if !words_before.ends_with("Before:") {
                blocks.push((number + 1, block.join("\n")));
            }
        } else if !line.is_empty() {
            words_before = line;
        }
    }
    blocks
}

/// The routes that a block names as callbacks.
fn callbacks(block: &str) -> impl Iterator<Item = &str> {
    let calls = block.lines().filter(|line| line.trim().starts_with("http_async_query("));
    calls.filter_map(|line| line.rsplit('"').nth(1))
}

#[test]
fn every_script_of_the_migration_guide_passes_the_check_of_kamailio() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../doc/migration.md");
    let blocks = blocks(&std::fs::read_to_string(path).expect("the guide is there"));
    assert!(blocks.len() >= 12, "only {} blocks were found", blocks.len());
    let certificates = TestCertificates::temporary();
    for (line, block) in blocks {
        // Authorities that are not there keep the server from starting.
        let authorities = certificates.ca_file().display().to_string();
        let checked = block.replace("/etc/kamailio/http/ca.pem", &authorities);
        let route = if block.contains("request_route") { "" } else { REQUEST_ROUTE };
        let ended = Kamailio::with_script("").whole_configuration(&format!("{AROUND}{route}{checked}\n")).check();
        let passes = ended.status.success() && !ended.log.contains("WARNING: http_async_client");
        assert!(passes, "doc/migration.md, line {line}:\n{block}\n{}", ended.log);
        for callback in callbacks(&block) {
            assert!(
                block.contains(&format!("route[{callback}]")),
                "doc/migration.md, line {line}: no route {callback}"
            );
        }
    }
}

#[test]
fn json_made_as_the_manual_says_holds_any_user() {
    let server = HttpServer::start(|_| Response::text("x"));
    let assignments = r#"$var(body) = "{}"; jansson_set("string", "user", "$rU", "$var(body)");
        $http_req(body) = $var(body);"#;
    let kamailio = one_query(&server.url("/"), assignments, "").modules(&["jansson"]).start();
    assert_replied(&kamailio.message("o'brien"), "200");
    assert_eq!(String::from_utf8_lossy(&server.requests()[0].body), r#"{"user":"o'brien"}"#);
}

/// What a whole script of a document lacks to run beside others in a test.
const BESIDE_OTHERS: &str = r#"#!KAMAILIO
log_stderror=yes
debug=2
children=4
listen=udp:127.0.0.1:{port}
disable_tcp=yes
mpath="{modules}"
loadmodule "kex.so"
loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:{folder}/ctl")
"#;

/// The first block below a heading of a document.
fn script_of(document: &str, heading: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let text = std::fs::read_to_string(path).expect("the document is there");
    let (_, section) =
        text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading} in {document}"));
    section.split("```").nth(1).expect("a block").trim_start().to_owned()
}

/// Where the users of the scripts are: bob at `callee`, with a line end behind; slow too, after a while; nobody else.
fn user(request: &Request, callee: std::net::SocketAddr) -> Response {
    match request.target.as_str() {
        "/user?name=bob" => Response::text(format!("sip:{callee}\r\n")),
        "/user?name=slow" => Response::text(format!("sip:{callee}")).after(Duration::from_millis(400)),
        "/user?name=odd" => Response::text("elsewhere"),
        _ => Response::new(404, "Not Found"),
    }
}

/// The first request of that call and method that the callee gets. Others must be INVITE, ACK or CANCEL.
#[track_caller]
fn request_of(call: &Sent, callee: &SipClient, method: &str, kamailio: &Kamailio) -> SipMessage {
    let mut requests = std::iter::from_fn(|| callee.receive_request(PATIENCE));
    let found = requests.find(|request| {
        assert!(["INVITE", "ACK", "CANCEL"].contains(&request.method()), "{}", request.text());
        request.is_for(call) && request.method() == method
    });
    found.unwrap_or_else(|| panic!("no {method}; the log:\n{}", kamailio.log()))
}

/// The scripts that the documents begin with: where each stands, and whether it is in Lua.
const PASTED: [(&str, &str, bool); 3] = [
    ("README.md", "In a script", false),
    ("doc/manual.md", "Overview", false),
    ("doc/manual.md", "Functions in KEMI scripts", true),
];

#[test]
fn the_scripts_that_the_documents_begin_with_may_be_pasted() {
    for (document, heading, is_lua) in PASTED {
        let callee = callee();
        let at = callee.address();
        let server = HttpServer::start(move |request| user(request, at));
        let script = script_of(document, heading).replace("http://127.0.0.1:8080", &server.url(""));
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let kamailio = if is_lua {
            std::fs::write(file.path(), script).expect("it can be written");
            with_script("app_lua", "lua", file.path(), 8000).start()
        } else {
            let script = script.replace("loadmodule \"http_async_client.so\"", "loadmodule \"{module}\"");
            Kamailio::with_script("").whole_configuration(&format!("{BESIDE_OTHERS}{script}")).start()
        };
        let document = format!("{document}, {heading}");
        calls_are_handled(&document, &kamailio, &server, &callee);
        drop(server);
        assert_eq!(kamailio.client().transact("INVITE", "bob").expect("an answer").status(), 500, "{document}");
        assert_eq!(kamailio.log_lines(" ERROR: "), Vec::<String>::new(), "{document}");
    }
}

/// Requests of all kinds, each of which makes the queries that it should.
fn calls_are_handled(document: &str, kamailio: &Kamailio, server: &HttpServer, callee: &SipClient) {
    let caller = kamailio.client();
    let asked = || server.requests().iter().filter(|request| !request.target.contains("is-it-ready")).count();

    // OPTIONS makes no query.
    assert!(caller.transact("OPTIONS", "bob").is_some_and(|answer| answer.status() >= 200), "{document}");
    assert_eq!(asked(), 0, "{document}: queries for an OPTIONS");

    // An INVITE makes one, its retransmissions none, nor does its ACK: that of a 2xx takes its own way, as nobody records a
    // route; where it comes by, it ends.
    let call = caller.send("INVITE", "bob", "", "");
    caller.send_again(&call);
    let invite = request_of(&call, callee, "INVITE", kamailio);
    caller.send_again(&call);
    callee.reply(&invite, 200, "OK");
    assert_eq!(caller.final_answer(&call).expect("an answer").status(), 200, "{document}");
    assert_eq!(asked(), 1, "{document}: queries for a call");

    calls_are_given_up(document, kamailio, callee, &asked);

    // What is no URI, and a user that is not known: an answer, whose ACK makes no query.
    for user in ["odd", "nobody"] {
        assert_eq!(caller.transact("INVITE", user).expect("an answer").status(), 500, "{document}");
    }
    kamailio.wait_for_no_transaction();
    assert_eq!(asked(), 5, "{document}: queries for five calls");
}

/// A CANCEL ends the call, while the service is asked and afterwards, and makes no query.
fn calls_are_given_up(document: &str, kamailio: &Kamailio, callee: &SipClient, asked: &dyn Fn() -> usize) {
    let caller = kamailio.client();
    let call = caller.send("INVITE", "slow", "", "");
    assert!(wait_until(PATIENCE, || asked() == 2), "{document}");
    caller.cancel(&call);
    assert_eq!(caller.final_answer(&call).map(|answer| answer.status()), Some(487), "{document}\n{}", kamailio.log());
    let call = caller.send("INVITE", "slow", "", "");
    let invite = request_of(&call, callee, "INVITE", kamailio);
    callee.reply(&invite, 180, "Ringing");
    caller.cancel(&call);
    let cancel = request_of(&call, callee, "CANCEL", kamailio);
    callee.reply(&cancel, 200, "OK");
    callee.reply(&invite, 487, "Request Terminated");
    assert_eq!(caller.final_answer(&call).expect("an answer").status(), 487, "{document}");
    assert_eq!(asked(), 3, "{document}: queries for three calls");
}
