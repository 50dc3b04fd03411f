//! What libcurl takes of shared memory with `memory_manager` shm, and gives back.

use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::kamailio::{Kamailio, PATIENCE};
use end_to_end::libcurl::shares_connections;

const FEW: usize = 200;
const MANY: usize = 2000;

/// As many queries as the user part says, none of which is answered before its deadline.
const HANG: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < $(rU{s.int})) { http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
        sl_send_reply("200", "OK");
    }
    route[DONE] { return; }"#;

/// Bytes of shared memory that are taken while so many transfers hang, and after.
fn taken_by(kamailio: &Kamailio, server: &HttpServer, count: usize) -> (i64, i64) {
    let ended = kamailio.counts()[0];
    server.forget_requests();
    kamailio.message(&count.to_string());
    server.wait_for_requests(count, PATIENCE);
    let during = kamailio.shared_memory_taken();
    let all = ended + count as i64;
    kamailio.wait_for_counts([all, 0, 0, all, 0]);
    (during, kamailio.shared_memory_at_rest())
}

#[test]
fn shared_memory_of_two_thousand_transfers_is_bounded_and_given_back() {
    let server = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
    let kamailio = Kamailio::with_script(HANG)
        .before("max_while_loops=10000")
        .set("url", server.url("/"))
        .parameter("memory_manager", "\"shm\"")
        .parameter("connection_timeout", 10_000)
        .parameter("queue_size", 4000)
        .parameter("max_in_flight", 2000)
        .start();
    // Easy handles are kept, and the empty slabs of the worker: let it have as many as it will ever have.
    let (_, before) = taken_by(&kamailio, &server, FEW);
    let (during, after) = taken_by(&kamailio, &server, MANY);
    let each = (during - before) / MANY as i64;
    // An old libcurl has a receive buffer for each transfer.
    let most = if shares_connections() { 11_000 } else { 14_000 };
    assert!(each < most, "{each} bytes for each transfer");
    assert!(after - before < 128 * 1024, "{before} bytes before, {after} after {MANY} transfers");
}
