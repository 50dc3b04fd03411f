//! Scripts in a KEMI language.

use crate::common::seen;
use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::{Builder, Kamailio};
use std::fs;

const CONFIGURATION: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=2
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "textops.so"
loadmodule "ctl.so"
loadmodule "app_lua.so"
loadmodule "{module}"
modparam("ctl", "binrpc", "unix:{folder}/ctl")
modparam("app_lua", "load", "{script}")
cfgengine "lua"
"#;

/// `ksr_route_main()` of the script runs for each request.
fn instance(script: &str, server: &HttpServer) -> (Builder, tempfile::NamedTempFile) {
    let script = format!(
        "function ksr_request_route()\n\
         if KSR.pv.get(\"$rU\") == \"is-it-ready\" then KSR.sl.sl_send_reply(200, \"Ready\"); return 1 end\n\
         return ksr_route_main()\nend\n{}",
        script.replace("{url}", &server.url("/"))
    );
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), script).expect("it can be written");
    let builder = Kamailio::with_script("").whole_configuration(CONFIGURATION).set("script", file.path().display());
    (builder, file)
}

#[test]
fn a_query_suspends_and_its_callback_is_a_function_of_the_script() {
    let server = HttpServer::start(|_| Response::text("from http"));
    let (builder, file) = instance(
        r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            KSR.pv.sets("$http_req(hdr)", "X-From: lua")
            local returned = KSR.http_async_client.query("{url}", "ksr_reply")
            KSR.info("returned " .. returned .. "\n")
            return 1
        end
        function ksr_reply()
            KSR.hdr.append_to_reply("X-Body: " .. KSR.pv.get("$http_rb") .. "\r\n")
            KSR.tm.t_reply(200, "Answered")
            return 1
        end"#,
        &server,
    );
    let kamailio = builder.start();
    let answer = kamailio.message("alice");
    assert_eq!((answer.status(), seen(&answer, "X-Body")), (200, "from http"), "{}", answer.text());
    assert_eq!(server.requests()[0].header("X-From"), Some("lua"));
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
    drop(file);
}

#[test]
fn return_values_are_those_of_the_native_function() {
    let server = HttpServer::start(|_| Response::text("x"));
    let (builder, file) = instance(
        r#"
        function ksr_route_main()
            local refused = KSR.http_async_client.query("", "ksr_reply")
            local accepted = KSR.http_async_client.query("{url}", "ksr_reply")
            KSR.tm.t_newtran()
            local suspended = KSR.http_async_client.query("{url}", "ksr_answer")
            KSR.err("returned " .. refused .. " " .. accepted .. " " .. suspended .. "\n")
            return 1
        end
        function ksr_reply() KSR.err("noted " .. KSR.pv.get("$http_rs") .. "\n") return 1 end
        function ksr_answer() KSR.tm.t_reply(200, "OK") return 1 end"#,
        &server,
    );
    let kamailio = builder.start();
    assert_eq!(kamailio.message("alice").status(), 200);
    kamailio.wait_for_log("returned -1 1 0");
    kamailio.wait_for_log("noted 200");
    drop(file);
}

#[test]
fn a_missing_function_is_a_log_line_and_tms_error_reply() {
    let server = HttpServer::start(|_| Response::text("x"));
    let (builder, file) = instance(
        r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            KSR.http_async_client.query("{url}", "ksr_nowhere")
            return 1
        end"#,
        &server,
    );
    let kamailio = builder.start();
    assert_eq!(kamailio.message("alice").status(), 500);
    assert!(kamailio.wait_for_log("is there such a function?").contains("ksr_nowhere"));
    kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    kamailio.wait_for_no_transaction();
    drop(file);
}
