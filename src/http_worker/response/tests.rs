//! What a response keeps, and where it stops its transfer.

use super::*;

const MAX_BODY: usize = 1024 * 1024;

fn response(lines: &[&str], body: &[u8]) -> Response {
    let mut response = Response::new(Redirects::Answer, MAX_BODY);
    for line in lines {
        assert_eq!(response.header_line(line.as_bytes()), Flow::Continue);
    }
    assert_eq!(response.body(body), Flow::Continue);
    response
}

#[test]
fn the_last_of_several_responses_is_kept() {
    let lines = [
        "HTTP/1.1 103 Early\r\n",
        "Link: x\r\n",
        "\r\n",
        "HTTP/1.1 200 OK\r\n",
        "A: b\r\n",
        "\r\n",
        "T: trailer\r\n",
        "HTTP/1.1 500 Trailer\r\n",
    ];
    let (bytes, head) = response(&lines, b"\0body").into_parts();
    assert_eq!(&bytes[..head], b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    assert_eq!(&bytes[head..], b"\0body");
}

#[test]
fn a_status_is_what_its_line_says() {
    for (line, status, confirmed) in [
        ("HTTP/1.1 200 OK", 200, true),
        ("HTTP/2 404", 404, true),
        ("HTTP/1.1 999", 999, true),
        ("HTTP/1.1 101 Switching Protocols", 101, true),
        ("HTTP/1.1 100 Continue", 100, false),
        ("HTTP/nonsense", 200, false),
        ("HTTP/1.1 000 X", 0, false),
        ("HTTP/1.1 99 X", 99, false),
        ("HTTP/1.1 2000 X", 200, false),
    ] {
        let response = response(&[&format!("{line}\r\n"), "\r\n"], b"");
        assert_eq!(response.confirms(status), confirmed, "{line}");
    }
}

#[test]
fn another_request_has_a_response_of_its_own() {
    let mut challenged = response(&["HTTP/1.1 401 Who\r\n", "A: b\r\n", "\r\n", "T: trailer\r\n"], b"challenge");
    assert_eq!(challenged.request(|_| true), Flow::Continue);
    challenged.header_line(b"HTTP/1.1 200 OK\r\n");
    assert_eq!(&*challenged.into_parts().0, b"HTTP/1.1 200 OK\r\n");
}

#[test]
fn a_request_that_may_go_out_once_does_not_follow_a_broken_connection_to_another_that_is_closed() {
    let mut response = Response::new(Redirects::Answer, MAX_BODY).once();
    assert_eq!(response.request(|_| false), Flow::Continue);
    assert_eq!((response.request(|_| true), response.was_unfit()), (Flow::Stop, false));
}

#[test]
fn the_answer_to_a_challenge_goes_out_once_too() {
    let mut response = Response::new(Redirects::Answer, MAX_BODY).once();
    let is_broken = |question| question == Connection::ReplacesBroken;
    assert_eq!(response.request(is_broken), Flow::Continue);
    for line in ["HTTP/2 401\r\n", "\r\n"] {
        assert_eq!(response.header_line(line.as_bytes()), Flow::Continue);
    }
    assert_eq!(response.request(is_broken), Flow::Continue, "it answers the challenge");
    assert_eq!(response.request(is_broken), Flow::Stop, "it is the same once more");
}

#[test]
fn a_connection_that_speaks_first_is_not_used_where_it_must_be_silent() {
    for (unread, flow) in [(true, Flow::Stop), (false, Flow::Continue)] {
        let mut response = Response::new(Redirects::Answer, MAX_BODY).on_silent_connection();
        let request = response.request(|question| unread && question == Connection::Unread);
        assert_eq!((request, response.was_unfit()), (flow, unread));
    }
}

#[test]
fn limits_stop_one_past_them() {
    let mut response = Response::new(Redirects::Answer, MAX_BODY);
    assert_eq!(response.body(&vec![0; MAX_BODY]), Flow::Continue);
    assert_eq!(response.body(b"x"), Flow::Stop);
    assert_eq!(response.overflow(), Some(Overflow::Body));
    let mut response = Response::new(Redirects::Answer, MAX_BODY);
    response.header_line(b"HTTP/1.1 200 OK\r\n");
    assert_eq!(response.header_line(&vec![b'a'; MAX_HEADER_BYTES]), Flow::Stop);
    assert_eq!(response.overflow(), Some(Overflow::Headers));
}

#[test]
fn a_length_beyond_the_limit_stops_at_the_head_where_such_a_body_would_follow() {
    let long = MAX_BODY + 1;
    let answer = || Response::new(Redirects::Answer, MAX_BODY);
    for (response, head, flow) in [
        (answer(), format!("HTTP/1.1 200 OK\r\nContent-Length: {long}\r\n"), Flow::Stop),
        (answer(), format!("HTTP/2 200\r\ncontent-length: {long}\r\n"), Flow::Stop),
        (answer(), format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", "9".repeat(30)), Flow::Stop),
        (answer(), format!("HTTP/1.1 200 OK\r\nContent-Length: {MAX_BODY}\r\n"), Flow::Continue),
        (answer(), "HTTP/1.1 200 OK\r\nContent-Length: many\r\n".to_owned(), Flow::Continue),
        (
            answer(),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {long}\r\nTransfer-Encoding: chunked\r\n"),
            Flow::Continue,
        ),
        (answer(), format!("HTTP/1.1 304 Not Modified\r\nContent-Length: {long}\r\n"), Flow::Continue),
        (answer(), format!("HTTP/1.1 103 Early\r\nContent-Length: {long}\r\n"), Flow::Continue),
        (answer().without_body(), format!("HTTP/1.1 200 OK\r\nContent-Length: {long}\r\n"), Flow::Continue),
        (answer(), format!("HTTP/1.1 401 Who\r\nContent-Length: {long}\r\n"), Flow::Stop),
        (answer().after_challenges(), format!("HTTP/1.1 401 Who\r\nContent-Length: {long}\r\n"), Flow::Continue),
        (answer().after_challenges(), format!("HTTP/1.1 403 No\r\nContent-Length: {long}\r\n"), Flow::Stop),
    ] {
        let mut response = response;
        let lines: Vec<&str> = head.split_inclusive('\n').collect();
        for line in lines {
            assert_eq!(response.header_line(line.as_bytes()), Flow::Continue, "{head}");
        }
        assert_eq!(response.header_line(b"\r\n"), flow, "{head}");
        assert_eq!(response.overflow(), (flow == Flow::Stop).then_some(Overflow::Body), "{head}");
    }
}

#[test]
fn interim_responses_challenges_and_trailers_count_too() {
    const LINE: &[u8] = &[b'a'; 1024];
    for head in ["HTTP/1.1 103 Early\r\n", "HTTP/1.1 401 Who\r\n", "HTTP/1.1 200 OK\r\n"] {
        let mut response = Response::new(Redirects::Answer, MAX_BODY);
        let mut bytes = 0;
        while response.overflow().is_none() {
            assert!(bytes <= MAX_ALL_HEADER_BYTES, "{head}");
            for line in [head.as_bytes(), LINE, b"\r\n"] {
                response.header_line(line);
            }
            bytes += head.len() + LINE.len() + 2;
            if head.contains("401") {
                response.request(|_| false);
            }
        }
        assert_eq!(response.overflow(), Some(Overflow::AllHeaders), "{head}");
    }
}

/// What came of a head, and whether the transfer goes on after it.
fn redirect(redirects: Redirects, head: &str) -> (Response, Flow) {
    let mut response = Response::new(redirects, MAX_BODY);
    let mut flow = Flow::Continue;
    for line in head.split_inclusive('\n').chain(["\r\n"]) {
        assert_eq!(flow, Flow::Continue, "{head}");
        flow = response.header_line(line.as_bytes());
    }
    (response, flow)
}

#[test]
fn the_body_of_a_redirect_is_kept_only_where_it_is_the_answer() {
    for (redirects, location, kept) in [
        (Redirects::Lead, "/x", false),
        (Redirects::Lead, " ", true),
        (Redirects::Lead, "\r\n /folded", true),
        (Redirects::Answer, "/x", true),
    ] {
        let head = format!("HTTP/1.1 302 Found\r\nlocation:{location}\r\nContent-Length: 4\r\n");
        let (mut response, _) = redirect(redirects, &head);
        assert_eq!(response.leads_to().is_none(), kept, "{location:?}");
        assert_eq!(response.body(b"body"), Flow::Continue);
        let (bytes, head) = response.into_parts();
        assert_eq!(bytes.len() - head, if kept { 4 } else { 0 }, "{location:?}");
    }
}

#[test]
fn the_body_of_a_redirect_is_read_where_that_saves_the_connection() {
    for (head, read) in [
        ("HTTP/1.1 302 F\r\nContent-Length: 4\r\n", true),
        ("HTTP/1.1 302 F\r\nTransfer-Encoding: gzip, Chunked\r\n", true),
        ("HTTP/1.0 302 F\r\nConnection: keep-alive\r\nContent-Length: 4\r\n", true),
        ("HTTP/2 302\r\n", true),
        ("HTTP/1.1 302 F\r\n", false),
        ("HTTP/1.1 302 F\r\nContent-Length: 4\r\nConnection: x, Close\r\n", false),
        ("HTTP/1.0 302 F\r\nContent-Length: 4\r\n", false),
        ("HTTP/1.1 302 F\r\nContent-Length: 99999999\r\n", false),
    ] {
        let (_, flow) = redirect(Redirects::Lead, &format!("{head}Location: /x\r\n"));
        assert_eq!(flow == Flow::Continue, read, "{head}");
        let (_, flow) = redirect(Redirects::LeadWithoutBody, &format!("{head}Location: /x\r\n"));
        assert_eq!(flow, Flow::Continue, "{head}");
    }
}

#[test]
fn no_more_of_a_redirect_is_read_than_of_an_answer() {
    let (mut response, _) = redirect(Redirects::Lead, "HTTP/2 302\r\nlocation: /x\r\n");
    assert_eq!(response.body(&vec![0; MAX_BODY]), Flow::Continue);
    assert_eq!(response.body(b"x"), Flow::Stop);
    assert_eq!((response.overflow(), response.leads_to()), (None, Some(b"/x".as_slice())));
}
