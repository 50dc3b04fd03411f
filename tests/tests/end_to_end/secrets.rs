//! Secrets stay out of the log, at every level and with `curl_verbose`: the log is searched for each of them, as it is and
//! in the forms that HTTP gives it. The core has no part in this: the secrets come from variables, which it does not log.

use crate::common::{assert_failed, assert_replied, one_query};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::handlers::digest_auth;
use end_to_end::http_server::{HttpServer, Request, Response};
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::{Builder, Kamailio};

const USER: &str = "user-Yq3kZ";
const PASSWORD: &str = "password-W8vLt";
const OTHERS: [&str; 3] = ["bearer-Jm5xP", "cookie-Rb7nC", "token-Ds2hF"];

/// Everything that the log must not hold.
fn secrets() -> Vec<String> {
    let plain = [USER, PASSWORD].into_iter().chain(OTHERS).map(str::to_owned);
    let pairs = [format!("{USER}:{PASSWORD}"), format!("{USER}:"), PASSWORD.to_owned()];
    // Beginning and end change with what stands around; the middle does not.
    let encoded = pairs.iter().map(|pair| STANDARD.encode(pair).trim_end_matches('=').to_owned());
    plain.chain(encoded.map(|text| text[..text.len() - 1].to_owned())).collect()
}

fn assert_hidden(kamailio: &Kamailio) {
    let log = kamailio.log();
    for secret in secrets() {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

/// The secrets as variables of the environment, which the script reads as `$env(NAME)`.
fn with_secrets(builder: Builder) -> Builder {
    let names = ["BEARER", "COOKIE", "TOKEN"];
    let builder = builder.environment("USER_NAME", USER).environment("PASSWORD", PASSWORD);
    names.iter().zip(OTHERS).fold(builder, |builder, (name, secret)| builder.environment(name, secret))
}

/// An instance at a debug level that tells all that it can.
fn verbose(url: &str, assignments: &str, level: i32) -> Builder {
    with_secrets(one_query(url, assignments, "").debug(level).parameter("curl_verbose", 1))
        .parameter("connection_timeout", 8000)
}

const CREDENTIALS: &str = r#"$http_req(username) = $env(USER_NAME); $http_req(password) = $env(PASSWORD);"#;

/// Headers that carry secrets, of the script's own making.
const HEADERS: &str = r#"$http_req(hdr) = "Authorization: Bearer " + $env(BEARER);
    $http_req(hdr) = "cookie: id=" + $env(COOKIE); $http_req(hdr) = "PROXY-AUTHORIZATION: Basic " + $env(TOKEN);"#;

/// A URL with credentials in a header of the script's own making.
const REFERER: &str =
    r#"$http_req(hdr) = "Referer: http://" + $env(USER_NAME) + ":" + $env(PASSWORD) + "@elsewhere.example/";"#;

/// Shows that the log tells of the exchange, so that what it hides is not hidden by silence.
fn assert_told(kamailio: &Kamailio, text: &str) {
    let line = kamailio.wait_for_log(text);
    assert!(line.contains("curl "), "{line}");
}

fn with_cookies(_: &Request) -> Response {
    let [bearer, cookie, token] = OTHERS;
    Response::new(200, "OK")
        .header("Set-Cookie", format!("id={cookie}; HttpOnly\r\n {token}\r\n\tand {bearer}"))
        .header("Content-Location", format!("//{USER}:{PASSWORD}@elsewhere.example/"))
        .header("Authentication-Info", format!("nextnonce=\"{token}\""))
        .header("X-Shown", "yes")
}

#[test]
fn headers_with_secrets_are_hidden_in_requests_and_responses() {
    let server = HttpServer::start(with_cookies);
    for level in [2, 3, 4] {
        let kamailio = verbose(&server.url("/"), HEADERS, level).start();
        assert_replied(&kamailio.message("alice"), "200");
        for text in ["> Authorization: [hidden]", "> cookie: [hidden]", "< Set-Cookie: [hidden]", "< X-Shown: yes"] {
            assert_told(&kamailio, text);
        }
        assert_hidden(&kamailio);
    }
    let request = server.requests().remove(0);
    assert_eq!(request.header("Authorization"), Some("Bearer bearer-Jm5xP"), "the secret was sent");
}

#[test]
fn credentials_that_libcurl_sends_are_hidden() {
    let basic = HttpServer::start(|_| Response::text("x"));
    let digest = HttpServer::start(digest_auth(USER, PASSWORD, |_| Response::text("x")));
    for (server, authmethod) in [(&basic, 1), (&digest, 2), (&digest, 3), (&digest, 31)] {
        for level in [3, 4] {
            let assignments = format!("{CREDENTIALS} $http_req(authmethod) = {authmethod};");
            let kamailio = verbose(&server.url("/"), &assignments, level).start();
            assert_replied(&kamailio.message("alice"), "200");
            assert_told(&kamailio, "> Authorization: [hidden]");
            assert_hidden(&kamailio);
        }
    }
}

#[test]
fn credentials_in_urls_are_hidden() {
    let digest = HttpServer::start(digest_auth(USER, PASSWORD, |_| Response::text("x")));
    let inner = digest.url("/there").replace("http://", &format!("//{USER}:{PASSWORD}@"));
    let redirecting = HttpServer::start(move |_| {
        Response::new(302, "Found").header("Location", inner.clone()).header("X-Url", format!("http:{inner}"))
    });
    let follow = "$http_req(follow_redirect) = 1; $http_req(authmethod) = 2;";
    let userinfo = "$env(USER_NAME):$env(PASSWORD)@";
    let referer = format!("http://{USER}:{PASSWORD}@elsewhere.example/");
    for url in [
        digest.url("/").replace("http://", &format!("http://{userinfo}")),
        // Without a scheme, and one slash short.
        digest.url("/?to=http://elsewhere.example/").replacen("http://", userinfo, 1),
        digest.url("/").replace("http://", &format!("HTTP:/{userinfo}")),
        redirecting.url("/"),
    ] {
        let kamailio = verbose(&url, &format!("{follow} {REFERER}"), 4).start();
        assert_replied(&kamailio.message("alice"), "200");
        assert_told(&kamailio, "> Authorization: [hidden]");
        assert_told(&kamailio, "> Referer: http://[hidden]@elsewhere.example/");
        assert_hidden(&kamailio);
    }
    assert_eq!(digest.requests()[0].header("Referer"), Some(referer.as_str()), "the secret was sent");
}

#[test]
fn a_head_longer_than_one_tls_record_shows_no_secret() {
    let certificates = TestCertificates::temporary();
    let server = HttpServer::start_tls(certificates.server(), |_| Response::text("x"));
    // Paths of different lengths put the end of the first 16 KiB at many places of the secret header.
    let fill = r#"$var(b) = "0123456789abcdef"; $var(i) = 0;
        while($var(i) < 8) { $var(b) = $var(b) + $var(b); $var(i) = $var(i) + 1; }
        $http_req(hdr) = "X-1: " + $var(b); $http_req(hdr) = "X-2: " + $var(b); $http_req(hdr) = "X-3: " + $var(b);
        $http_req(hdr) = "X-4: " + $(var(b){s.substr,0,3950}); $http_req(hdr) = "Cookie: id=" + $env(COOKIE);"#;
    let kamailio = verbose(&server.url("/$rU"), fill, 3).trusting(&certificates).start();
    for length in (30..75).step_by(3) {
        assert_replied(&kamailio.message(&"a".repeat(length)), "200");
    }
    assert_eq!(server.requests()[0].header("Cookie"), Some("id=cookie-Rb7nC"));
    let log = kamailio.log();
    for part in ["cookie-R", "okie-Rb7", "e-Rb7nC", "-Rb7nC", "Rb7nC"] {
        let line = log.lines().find(|line| line.contains(part));
        assert_eq!(line, None, "{part} is in the log");
    }
}

#[test]
fn http2_shows_no_secret_either() {
    let certificates = TestCertificates::temporary();
    for server in [Http2Server::start(), Http2Server::start_tls(certificates.server())] {
        let basic = format!("$http_req(http_version) = 2; $http_req(authmethod) = 1; {CREDENTIALS}");
        let by_url = server.url("/challenged").replace("://", "://$env(USER_NAME):$env(PASSWORD)@");
        let by_headers = format!("$http_req(http_version) = 2; {HEADERS}");
        for (url, assignments) in [
            (server.url("/"), &basic),
            (by_url, &"$http_req(http_version) = 2;".to_owned()),
            (server.url("/"), &by_headers),
        ] {
            let kamailio = verbose(&url, assignments, 4).trusting(&certificates).start();
            assert_replied(&kamailio.message("alice"), "200");
            let lower = kamailio.wait_for_log("curl ").to_lowercase();
            assert!(!lower.is_empty() && kamailio.log().to_lowercase().contains("authorization: [hidden]"));
            assert_hidden(&kamailio);
        }
    }
}

#[test]
fn errors_name_no_credentials() {
    let userinfo = "$env(USER_NAME):$env(PASSWORD)@";
    for url in [
        format!("http://{userinfo}127.0.0.1:1/"),
        format!("{userinfo}no-such-host.invalid/"),
        format!("http://{userinfo}127.0.0.1:99999/"),
        format!("ftp://{userinfo}127.0.0.1/"),
        format!("http://{userinfo}[::1/"),
        format!("http://{userinfo}"),
    ] {
        let kamailio = verbose(&url, "xlog(\"L_NOTICE\", \"asked\\n\");", 4).start();
        let answer = kamailio.message("alice");
        assert_failed(&answer, "");
        assert!(secrets().iter().all(|secret| !answer.text().contains(secret)), "{}", answer.text());
        assert_hidden(&kamailio);
    }
}

#[test]
fn refused_assignments_and_queries_show_no_secret() {
    let server = HttpServer::start(|_| Response::text("x"));
    for assignment in [
        r#"$http_req(password) = $env(PASSWORD) + "\r\n";"#,
        r#"$http_req(username) = $env(USER_NAME) + "\r\n";"#,
        r#"$http_req(hdr) = "Authorization " + $env(BEARER);"#,
        r#"http_async_set("password", "$env(PASSWORD)\n");"#,
        r#"http_append_header("Cookie $env(COOKIE)");"#,
        r#"http_async_query("http://$env(USER_NAME):$env(PASSWORD)@127.0.0.1/\r\n", "REPLY"); $http_req(timeout) = 0;"#,
    ] {
        let kamailio = verbose(&server.url("/"), assignment, 4).start();
        crate::common::assert_refused(&kamailio.message("alice"));
        assert!(!kamailio.log_lines("ERROR: http_async_client").is_empty());
        assert_hidden(&kamailio);
    }
}
