//! The configuration that a case runs with, the same for both modules.

use crate::case::Case;
use end_to_end::kamailio::{Builder, Kamailio};
use end_to_end::kemi;
use std::fs;
use std::path::Path;

/// Loaded for every case, so that a case differs from another by its script alone.
const MODULES: [&str; 2] = ["corex", "tmx"];

/// ms of every query that has no timeout of its own: a busy machine must not make a difference.
const TIMEOUT: u32 = 5000;

/// What a callback may read after an error without a word from the C module.
const TELLING_OF_ERRORS: [&str; 5] = ["http_ok", "http_err", "http_err_text", "http_err_class", "http_errno"];

const LUA_PRELUDE: &str = r#"
http = KSR.http_async_client
function ksr_request_route()
    if KSR.pv.get("$rU") == "is-it-ready" then KSR.sl.sl_send_reply(200, "Ready") return 1 end
    return ksr_route_main()
end
function ksr_show(number, variable)
    KSR.hdr.append_to_reply("X-" .. number .. ": " .. KSR.pv.getw(variable) .. "\r\n")
end
"#;

/// Names in braces, and what stands for them in scripts, parameters and lines.
pub type Places = Vec<(&'static str, String)>;

/// An instance for a case; `folder` is for files of its own, and stays while it runs.
pub fn instance(case: &Case, places: &Places, folder: &Path) -> Builder {
    let builder = if case.lua { lua(case, places, folder) } else { native(case) };
    places.iter().fold(builder, |builder, (name, value)| builder.set(name, value))
}

fn native(case: &Case) -> Builder {
    let callback = format!("route[REPLY] {{\n{}t_reply(\"200\", \"Answered\");\n}}\n", native_shows(case));
    let timeout = case.parameters.iter().any(|(name, _)| *name == "connection_timeout");
    let timeout = (!timeout).then(|| ("connection_timeout", TIMEOUT.to_string()));
    let parameters = case.parameters.iter().cloned().chain(timeout);
    let script = case.script.replace("{target}", &case.target);
    parameters.fold(
        Kamailio::with_script(&format!("{script}\n{callback}")).modules(&MODULES).lines(&case.lines),
        |builder, (name, value)| builder.parameter(name, value),
    )
}

/// Shows what a case wants to see; after an error only what tells of it, unless the case reads everything.
fn native_shows(case: &Case) -> String {
    let line = |number: usize, variable: &str| {
        // Bytes go as hexadecimal digits, so that any can.
        let shown = format!("append_to_reply(\"X-{number}: $({variable}{{s.encode.hexa}})\\r\\n\");");
        format!("if(defined $({variable})) {{ {shown} }} else {{ append_to_reply(\"X-{number}: <null>\\r\\n\"); }}\n")
    };
    let shows = (0..).zip(&case.seen).map(|(number, (_, variable))| {
        let always = case.reads_after_errors || TELLING_OF_ERRORS.contains(&variable.as_str());
        let line = line(number, variable);
        if always { line } else { format!("if($http_ok) {{ {line} }}\n") }
    });
    shows.collect()
}

fn lua(case: &Case, places: &Places, folder: &Path) -> Builder {
    let shows =
        (0..).zip(&case.seen).map(|(number, (_, variable))| format!("    ksr_show({number}, \"$({variable})\")\n"));
    let callback = format!(
        "function ksr_reply()\n{}    KSR.tm.t_reply(200, \"Answered\")\n    return 1\nend\n",
        shows.collect::<String>()
    );
    let file = folder.join("script.lua");
    let script = format!("{LUA_PRELUDE}{callback}{}", case.script.replace("{target}", &case.target));
    let script = places.iter().fold(script, |script, (name, value)| script.replace(&format!("{{{name}}}"), value));
    fs::write(&file, script).expect("the folder is ours");
    kemi::with_script("app_lua", "lua", &file, TIMEOUT)
}
