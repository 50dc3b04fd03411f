//! The scripts that the documents show: they pass Kamailio's check, and do what is said of them.

use crate::common::{assert_replied, one_query};
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Kamailio;
use std::path::Path;

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
    for (line, block) in blocks {
        let route = if block.contains("request_route") { "" } else { REQUEST_ROUTE };
        let ended = Kamailio::with_script("").whole_configuration(&format!("{AROUND}{route}{block}\n")).check();
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
