//! Scripts in Lua.

use super::Language;
use crate::common::{Call, assert_replied, callee, seen};

const LUA: Language = Language { name: "lua", engine: "app_lua", file: "script.lua", prelude: PRELUDE };

const PRELUDE: &str = r#"
http = KSR.http_async_client
function ksr_request_route()
    if KSR.pv.get("$rU") == "is-it-ready" then KSR.sl.sl_send_reply(200, "Ready") return 1 end
    return ksr_route_main()
end
function ksr_reply()
    local header = function(name, variable)
        KSR.hdr.append_to_reply(name .. ": " .. KSR.pv.getw(variable) .. "\r\n")
    end
    header("X-Ok", "$http_ok")
    header("X-Error", "$http_err_text")
    header("X-Status", "$http_rs")
    header("X-Body", "$http_rb")
    KSR.tm.t_reply(200, "Answered")
    return 1
end
function go_on(reason, returned)
    KSR.hdr.append_to_reply("X-Returned: " .. returned .. "\r\n")
    KSR.tm.t_reply(200, reason)
    return 1
end
"#;

#[test]
fn a_query_suspends_and_its_callback_is_a_function_of_the_script() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            KSR.pv.sets("$http_req(hdr)", "X-From: lua")
            http.query("{url}", "ksr_reply")
            return 1
        end"#;
    super::assert_suspends_and_resumes(&LUA, script);
}

#[test]
fn an_error_is_in_the_variables_of_the_callback() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.query("{nobody}", "ksr_reply")
            return 1
        end"#;
    super::assert_tells_of_an_error(&LUA, script);
}

#[test]
fn a_callback_makes_a_second_query() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.query("{url}first", "ksr_first")
            return 1
        end
        function ksr_first()
            http.query("{url}after" .. KSR.pv.get("$http_rb"), "ksr_reply")
            return 1
        end"#;
    super::assert_queries_again(&LUA, script);
}

#[test]
fn return_values_are_those_of_the_native_function() {
    let script = r#"
        function ksr_route_main()
            local refused = http.query("", "ksr_note")
            local accepted = http.query("{url}", "ksr_note")
            KSR.tm.t_newtran()
            local suspended = http.query("{url}", "ksr_reply")
            KSR.err("returned " .. refused .. " " .. accepted .. " " .. suspended .. "\n")
            return 1
        end
        function ksr_note() KSR.err("noted " .. KSR.pv.get("$http_rs") .. "\n") return 1 end"#;
    super::assert_returns_as_the_native_function(&LUA, script);
}

#[test]
fn a_missing_function_is_a_log_line_and_tms_error_reply() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.send("{url}", "ksr_nobody")
            http.query("{url}", "ksr_nowhere")
            return 1
        end"#;
    super::assert_tells_of_a_missing_function(&LUA, script);
}

#[test]
fn a_callback_that_fails_harms_no_other() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.query("{url}", "ksr_fail")
            return 1
        end
        function ksr_fail()
            if KSR.pv.get("$http_ok") == 1 and KSR.pv.get("$rU") == "mallory" then error("on purpose") end
            return ksr_reply()
        end"#;
    super::assert_outlives_a_failing_callback(&LUA, script);
}

#[test]
fn header_method_and_body_functions_make_the_request() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.append_header("X-Foo: bar")
            http.set_method("PUT")
            http.set("body", "'quoted' body")
            http.query("{url}", "ksr_reply")
            return 1
        end"#;
    super::assert_sends_what_was_set(&LUA, script);
}

#[test]
fn set_timeout_ends_the_query() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.set_timeout("150")
            http.query("{url}", "ksr_reply")
            return 1
        end"#;
    super::assert_ends_after_its_timeout(&LUA, script);
}

#[test]
fn a_function_with_a_wrong_value_returns_minus_1_and_refuses_the_query() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            local returned = {
                http.set_timeout("soon"), http.set_method("TRACE"), http.append_header("no colon"),
                http.suspend("x"), http.tls_verify_host("x"), http.tls_verify_peer(""),
                http.set("no_such_key", "1"), http.query("{url}", "ksr_reply")
            }
            return go_on("Refused", table.concat(returned, " "))
        end"#;
    super::assert_refuses_wrong_values(&LUA, script);
}

/// Of a script of the C module's: the id is joined to other texts, headers end their lines, a webhook has no callback.
#[test]
fn what_scripts_rely_on_holds() {
    let script = r#"
        function ksr_route_main()
            if KSR.pv.get("$rU") == "webhook" then
                local id = "<" .. KSR.pv.get("$http_req_id") .. ">"
                http.append_header("X-A: one\r\n")
                http.set("hdr", "X-B: two\n")
                KSR.pv.sets("$http_req(hdr)", "X-C: three\r\n")
                local sent = http.send("{url}webhook", "")
                local returned = id .. " " .. sent .. " " .. http.query("{url}again", "")
                KSR.hdr.append_to_reply("X-Returned: " .. returned .. "\r\n")
                KSR.sl.sl_send_reply(200, "Sent")
                return 1
            end
            KSR.tm.t_newtran()
            local refused = http.query("{url}", "")
            if KSR.pv.get("$rU") == "empty" then return go_on("Refused", refused) end
            http.query("{url}late", "ksr_" .. KSR.pv.get("$rU"))
            return 1
        end
        function ksr_forgets() KSR.pv.get("$http_ok") return 1 end
        function ksr_tells()
            KSR.hdr.append_to_reply("X-Err: " .. KSR.pv.get("$http_err") .. "\r\n")
            KSR.hdr.append_to_reply("X-Class: " .. KSR.pv.get("$http_err_class") .. "\r\n")
            KSR.hdr.append_to_reply("X-Number: " .. (KSR.pv.get("$http_errno") + 1) .. "\r\n")
            KSR.tm.t_reply(200, "Told")
            return 1
        end"#;
    super::assert_holds_what_scripts_rely_on(&LUA, script);
}

#[test]
fn what_is_no_string_is_no_value() {
    let script = r#"
        function ksr_route_main()
            local returned = {}
            local note = function(result) returned[#returned + 1] = result end
            KSR.tm.t_newtran()
            for _, value in ipairs({ {}, true, "nil" }) do
                if value == "nil" then value = nil end
                for _, set in ipairs({ "set_timeout", "append_header", "suspend", "set_tls_client_cert" }) do
                    note(http[set](value))
                end
                note(http.set("body", value))
                note(http.query("{url}", "ksr_reply"))
                note(http.query(value, "ksr_reply"))
                note(http.query("{url}", value))
                note(http.send_xdata("{url}", "ksr_reply", value))
            end
            return go_on("Refused", table.concat(returned, " "))
        end"#;
    super::assert_refuses_what_has_no_value(&LUA, script, 27);
}

#[test]
fn suspend_0_lets_the_script_go_on() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            http.suspend(KSR.pv.get("$rU"))
            local returned = http.query("{url}", "ksr_note_or_reply")
            if returned == 0 then return 1 end
            return go_on("Went on", returned)
        end
        function ksr_note_or_reply()
            if KSR.pv.get("$rm") == "MESSAGE" then return ksr_reply() end
            KSR.err("noted " .. KSR.pv.get("$http_rs") .. "\n")
            return 1
        end"#;
    super::assert_goes_on_unless_suspended(&LUA, script);
}

#[test]
fn send_never_suspends_and_carries_its_string_to_the_callback() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            local first = http.send("{url}", "ksr_note")
            local second = http.send_xdata("{url}", "ksr_note", "call of " .. KSR.pv.get("$rU"))
            return go_on("Went on", first .. " " .. second)
        end
        function ksr_note()
            local status, xdata = KSR.pv.get("$http_rs"), KSR.pv.getw("$http_xdata")
            KSR.err("noted " .. status .. " <" .. xdata .. "> " .. KSR.pv.get("$rm") .. "\n")
            return 1
        end"#;
    super::assert_sends_without_suspending(&LUA, script);
}

#[test]
fn a_callback_runs_without_any_transaction() {
    let script = r#"
        function ksr_route_main()
            http.query("{url}", "ksr_note")
            KSR.sl.sl_send_reply(200, "Stateless")
            return 1
        end
        function ksr_note()
            local status, body = KSR.pv.get("$http_rs"), KSR.pv.get("$http_rb")
            KSR.err("noted " .. status .. " <" .. body .. "> " .. KSR.pv.get("$rm") .. "\n")
            return 1
        end"#;
    super::assert_runs_without_a_transaction(&LUA, script);
}

#[test]
fn only_a_detached_callback_gets_the_name_of_the_event() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            if KSR.pv.get("$rU") == "suspended" then
                http.query("{url}", "ksr_arguments")
                return 1
            end
            http.send("{url}", "ksr_arguments")
            return go_on("Went on", 1)
        end
        function ksr_arguments(...)
            local suspended = KSR.pv.get("$rm") == "MESSAGE"
            KSR.err(KSR.pv.get("$rm") .. " called with <" .. table.concat({ ... }, " ") .. ">\n")
            if suspended then return ksr_reply() end
            return KSR.pv.get("$http_ok")
        end"#;
    super::assert_arguments(&LUA, script, "", "http_async_client:callback");
}

#[test]
fn tls_functions_decide_for_one_query() {
    let script = r#"
        function ksr_route_main()
            local case = KSR.pv.get("$rU")
            KSR.tm.t_newtran()
            if case == "any-peer" then http.tls_verify_peer("0") else http.set_tls_ca_path("{authority}") end
            if case == "any-host" then http.tls_verify_host("0") end
            if case == "known" then
                http.set_tls_client_cert("{certificate}")
                http.set_tls_client_key("{key}")
            end
            http.query("{url}", "ksr_reply")
            return 1
        end"#;
    super::assert_tls_functions_decide(&LUA, script);
}

#[test]
fn a_name_that_is_too_long_is_refused_with_one_short_line() {
    let script = r#"
        function ksr_route_main()
            KSR.tm.t_newtran()
            local longest, longer = string.rep("x", 255), string.rep("y", 100000)
            return go_on("Went on", http.send("{url}", longest) .. " " .. http.send("{url}", longer))
        end"#;
    let server = super::echo();
    let instance = LUA.start(script, &server);
    assert_eq!(seen(&instance.kamailio.message("alice"), "X-Returned"), "1 -1");
    let lines = instance.kamailio.log_lines("has 100000 bytes, 255 are allowed");
    assert!(lines.len() == 1 && lines[0].len() < 400, "{lines:?}");
    instance.kamailio.wait_for_counts([1, 1, 0, 0, 0]);
}

/// Relays to `{callee}`. The callbacks note how many arguments they get.
const RELAY: &str = r#"
    function ksr_route_main()
        if KSR.pv.get("$rm") == "ACK" then return 1 end
        KSR.tm.t_newtran()
        KSR.tm.t_on_failure("ksr_failed")
        KSR.tm.t_on_reply("ksr_answered")
        KSR.pv.sets("$ru", "sip:{callee}")
        KSR.tm.t_relay()
        return 1
    end
    function ksr_failed()
        http.query("{url}", "ksr_resumed_request")
        return 1
    end
    function ksr_answered()
        if KSR.pv.get("$rs") == 200 then http.query("{url}", "ksr_resumed_reply") end
        return 1
    end
    function ksr_resumed_request(...)
        KSR.err("request with " .. #{ ... } .. " arguments\n")
        return ksr_reply()
    end
    function ksr_resumed_reply(...)
        KSR.err("reply " .. KSR.pv.get("$rs") .. " with " .. #{ ... } .. " arguments\n")
        KSR.hdr.append("X-Body: " .. KSR.pv.get("$http_rb") .. "\r\n")
        return 1
    end"#;

#[test]
fn a_query_from_a_failure_route_is_suspended() {
    let (server, callee) = (super::echo(), callee());
    let instance = LUA.start(&RELAY.replace("{callee}", &callee.address().to_string()), &server);
    let call = Call::start(&instance.kamailio, &callee);
    callee.reply(&call.invite, 486, "Busy Here");
    let answer = call.answer();
    assert_replied(&answer, "200");
    assert_eq!((answer.reason(), seen(&answer, "X-Body")), ("Answered", "from http"));
    instance.kamailio.wait_for_log("request with 0 arguments");
    instance.kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}

#[test]
fn a_query_from_a_reply_route_is_suspended_and_the_reply_goes_on() {
    let (server, callee) = (super::echo(), callee());
    let instance = LUA.start(&RELAY.replace("{callee}", &callee.address().to_string()), &server);
    let call = Call::start(&instance.kamailio, &callee);
    callee.reply(&call.invite, 200, "OK");
    let answer = call.answer();
    assert_eq!((answer.status(), answer.reason(), seen(&answer, "X-Body")), (200, "OK", "from http"));
    instance.kamailio.wait_for_log("reply 200 with 0 arguments");
    instance.kamailio.wait_for_counts([1, 1, 0, 0, 0]);
    instance.kamailio.wait_for_no_transaction();
}
