//! Stage 2: the C header of what C may use of the Rust side; committed, so that the shim compiles against it.

use std::{env, path::Path};

/// Writes `include/http_async_client.h` when its text has changed (cbindgen leaves an equal file alone).
///
/// # Errors
/// What cbindgen said.
pub fn generate() -> Result<(), String> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?;
    let config = cbindgen::Config::from_file(Path::new(&root).join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in ["src/host/exports.rs", "src/host/interface.rs"] {
        println!("cargo:rerun-if-changed={source}");
        builder = builder.with_src(Path::new(&root).join(source));
    }
    let bindings = builder.generate().map_err(|error| error.to_string())?;
    bindings.write_to_file(Path::new(&root).join("include/http_async_client.h"));
    Ok(())
}
