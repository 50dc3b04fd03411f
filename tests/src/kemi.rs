//! Instances whose script is in one of the languages of KEMI.

use crate::kamailio::{Builder, Kamailio};
use std::path::Path;

const CONFIGURATION: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=2
listen=udp:127.0.0.1:{port}
disable_tcp=yes
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "textops.so"
loadmodule "ctl.so"
loadmodule "{engine}.so"
loadmodule "{module}"
modparam("tm", "wt_timer", 1000)
modparam("ctl", "binrpc", "unix:{folder}/ctl")
modparam("http_async_client", "connection_timeout", {connection_timeout})
modparam("{engine}", "load", "{script}")
cfgengine "{language}"
"#;

/// An instance that runs the functions of `script`, a file in `language`, which the module `engine` runs. Its queries have
/// `connection_timeout` ms.
pub fn with_script(engine: &str, language: &str, script: &Path, connection_timeout: u32) -> Builder {
    let builder = Kamailio::with_script("").whole_configuration(CONFIGURATION);
    let builder = builder.set("engine", engine).set("language", language).set("script", script.display());
    builder.set("connection_timeout", connection_timeout)
}
