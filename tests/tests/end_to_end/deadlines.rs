//! One deadline over everything, and limits on what a peer may send.

mod case;
mod destination;
mod healthy;
mod matrix;
mod nothing_late;
mod queue;
mod stop;
mod stopped_worker;
mod timed;

pub use timed::allowed;

use crate::common::{assert_failed, assert_replied, one_query, seen};
use end_to_end::http_server::{HttpServer, Response};

#[test]
fn names_of_the_hosts_file_are_found_without_a_name_server() {
    let server = HttpServer::start(|_| Response::text("x"));
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let builder = one_query(&url, "", "").resolv_conf("nameserver 127.0.0.78\n");
    assert_replied(&builder.start().message("alice"), "200");
}

#[test]
fn a_response_at_the_limit_is_taken_and_one_past_it_is_an_error() {
    let megabyte = HttpServer::start(|_| Response::new(200, "OK").body(vec![b'x'; 1024 * 1024]));
    let kamailio = one_query(&megabyte.url("/"), "", r#"append_to_reply("X-Bs: $http_bs\r\n");"#).start();
    let answer = kamailio.message("alice");
    assert_replied(&answer, "200");
    assert_eq!(seen(&answer, "X-Bs"), "1048576");
    let beyond = HttpServer::start(|_| Response::new(200, "OK").body(vec![b'x'; 1024 * 1024 + 1]));
    assert_failed(&one_query(&beyond.url("/"), "", "").start().message("alice"), "1048576 bytes");
    let headers = HttpServer::start(|_| {
        (0..17).fold(Response::new(200, "OK"), |response, _| response.header("X", "y".repeat(4090)))
    });
    assert_failed(&one_query(&headers.url("/"), "", "").start().message("alice"), "65536 bytes");
}

#[test]
fn endless_redirects_end_at_the_limit() {
    let server = HttpServer::start(|_| Response::new(302, "Found").header("Location", "/again"));
    let answer = one_query(&server.url("/"), "$http_req(follow_redirect) = 1;", "").start().message("alice");
    assert_failed(&answer, "edirect");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn environment_proxies_are_not_used() {
    let server = HttpServer::start(|_| Response::text("x"));
    let kamailio = one_query(&server.url("/"), "", "").environment("http_proxy", "http://127.0.0.1:1/").start();
    assert_replied(&kamailio.message("alice"), "200");
}
