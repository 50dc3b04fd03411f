//! Scripts in Python. Each is the body of the class that ends the prelude. Every function of a SIP worker returns a
//! number: after any other value, app_python3 5.6 leaves an exception pending that fails the process's next function.

use super::Language;
use crate::common::assert_replied;

const PYTHON: Language = Language { name: "python", engine: "app_python3", file: "script.py", prelude: PRELUDE };

const PRELUDE: &str = r#"
import KSR as KSR
http = KSR.http_async_client

def mod_init(): return Script()

def go_on(reason, returned):
    KSR.hdr.append_to_reply(f"X-Returned: {returned}\r\n")
    KSR.tm.t_reply(200, reason)
    return 1

class Common:
    def child_init(self, rank):
        return 0

    def ksr_request_route(self, msg):
        if KSR.pv.get("$rU") == "is-it-ready":
            KSR.sl.sl_send_reply(200, "Ready")
            return 1
        return self.ksr_route_main(msg)

    def ksr_reply(self, msg):
        for name, variable in [("Ok", "ok"), ("Error", "err_text"), ("Status", "rs"), ("Body", "rb")]:
            value = KSR.pv.getw(f"$http_{variable}")
            KSR.hdr.append_to_reply(f"X-{name}: {value}\r\n")
        KSR.tm.t_reply(200, "Answered")
        return 1

class Script(Common):
"#;

#[test]
fn a_query_suspends_and_its_callback_is_a_function_of_the_script() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            KSR.pv.sets("$http_req(hdr)", "X-From: python")
            http.query("{url}", "ksr_reply")
            return 1
        "#;
    super::assert_suspends_and_resumes(&PYTHON, script);
}

#[test]
fn an_error_is_in_the_variables_of_the_callback() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.query("{nobody}", "ksr_reply")
            return 1
        "#;
    super::assert_tells_of_an_error(&PYTHON, script);
}

#[test]
fn a_callback_makes_a_second_query() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.query("{url}first", "ksr_first")
            return 1

        def ksr_first(self, msg):
            http.query("{url}after" + KSR.pv.get("$http_rb"), "ksr_reply")
            return 1
        "#;
    super::assert_queries_again(&PYTHON, script);
}

#[test]
fn return_values_are_those_of_the_native_function() {
    let script = r#"
        def ksr_route_main(self, msg):
            refused = http.query("", "ksr_note")
            accepted = http.query("{url}", "ksr_note")
            KSR.tm.t_newtran()
            suspended = http.query("{url}", "ksr_reply")
            KSR.err(f"returned {refused} {accepted} {suspended}\n")
            return 1

        def ksr_note(self, msg, event):
            KSR.err("noted " + str(KSR.pv.get("$http_rs")) + "\n")
            return 1
        "#;
    super::assert_returns_as_the_native_function(&PYTHON, script);
}

#[test]
fn a_missing_function_is_a_log_line_and_tms_error_reply() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.send("{url}", "ksr_nobody")
            http.query("{url}", "ksr_nowhere")
            return 1
        "#;
    super::assert_tells_of_a_missing_function(&PYTHON, script);
}

#[test]
fn a_callback_that_fails_harms_no_other() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.query("{url}", "ksr_fail")
            return 1

        def ksr_fail(self, msg):
            if KSR.pv.get("$http_ok") == 1 and KSR.pv.get("$rU") == "mallory":
                raise RuntimeError("on purpose")
            return self.ksr_reply(msg)
        "#;
    super::assert_outlives_a_failing_callback(&PYTHON, script);
}

#[test]
fn header_method_and_body_functions_make_the_request() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.append_header("X-Foo: bar")
            http.set_method("PUT")
            http.set("body", "'quoted' body")
            http.query("{url}", "ksr_reply")
            return 1
        "#;
    super::assert_sends_what_was_set(&PYTHON, script);
}

#[test]
fn set_timeout_ends_the_query() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.set_timeout("150")
            http.query("{url}", "ksr_reply")
            return 1
        "#;
    super::assert_ends_after_its_timeout(&PYTHON, script);
}

#[test]
fn a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            returned = [
                http.set_timeout("soon"), http.set_method("TRACE"), http.append_header("no colon"),
                http.suspend("x"), http.tls_verify_host("x"), http.tls_verify_peer(""),
                http.set("no_such_key", "1"), http.query("{url}", "ksr_reply")
            ]
            return go_on("Refused", " ".join(map(str, returned)))
        "#;
    super::assert_refuses_wrong_values(&PYTHON, script);
}

#[test]
fn what_scripts_rely_on_holds() {
    let script = r#"
        def ksr_route_main(self, msg):
            user = KSR.pv.get("$rU")
            if user == "webhook":
                id = "<" + KSR.pv.get("$http_req_id") + ">"
                http.append_header("X-A: one\r\n")
                http.set("hdr", "X-B: two\n")
                KSR.pv.sets("$http_req(hdr)", "X-C: three\r\n")
                sent = http.send("{url}webhook", "")
                again = http.query("{url}again", "")
                KSR.hdr.append_to_reply(f"X-Returned: {id} {sent} {again}\r\n")
                KSR.sl.sl_send_reply(200, "Sent")
                return 1
            KSR.tm.t_newtran()
            refused = http.query("{url}", "")
            if user == "empty":
                return go_on("Refused", refused)
            http.query("{url}late", "ksr_" + user)
            return 1

        def ksr_forgets(self, msg):
            KSR.pv.get("$http_ok")
            return 1

        def ksr_tells(self, msg):
            KSR.hdr.append_to_reply("X-Err: " + KSR.pv.get("$http_err") + "\r\n")
            KSR.hdr.append_to_reply("X-Class: " + KSR.pv.get("$http_err_class") + "\r\n")
            KSR.hdr.append_to_reply("X-Number: " + str(KSR.pv.get("$http_errno") + 1) + "\r\n")
            KSR.tm.t_reply(200, "Told")
            return 1
        "#;
    super::assert_holds_what_scripts_rely_on(&PYTHON, script);
}

#[test]
fn suspend_0_lets_the_script_go_on() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            http.suspend(KSR.pv.get("$rU"))
            returned = http.query("{url}", "ksr_note_or_reply")
            return 1 if returned == 0 else go_on("Went on", returned)

        def ksr_note_or_reply(self, msg, event=None):
            if KSR.pv.get("$rm") == "MESSAGE":
                return self.ksr_reply(msg)
            KSR.err("noted " + str(KSR.pv.get("$http_rs")) + "\n")
            return 1
        "#;
    super::assert_goes_on_unless_suspended(&PYTHON, script);
}

#[test]
fn send_never_suspends_and_carries_its_string_to_the_callback() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            first = http.send("{url}", "ksr_note")
            second = http.send_xdata("{url}", "ksr_note", "call of " + KSR.pv.get("$rU"))
            return go_on("Went on", f"{first} {second}")

        def ksr_note(self, msg, event):
            status, xdata, method = (KSR.pv.getw(name) for name in ("$http_rs", "$http_xdata", "$rm"))
            KSR.err(f"noted {status} <{xdata}> {method}\n")
            return 1
        "#;
    super::assert_sends_without_suspending(&PYTHON, script);
}

#[test]
fn a_callback_runs_without_any_transaction() {
    let script = r#"
        def ksr_route_main(self, msg):
            http.query("{url}", "ksr_note")
            KSR.sl.sl_send_reply(200, "Stateless")
            return 1

        def ksr_note(self, msg, event):
            status, body, method = (KSR.pv.getw(name) for name in ("$http_rs", "$http_rb", "$rm"))
            KSR.err(f"noted {status} <{body}> {method}\n")
            return 1
        "#;
    super::assert_runs_without_a_transaction(&PYTHON, script);
}

#[test]
fn only_a_detached_callback_gets_the_name_of_the_event() {
    let script = r#"
        def ksr_route_main(self, msg):
            KSR.tm.t_newtran()
            if KSR.pv.get("$rU") == "suspended":
                http.query("{url}", "ksr_arguments")
                return 1
            http.send("{url}", "ksr_arguments")
            return go_on("Went on", 1)

        def ksr_arguments(self, msg, *arguments):
            method = KSR.pv.get("$rm")
            KSR.err(f"{method} called with <{' '.join(arguments)}>\n")
            return self.ksr_reply(msg) if method == "MESSAGE" else KSR.pv.get("$http_ok")
        "#;
    super::assert_arguments(&PYTHON, script, "", "http_async_client:callback");
}

#[test]
fn tls_functions_decide_for_one_query() {
    let script = r#"
        def ksr_route_main(self, msg):
            case = KSR.pv.get("$rU")
            KSR.tm.t_newtran()
            http.tls_verify_peer("0") if case == "any-peer" else http.set_tls_ca_path("{authority}")
            if case == "any-host":
                http.tls_verify_host("0")
            if case == "known":
                http.set_tls_client_cert("{certificate}")
                http.set_tls_client_key("{key}")
            http.query("{url}", "ksr_reply")
            return 1
        "#;
    super::assert_tls_functions_decide(&PYTHON, script);
}

#[test]
fn what_a_callback_leaves_behind_harms_no_other() {
    let script = r#"
        def ksr_route_main(self, msg):
            callback = KSR.pv.get("$rU")
            if callback == "ksr_reply":
                KSR.tm.t_newtran()
                http.query("{url}", callback)
                return 1
            http.send("{url}", callback)
            KSR.sl.sl_send_reply(200, "Sent")
            return 1

        def ksr_nothing(self, msg, event):
            KSR.pv.get("$http_ok")

        def ksr_text(self, msg, event):
            return KSR.pv.get("$http_rb")
        "#;
    let server = super::echo();
    let instance = PYTHON.start(script, &server);
    for (pair, callback) in ["ksr_nothing", "ksr_text", "ksr_missing"].into_iter().enumerate() {
        let count = 2 * pair as i64;
        assert_eq!(instance.kamailio.message(callback).reason(), "Sent");
        instance.kamailio.wait_for_counts([count + 1, count + 1, 0, 0, 0]);
        assert_replied(&instance.kamailio.message("ksr_reply"), "200");
        instance.kamailio.wait_for_counts([count + 2, count + 2, 0, 0, 0]);
    }
}
