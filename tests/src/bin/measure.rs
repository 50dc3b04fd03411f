//! Measures what a query costs its HTTP worker: processor time with 200 in flight against nginx, and memory of a
//! transfer that hangs. Run it by `make measure`; the figures are those of this machine at this moment.

use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, free_tcp_port, wait_until};
use end_to_end::nginx::Nginx;
use end_to_end::processor_time::processor_time;
use end_to_end::resident_memory::resident_memory;
use end_to_end::stream_server::{Stream, StreamServer};
use std::sync::Mutex;
use std::time::Duration;

const IN_FLIGHT: u64 = 200;
const QUERIES: u64 = 60_000;
const HANGING: usize = 500;
const PATIENCE: Duration = Duration::from_secs(120);

/// Each callback sends the next query, so that the same number is always in flight.
const CHAINS: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < {in_flight}) { $http_req(http_version) = {version}; http_async_query("{url}", "NEXT"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[NEXT] {
        if($http_rs != 200) { xlog("L_ERR", "status $http_rs, error $http_err\n"); }
        $var(count) = $var(count) + 1;
        if($var(count) <= {queries} - {in_flight}) { $http_req(http_version) = {version}; http_async_query("{url}", "NEXT"); }
    }"#;

const HANG: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < {in_flight}) { $http_req(http_version) = {version}; http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[DONE] { return; }"#;

/// What a query asks for: a value of `$http_req(http_version)`.
#[derive(Clone, Copy)]
struct Version(u8);

/// What libcurl chooses: HTTP/1.1, over plain TCP.
const HTTP1: Version = Version(0);
const HTTP2: Version = Version(2);

fn instance(script: &str, manager: &str, version: Version, url: &str, in_flight: u64) -> Kamailio {
    Kamailio::with_script(script)
        .set("version", version.0)
        .before("max_while_loops=10000")
        .set("in_flight", in_flight)
        .set("queries", QUERIES)
        .set("url", url)
        .parameter("memory_manager", format!("\"{manager}\""))
        .parameter("connection_timeout", 60_000)
        .start()
}

fn processor_time_per_query(manager: &str, version: Version, url: &str) -> f64 {
    let kamailio = instance(CHAINS, manager, version, url, IN_FLIGHT);
    let [worker] = kamailio.processes("Http Async Worker");
    let before = processor_time(worker);
    kamailio.message("start");
    let done = wait_until(PATIENCE, || kamailio.counts()[1] == i64::try_from(QUERIES).unwrap_or(0));
    assert!(done, "{:?} after {PATIENCE:?}; the log:\n{}", kamailio.counts(), kamailio.log());
    (processor_time(worker) - before).as_secs_f64() * 1e6 / QUERIES as f64
}

/// Bytes of shared memory and of the worker's own per transfer of HTTP/1.1 that hangs.
fn memory_per_hanging_transfer(manager: &str) -> (i64, i64) {
    let server = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let kamailio = instance(HANG, manager, HTTP1, &server.url("/"), HANGING as u64);
    memory_taken_by(&kamailio, || {
        server.wait_for_requests(HANGING, PATIENCE);
    })
}

/// The same of HTTP/2. The first request of each connection is answered, so that others share it.
fn memory_per_hanging_stream(manager: &str) -> (i64, i64) {
    let held = Mutex::new(Vec::<Stream>::new());
    let server = StreamServer::start(None, move |stream| {
        if stream.is_first() { stream.respond("x") } else { held.lock().expect("no panic").push(stream) }
    });
    let kamailio = instance(HANG, manager, HTTP2, &server.url("/"), HANGING as u64);
    memory_taken_by(&kamailio, || server.wait_for_requests(HANGING as u64))
}

fn memory_taken_by(kamailio: &Kamailio, all_hang: impl FnOnce()) -> (i64, i64) {
    let [worker] = kamailio.processes("Http Async Worker");
    let (shared, resident) = (kamailio.shared_memory_used(), resident_memory(worker));
    kamailio.message("start");
    all_hang();
    let count = HANGING as i64;
    let resident = i64::try_from(resident_memory(worker)).unwrap_or(0) - i64::try_from(resident).unwrap_or(0);
    ((kamailio.shared_memory_used() - shared) / count, resident / count)
}

/// nginx that answers everything with 200, and its URLs for HTTP/1.1 and for HTTP/2 at once.
fn start_nginx() -> (Nginx, [(&'static str, Version, String); 2]) {
    let ports = [free_tcp_port(), free_tcp_port()];
    let server = |port, parameters| {
        format!("server {{ listen 127.0.0.1:{port} {parameters}; location / {{ return 200 'ok'; }} }}\n")
    };
    let servers = format!("{}{}", server(ports[0], ""), server(ports[1], "http2"));
    let [http1, http2] = ports.map(|port| format!("http://127.0.0.1:{port}/"));
    (Nginx::start(&ports, &servers), [("HTTP/1.1", HTTP1, http1), ("HTTP/2", HTTP2, http2)])
}

fn main() {
    let (_nginx, servers) = start_nginx();
    println!(
        "processor time of the HTTP worker per query, {IN_FLIGHT} in flight, {QUERIES} queries, callback included"
    );
    for (name, version, url) in &servers {
        for manager in ["shm", "sys"] {
            let time = processor_time_per_query(manager, *version, url);
            println!("  {name}, memory_manager {manager}: {time:.1} µs");
        }
    }
    println!("memory per hanging transfer, {HANGING} of them");
    for manager in ["shm", "sys"] {
        for (name, (shared, resident)) in
            [("HTTP/1.1", memory_per_hanging_transfer(manager)), ("HTTP/2", memory_per_hanging_stream(manager))]
        {
            println!(
                "  {name}, memory_manager {manager}: {shared} bytes shared, {resident} bytes resident in the worker"
            );
        }
    }
}
