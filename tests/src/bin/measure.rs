//! Measures what a query costs its HTTP worker: processor time with 200 in flight against nginx, and memory of a
//! transfer that hangs. Run it by `make measure`; the figures are those of this machine at this moment.

use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, free_tcp_port, wait_until};
use end_to_end::nginx::Nginx;
use end_to_end::processor_time::processor_time;
use end_to_end::resident_memory::resident_memory;
use std::time::Duration;

const IN_FLIGHT: u64 = 200;
const QUERIES: u64 = 60_000;
const HANGING: usize = 500;
const PATIENCE: Duration = Duration::from_secs(120);

/// Each callback sends the next query, so that the same number is always in flight.
const CHAINS: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < {in_flight}) { http_async_query("{url}", "NEXT"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[NEXT] {
        if($http_rs != 200) { xlog("L_ERR", "status $http_rs, error $http_err\n"); }
        $var(count) = $var(count) + 1;
        if($var(count) <= {queries} - {in_flight}) { http_async_query("{url}", "NEXT"); }
    }"#;

const HANG: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < {in_flight}) { http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[DONE] { return; }"#;

fn instance(script: &str, manager: &str, url: &str, in_flight: u64) -> Kamailio {
    Kamailio::with_script(script)
        .before("max_while_loops=10000")
        .set("in_flight", in_flight)
        .set("queries", QUERIES)
        .set("url", url)
        .parameter("memory_manager", format!("\"{manager}\""))
        .parameter("connection_timeout", 60_000)
        .start()
}

fn processor_time_per_query(manager: &str, url: &str) -> f64 {
    let kamailio = instance(CHAINS, manager, url, IN_FLIGHT);
    let [worker] = kamailio.processes("Http Async Worker");
    let before = processor_time(worker);
    kamailio.message("start");
    let done = wait_until(PATIENCE, || kamailio.counts()[1] == i64::try_from(QUERIES).unwrap_or(0));
    assert!(done, "{:?} after {PATIENCE:?}; the log:\n{}", kamailio.counts(), kamailio.log());
    (processor_time(worker) - before).as_secs_f64() * 1e6 / QUERIES as f64
}

/// Bytes of one more hanging transfer, beside as many others: shared, with what Kamailio's allocator adds to each block, and
/// resident in the worker.
fn memory_per_hanging_transfer(manager: &str) -> (i64, i64) {
    let server = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let kamailio = instance(HANG, manager, &server.url("/"), HANGING as u64);
    let [worker] = kamailio.processes("Http Async Worker");
    let [before, after] = [1, 2].map(|times| {
        kamailio.message("start");
        server.wait_for_requests(times * HANGING, PATIENCE);
        (kamailio.shared_memory_taken(), i64::try_from(resident_memory(worker)).unwrap_or(0))
    });
    let count = HANGING as i64;
    ((after.0 - before.0) / count, (after.1 - before.1) / count)
}

/// nginx that answers everything with 200, and its URL.
fn start_nginx() -> (Nginx, String) {
    let port = free_tcp_port();
    let server = format!("server {{ listen 127.0.0.1:{port}; location / {{ return 200 'ok'; }} }}");
    (Nginx::start(&[port], &server), format!("http://127.0.0.1:{port}/"))
}

fn main() {
    let (_nginx, url) = start_nginx();
    println!(
        "processor time of the HTTP worker per query, {IN_FLIGHT} in flight, {QUERIES} queries, callback included"
    );
    for manager in ["shm", "sys"] {
        println!("  memory_manager {manager}: {:.1} µs", processor_time_per_query(manager, &url));
    }
    println!("memory per hanging transfer, {HANGING} beside as many others");
    for manager in ["shm", "sys"] {
        let (shared, resident) = memory_per_hanging_transfer(manager);
        println!("  memory_manager {manager}: {shared} bytes shared, {resident} bytes resident in the worker");
    }
}
