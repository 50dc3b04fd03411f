//! Scripts in the KEMI languages: what is asserted of each of them. The scripts are in [`lua`] and [`python`].

mod lua;
mod python;

use crate::common::{assert_failed, assert_replied, seen};
use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::kemi::with_script;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1/";

/// A KEMI language, and what every script in it begins with: an answer to the harness, and the callback `ksr_reply`,
/// which answers the request with what it sees.
struct Language {
    name: &'static str,
    engine: &'static str,
    file: &'static str,
    prelude: &'static str,
}

/// A running instance, and the folder of its script.
struct Instance {
    kamailio: Kamailio,
    _folder: tempfile::TempDir,
}

impl Language {
    /// An instance whose script runs its function `ksr_route_main` for each request.
    fn start(&self, script: &str, server: &HttpServer) -> Instance {
        self.start_with(script, server, 8000)
    }

    /// The same with another deadline, in ms.
    fn start_with(&self, script: &str, server: &HttpServer, connection_timeout: u32) -> Instance {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(self.file);
        let script = format!("{}{script}", self.prelude).replace("{url}", &server.url("/")).replace("{nobody}", NOBODY);
        fs::write(&file, script).expect("it can be written");
        let builder = with_script(self.engine, self.name, &file, connection_timeout);
        Instance { kamailio: builder.start(), _folder: folder }
    }
}

fn echo() -> HttpServer {
    HttpServer::start(|_| Response::text("from http"))
}

fn assert_suspends_and_resumes(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("alice");
    assert_replied(&answer, "200");
    assert_eq!((answer.status(), seen(&answer, "X-Body")), (200, "from http"));
    assert_eq!(server.requests()[0].header("X-From"), Some(language.name));
    instance.kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

fn assert_tells_of_an_error(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_failed(&instance.kamailio.message("alice"), "connect");
    instance.kamailio.wait_for_counts([1, 0, 1, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

fn assert_queries_again(language: &Language, script: &str) {
    let server = HttpServer::start(|request| Response::text(request.target.clone()));
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("alice");
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Body"), "/after/first");
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

fn assert_returns_as_the_native_function(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_eq!(instance.kamailio.message("alice").status(), 200);
    instance.kamailio.wait_for_log("returned -1 1 0");
    instance.kamailio.wait_for_log("noted 200");
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
}

fn assert_tells_of_a_missing_function(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_eq!(instance.kamailio.message("alice").status(), 500);
    for function in ["ksr_nowhere", "ksr_nobody"] {
        instance.kamailio.wait_for_log(&format!("{function} read no $http_ variable: is there such a function?"));
    }
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

/// A script error is the engine's to log; the next request is served as ever.
fn assert_outlives_a_failing_callback(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_eq!(instance.kamailio.message("mallory").status(), 500);
    instance.kamailio.wait_for_log("on purpose");
    assert_replied(&instance.kamailio.message("alice"), "200");
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

fn assert_sends_what_was_set(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_replied(&instance.kamailio.message("alice"), "200");
    let request = server.requests().remove(0);
    assert_eq!(
        (request.method.as_str(), request.header("X-Foo"), request.body.as_slice()),
        ("PUT", Some("bar"), b"'quoted' body".as_slice())
    );
}

fn assert_ends_after_its_timeout(language: &Language, script: &str) {
    let server = HttpServer::start(|_| Response::text("late").after(Duration::from_millis(700)));
    let instance = language.start(script, &server);
    assert_failed(&instance.kamailio.message("alice"), "150 ms");
    instance.kamailio.wait_for_counts([1, 0, 0, 1, 0]);
}

fn assert_holds_what_scripts_rely_on(language: &Language, script: &str) {
    let server = HttpServer::start(|request| match request.target.as_str() {
        "/late" => Response::text("x").after(Duration::from_millis(600)),
        _ => Response::text("x"),
    });
    let instance = language.start_with(script, &server, 300);
    let answer = instance.kamailio.message("webhook");
    assert_eq!(seen(&answer, "X-Returned"), "<> 1 1", "{}", answer.text());
    let requests = server.wait_for_requests(2, PATIENCE);
    let request = requests.iter().find(|request| request.target == "/webhook").expect("it was sent");
    assert_eq!(["X-A", "X-B", "X-C"].map(|name| request.header(name)), [Some("one"), Some("two"), Some("three")]);
    let answer = instance.kamailio.message("empty");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Refused", "-1"));
    let answer = instance.kamailio.message("tells");
    assert_eq!(["X-Err", "X-Class", "X-Number"].map(|name| seen(&answer, name)), ["TIMEOUT", "timeout", "29"]);
    for _ in 0..2 {
        assert_eq!(instance.kamailio.message("forgets").status(), 500);
    }
    let warnings = instance.kamailio.log_lines("WARNING: http_async_client");
    assert!(warnings.len() == 1 && warnings[0].contains("ksr_forgets left its transaction"), "{warnings:?}");
    instance.kamailio.wait_for_no_transaction();
}

fn assert_refuses_wrong_values(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("alice");
    assert_eq!((answer.status(), seen(&answer, "X-Returned")), (200, "-1 -1 -1 -1 -1 -1 -1 -1"), "{}", answer.text());
    assert_eq!(server.requests().len(), 0);
}

/// The script makes that many calls that are all refused; after each that sets something comes a query.
fn assert_refuses_what_has_no_value(language: &Language, script: &str, calls: usize) {
    let server = echo();
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("alice");
    let returned = vec!["-1"; calls].join(" ");
    assert_eq!((answer.status(), seen(&answer, "X-Returned")), (200, returned.as_str()), "{}", answer.text());
    assert_eq!(instance.kamailio.log_lines("a parameter has no value").len(), calls - 3, "{}", instance.kamailio.log());
    assert_eq!(server.requests().len(), 0);
}

fn assert_goes_on_unless_suspended(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("0");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Went on", "1"));
    assert_eq!(instance.kamailio.message("1").reason(), "Answered");
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
}

/// Without a transaction, too, the callback runs; and the string reaches the query that it belongs to.
fn assert_sends_without_suspending(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    let answer = instance.kamailio.message("alice");
    assert_eq!((answer.reason(), seen(&answer, "X-Returned")), ("Went on", "1 1"));
    instance.kamailio.wait_for_log("noted 200 <<null>> OPTIONS");
    instance.kamailio.wait_for_log("noted 200 <call of alice> OPTIONS");
    instance.kamailio.wait_for_counts([2, 2, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

/// `ksr_arguments` notes what it is called with, for "suspended" in the request's transaction.
fn assert_arguments(language: &Language, script: &str, suspended: &str, detached: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_eq!(instance.kamailio.message("suspended").reason(), "Answered");
    instance.kamailio.wait_for_log(&format!("MESSAGE called with <{suspended}>"));
    assert_eq!(instance.kamailio.message("detached").reason(), "Went on");
    instance.kamailio.wait_for_log(&format!("OPTIONS called with <{detached}>"));
}

/// The callee of each request names its case in the script.
fn assert_tls_functions_decide(language: &Language, script: &str) {
    let certificates = TestCertificates::temporary();
    let path = |path: PathBuf| path.display().to_string();
    let script = script
        .replace("{authority}", &path(certificates.ca_directory()))
        .replace("{certificate}", &path(certificates.client_certificate()))
        .replace("{key}", &path(certificates.client_key()));
    let ask = |settings: TlsSettings, users: &[&str]| {
        let server = HttpServer::start_tls(settings, |_| Response::text("safe"));
        let instance = language.start(&script, &server);
        users.iter().map(|user| instance.kamailio.message(user)).collect::<Vec<_>>()
    };
    let answers = ask(certificates.server_self_signed(), &["plain", "any-peer"]);
    assert_failed(&answers[0], "SSL");
    assert_replied(&answers[1], "200");
    let answers = ask(certificates.server_with_other_name(), &["trusting", "any-host"]);
    assert_failed(&answers[0], "SSL");
    assert_replied(&answers[1], "200");
    let answers = ask(certificates.server_requiring_client_certificate(), &["trusting", "known"]);
    assert_eq!(seen(&answers[0], "X-Ok"), "0", "{}", answers[0].text());
    assert_replied(&answers[1], "200");
}

/// A callback of a query that no transaction waited for.
fn assert_runs_without_a_transaction(language: &Language, script: &str) {
    let server = echo();
    let instance = language.start(script, &server);
    assert_eq!(instance.kamailio.message("alice").reason(), "Stateless");
    instance.kamailio.wait_for_log("noted 200 <from http> OPTIONS");
    assert_eq!(server.wait_for_requests(1, PATIENCE).len(), 1);
    instance.kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    assert_eq!(instance.kamailio.transactions(), 0);
}
