//! Many queries at a time to a host one of whose addresses is silent: each is answered.

use super::site::Site;
use end_to_end::certificates::TestCertificates;
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE, wait_until};
use std::net::Ipv4Addr;

const BURST: usize = 200;

/// A burst of queries for each request.
const SCRIPT: &str = r#"
    route[MAIN] {
        $var(i) = 0;
        while($var(i) < {burst}) {
            $http_req(timeout) = 20000;
            {assignments}
            http_async_query("{scheme}://host:{http_port}/", "NOTED");
            $var(i) = $var(i) + 1;
        }
        sl_send_reply("200", "OK");
    }
    route[NOTED] { xlog("L_NOTICE", "noted $http_rs $http_err\n"); }"#;

fn bursts(site: &Site, scheme: &str, assignments: &str) -> Builder {
    let builder = Kamailio::with_script(SCRIPT).set("assignments", assignments).set("scheme", scheme);
    site.known_to(builder).set("burst", BURST).before("max_while_loops = 2000")
}

fn assert_all_answered(kamailio: &Kamailio) {
    assert_eq!(kamailio.message("alice").status(), 200);
    let noted = || kamailio.log().matches("noted ").count();
    assert!(wait_until(PATIENCE, || noted() >= BURST), "{} routes ran", noted());
    let failed = kamailio.log_lines("noted ").into_iter().find(|line| !line.contains("noted 200 <null>"));
    assert_eq!(failed, None);
    kamailio.wait_for_counts([BURST as i64, BURST as i64, 0, 0, 0]);
}

#[test]
fn a_burst_to_a_host_with_a_silent_address_is_answered() {
    let (mut site, _server, good) = Site::with_server("good");
    let addresses = [site.silent(), good];
    site.name("host", &addresses);
    assert_all_answered(&bursts(&site, "http", "").start());
}

/// What waits for a connection has not begun to connect.
#[test]
fn queries_that_wait_for_a_connection_are_answered() {
    let (mut site, server, good) = Site::with_server("good");
    let addresses = [site.silent(), site.refused(), good];
    site.name("host", &addresses);
    assert_all_answered(&bursts(&site, "http", "").parameter("max_connections_per_host", 2).start());
    assert!(server.connections() <= 2, "{} connections", server.connections());
}

#[test]
fn http2_streams_that_wait_for_a_connection_which_is_left_are_answered() {
    for is_tls in [false, true] {
        let certificates = TestCertificates::temporary();
        let server = if is_tls { Http2Server::start_tls(certificates.server()) } else { Http2Server::start() };
        let url = server.url("");
        let (scheme, port) = url.split_once("://localhost:").expect("a URL");
        let mut site = Site::with_port(port.parse().expect("a port"));
        let addresses = [site.silent(), site.refused(), Ipv4Addr::LOCALHOST.into()];
        site.name("host", &addresses);
        // The certificate is another host's.
        let builder = bursts(&site, scheme, "$http_req(http_version) = 2; $http_req(tls_verify_host) = 0;");
        assert_all_answered(&builder.trusting(&certificates).start());
    }
}
