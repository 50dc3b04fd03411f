//! Stage 5: Kamailio's types, the shim's functions, what `curl-sys` lacks of libcurl, and OpenSSL's TLS sessions, as Rust.

use crate::host::Host;
use std::env;
use std::path::PathBuf;

/// Writes `kamailio.rs`, `libcurl.rs` and `openssl.rs` into `OUT_DIR`.
///
/// # Errors
/// What bindgen said.
pub fn generate(host: &Host) -> Result<(), String> {
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?);
    write(kamailio(host), &out.join("kamailio.rs"))?;
    write(libcurl(), &out.join("libcurl.rs"))?;
    write(openssl(), &out.join("openssl.rs"))
}

fn write(builder: bindgen::Builder, path: &std::path::Path) -> Result<(), String> {
    let bindings = builder.generate().map_err(|error| error.to_string())?;
    bindings.write_to_file(path).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn kamailio(host: &Host) -> bindgen::Builder {
    bindgen::Builder::default()
        .header("kamailio-shim/shim.h")
        .clang_args(host.definitions())
        .clang_arg("-Iinclude")
        .clang_arg(format!("-I{}", host.sources.display()))
        .clang_arg("-DMOD_NAME=\"http_async_client\"")
        .allowlist_function("shim_.*|fixup_(free_)?spve_all|get_str_fparam")
        .allowlist_function("pv_(get_null|get_strval|get_strintval|get_sintval|cache_get|parse_index)")
        .allowlist_function("pv_get_spec_(index|name)|register_module_stats|sr_kemi_modules_add|shm_address_in")
        .allowlist_var(
            "(shim|SHIM|SUSPEND)_.*|PARAM_.*|PV_.*|PROC_.*|ANY_ROUTE|SR_KEMIP_.*|STAT_.*|AVP_NAME_STR|L_[A-Z]+2?",
        )
        .allowlist_type(
            "module_exports|cmd_export|param_export|_pv_export|sr_kemi|stat_export_s|_pv_type|shim_script_integer",
        )
        .blocklist_type("ResumeOutcome|ResumeTarget|Suspension|TransactionState")
        .opaque_type("sip_msg|fparam|action")
        .prepend_enum_name(false)
        .derive_default(false)
        .layout_tests(false)
        .generate_comments(false)
}

fn libcurl() -> bindgen::Builder {
    bindgen::Builder::default()
        .header("kamailio-shim/libcurl.h")
        .allowlist_function("curl_url.*")
        .allowlist_var("CURLU_.*|CURL_PREREQFUNC_.*|CURL_SOCKOPT_OK")
        .allowlist_type("CURLUPart|CURLUcode|CURLoption|CURLMcode|CURLINFO")
        .prepend_enum_name(false)
        .layout_tests(false)
        .generate_comments(false)
}

fn openssl() -> bindgen::Builder {
    bindgen::Builder::default()
        .header("kamailio-shim/openssl.h")
        .allowlist_function("SSL_CTX_(ctrl|set_ex_data|get_ex_data|sess_set_new_cb|set_info_callback)")
        .allowlist_function("SSL_(get_SSL_CTX|get_session|set_session)|SSL_SESSION_(free|get_protocol_version)")
        .allowlist_function("(i2d|d2i)_SSL_SESSION|ERR_(set_mark|pop_to_mark)|OpenSSL_version")
        .allowlist_var("SSL_CTRL_SET_SESS_CACHE_MODE|SSL_SESS_CACHE_(CLIENT|NO_INTERNAL)|SSL_CB_HANDSHAKE_START")
        .allowlist_var("TLS1_3_VERSION|OPENSSL_VERSION_STRING")
        .opaque_type("ssl_st|ssl_ctx_st|ssl_session_st")
        .layout_tests(false)
        .generate_comments(false)
}
