//! What most tests share: a script that makes one query and reports what came of it.

use end_to_end::http_server::HttpServer;
use end_to_end::kamailio::{Builder, Kamailio, PATIENCE};
use end_to_end::sip::{Sent, SipClient, SipMessage};

/// Routes that answer the request with what the callback saw. `{seen}` takes more reply headers.
pub const REPORT: &str = r#"
route[REPLY] {
    append_to_reply("X-Ok: $http_ok\r\nX-Error: $http_err_text\r\nX-Status: $http_rs\r\nX-Reason: $http_rr\r\n");
    append_to_reply("X-Id: $http_req_id\r\n");
    {seen}
    t_reply("200", "Answered");
}
"#;

/// One query for each request: `{assignments}` before it, `{url}` as its URL; a refused one is answered with 500 and
/// the return code.
const ONE_QUERY: &str = r#"
route[MAIN] {
    t_newtran();
    {assignments}
    $var(returned) = 0;
    http_async_query("{url}", "REPLY");
    $var(returned) = $rc;
    append_to_reply("X-Returned: $var(returned)\r\n");
    t_reply("500", "Not suspended");
}
"#;

/// An instance whose requests each make one query to `url`.
pub fn one_query(url: &str, assignments: &str, seen: &str) -> Builder {
    Kamailio::with_script(&format!("{ONE_QUERY}{REPORT}"))
        .set("url", url)
        .set("seen", seen)
        .set("assignments", assignments)
}

/// An instance that runs `script`, whose `{url}` is that of `server`.
pub fn instance(server: &HttpServer, script: &str) -> Builder {
    Kamailio::with_script(script).set("url", server.url("/"))
}

/// What the SIP side got for one query to `server` with some `$http_req` assignments.
pub fn ask(server: &HttpServer, assignments: &str) -> SipMessage {
    one_query(&server.url("/asked"), assignments, "").start().message("alice")
}

/// Value of a reply header that the script always adds.
pub fn seen<'a>(answer: &'a SipMessage, header: &str) -> &'a str {
    answer.header(header).unwrap_or_else(|| panic!("no {header} in\n{}", answer.text()))
}

/// Asserts that the query ended in a response of that status.
pub fn assert_replied(answer: &SipMessage, status: &str) {
    assert_eq!((seen(answer, "X-Ok"), seen(answer, "X-Status")), ("1", status), "{}", answer.text());
    assert_eq!(seen(answer, "X-Error"), "<null>");
}

/// Asserts that the query ended in an error whose text holds `text`.
pub fn assert_failed(answer: &SipMessage, text: &str) {
    assert_eq!((seen(answer, "X-Ok"), seen(answer, "X-Status")), ("0", "<null>"), "{}", answer.text());
    assert!(seen(answer, "X-Error").contains(text), "{text:?} is not in {}", seen(answer, "X-Error"));
}

/// Asserts that the server's certificate was not accepted. OpenSSL's words differ between its versions.
pub fn assert_untrusted(answer: &SipMessage) {
    assert_failed(answer, "");
    let error = seen(answer, "X-Error");
    assert!(error.contains("SSL") || error.contains("TLS"), "{error}");
}

/// Asserts that the function returned -1 and the script went on.
pub fn assert_refused(answer: &SipMessage) {
    assert_eq!((answer.status(), seen(answer, "X-Returned")), (500, "-1"), "{}", answer.text());
}

/// Somebody to be called; it answers whoever asks it.
pub fn callee() -> SipClient {
    SipClient::new(([127, 0, 0, 1], 9).into())
}

/// A call that has reached its callee.
pub struct Call {
    caller: SipClient,
    sent: Sent,
    /// The INVITE as the callee got it.
    pub invite: SipMessage,
}

impl Call {
    /// Sends an INVITE through `kamailio` and waits until it reaches `callee`; other requests before it are passed
    /// over.
    pub fn start(kamailio: &Kamailio, callee: &SipClient) -> Self {
        let caller = kamailio.client();
        let sent = caller.send("INVITE", "bob", "", "");
        let mut requests = std::iter::from_fn(|| callee.receive_request(PATIENCE));
        let invite = requests.find(|request| request.method() == "INVITE").expect("the INVITE is relayed");
        Self { caller, sent, invite }
    }

    /// The next reply of any kind that the caller gets within `patience`.
    pub fn provisional(&self, patience: std::time::Duration) -> Option<SipMessage> {
        self.caller.receive(patience)
    }

    /// The final answer that the caller gets.
    pub fn answer(&self) -> SipMessage {
        self.caller.final_answer(&self.sent).expect("a final answer")
    }
}
