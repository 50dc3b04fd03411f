//! A program that a callback starts gets none of the module's descriptors, and with them no connection.

use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE, wait_until};
use end_to_end::name_server::{NameServer, Reply};
use std::collections::BTreeSet;
use std::fs;

/// What the descriptors of a process are, but for those that a shell opens for its own.
fn descriptors_of(process: u32) -> BTreeSet<String> {
    let folder = fs::read_dir(format!("/proc/{process}/fd")).expect("the process is there");
    folder.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).map(|link| link.display().to_string()).collect()
}

/// Answers at once, or never.
fn handler(request: &end_to_end::http_server::Request) -> Response {
    if request.target == "/hangs" { Response::steps(vec![Step::WaitForever]) } else { Response::text("x") }
}

#[test]
fn a_program_that_a_callback_starts_inherits_no_descriptor_of_the_modules() {
    let certificates = TestCertificates::temporary();
    let (open, encrypted) = (HttpServer::start(handler), HttpServer::start_tls(certificates.server(), handler));
    let silent = NameServer::start(|_| Reply::Silence).expect("a name server");
    let script = r#"
        route[MAIN] {
            if($rU == "begin") {
                $http_req(timeout) = 60000; http_async_query("{open}/hangs", "DONE");
                $http_req(timeout) = 60000; http_async_query("{encrypted}/hangs", "DONE");
                http_async_query("{open}/", "DONE");
                http_async_query("{encrypted}/", "DONE");
                $http_req(timeout) = 60000; http_async_query("http://nobody.test/", "DONE");
            } else { http_async_query("{open}/", "LISTED"); }
            sl_send_reply("200", "OK");
        }
        route[DONE] { xlog("L_NOTICE", "done\n"); }
        route[LISTED] {
            exec_msg("find /proc/self/fd -mindepth 1 -printf '%l\\n' > {folder}/listed; mv {folder}/listed {folder}/list");
        }"#;
    let kamailio = Kamailio::with_script(script)
        .modules(&["exec"])
        .trusting(&certificates)
        .parameter("connection_timeout", 8000)
        .resolv_conf(&format!("nameserver {}\n", silent.address()))
        .set("open", open.url(""))
        .set("encrypted", encrypted.url(""))
        .start();
    kamailio.message("begin");
    open.wait_for_requests(2, PATIENCE);
    encrypted.wait_for_requests(2, PATIENCE);
    assert!(wait_until(PATIENCE, || kamailio.log_lines("done").len() == 2), "{}", kamailio.log());
    kamailio.message("list");
    let file = kamailio.folder().join("list");
    assert!(wait_until(PATIENCE, || file.exists()), "{}", kamailio.log());
    let inherited: BTreeSet<String> = fs::read_to_string(file).expect("the list").lines().map(str::to_owned).collect();
    // What main has, every process inherits from it; the core leaves it open.
    let of_core = descriptors_of(kamailio.main_process());
    let [worker] = kamailio.http_workers();
    let of_worker = descriptors_of(worker);
    assert!(of_worker.iter().filter(|each| each.starts_with("socket:") && !of_core.contains(*each)).count() >= 5);
    let of_module: Vec<_> = inherited
        .iter()
        .filter(|each| each.starts_with("anon_inode:") || (of_worker.contains(*each) && !of_core.contains(*each)))
        .collect();
    assert!(of_module.is_empty(), "{of_module:?} of {of_worker:?}");
    assert!(!inherited.is_empty());
}
