//! The functions of KEMI scripts, from Lua.

use super::Section;
use crate::case::{Case, Service, plain, text, tls};
use end_to_end::certificates::TestCertificates as Certificates;
use end_to_end::http_server::Response;
use std::time::Duration;

const SEND: &str = r#"
function ksr_route_main()
    KSR.tm.t_newtran()
    local returned = http.{call}
    KSR.hdr.append_to_reply("X-Returned: " .. returned .. "\r\n")
    KSR.tm.t_reply(200, "Went on")
    return 1
end
function ksr_note()
    KSR.notice("noted " .. KSR.pv.getw("$http_rs") .. " " .. KSR.pv.getw("$http_rb") .. "\n")
    return 1
end"#;

/// A suspended query after one call.
fn after(call: &str) -> Case {
    let name = format!("KSR.http_async_client.{}", call.split('(').next().unwrap_or_default());
    let script = format!(
        "function ksr_route_main()\n    KSR.tm.t_newtran()\n    {}\n    \
         if http.query(\"{{url}}/asked\", \"ksr_reply\") ~= 0 then KSR.tm.t_reply(500, \"Not suspended\") end\n    return 1\nend",
        if call.is_empty() { String::new() } else { format!("http.{call}") }
    );
    Case::lua(&name, &script)
}

fn of_kemi(call: &str, service: Service) -> Case {
    let name = call.split('(').next().unwrap_or_default();
    Case { covers: vec![format!("kemi {name}")], ..after(call).service(service) }
}

/// The section.
pub fn section() -> Section {
    let late = || plain(|_| Response::text("late").after(Duration::from_millis(1500)));
    let query = Case { name: "KSR.http_async_client.query".to_owned(), ..after("") };
    let cases = vec![
        query.covers(&["kemi query"]),
        Case::lua("KSR.http_async_client.send", &SEND.replace("{call}", r#"send("{url}/report", "ksr_note")"#))
            .covers(&["kemi send"]),
        Case::lua(
            "KSR.http_async_client.send_xdata",
            &SEND.replace("{call}", r#"send_xdata("{url}/report", "ksr_note", "mine")"#),
        )
        .covers(&["kemi send_xdata"]),
        of_kemi(r#"set("method", "PUT")"#, text("x")),
        of_kemi(r#"suspend("0")"#, text("x")),
        of_kemi(r#"tls_verify_host("0") http.set_tls_ca_path("{ca}")"#, tls(Certificates::server_with_other_name)),
        of_kemi(r#"tls_verify_peer("0")"#, tls(Certificates::server_self_signed)),
        of_kemi(r#"set_timeout("200")"#, late()),
        of_kemi(r#"append_header("X-User: alice")"#, text("x")),
        of_kemi(r#"set_method("DELETE")"#, text("x")),
        of_kemi(
            r#"set_tls_client_cert("{client_cert}") http.set_tls_client_key("{client_key}") http.set_tls_ca_path("{ca}")"#,
            tls(Certificates::server_requiring_client_certificate),
        ),
        of_kemi(
            r#"set_tls_client_key("{client_key}") http.set_tls_client_cert("{client_cert}") http.set_tls_ca_path("{ca}")"#,
            tls(Certificates::server_requiring_client_certificate),
        ),
        of_kemi(r#"set_tls_ca_path("{ca}")"#, tls(Certificates::server)),
    ];
    Section { heading: "KEMI", about: "From scripts in Lua.", cases }
}
