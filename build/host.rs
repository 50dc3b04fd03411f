//! Stage 1: which Kamailio source tree to build against, and with which compiler flags.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A configured Kamailio source tree.
pub struct Host {
    /// The `src` folder of the tree.
    pub sources: PathBuf,
    /// `-D` and other compiler flags, as the tree's own makefile gives them to its modules, and what
    /// `KAMAILIO_FLAGS` changes of them.
    pub flags: Vec<String>,
}

impl Host {
    /// Reads `KAMAILIO_SRC` and asks the tree for its flags.
    ///
    /// # Errors
    /// A sentence that says what is missing and which command mends it.
    pub fn from_environment() -> Result<Self, String> {
        println!("cargo:rerun-if-env-changed=KAMAILIO_SRC");
        let root = env::var("KAMAILIO_SRC").map_err(|_| {
            "KAMAILIO_SRC is not set: run `make build`, which finds the Kamailio source tree, \
             or set it to the root of one that `make cfg` has configured"
        })?;
        let sources = Path::new(&root).join("src");
        if !sources.join("core/sr_module.h").is_file() {
            return Err(format!(
                "KAMAILIO_SRC={root} is not the root of a Kamailio source tree: \
                 {}/core/sr_module.h does not exist",
                sources.display()
            ));
        }
        // A tree may be given another version or configuration in its place.
        for part in ["Makefile.defs", "config.mak", "core", "modules/tm"] {
            println!("cargo:rerun-if-changed={}", sources.join(part).display());
        }
        let mut flags = flags_of_modules(&sources)?;
        flags.extend(flags_of_caller());
        Ok(Self { sources, flags })
    }

    /// The flags that decide what Kamailio's headers say.
    pub fn definitions(&self) -> impl Iterator<Item = &String> {
        self.flags.iter().filter(|flag| flag.starts_with("-D") || flag.starts_with("-U"))
    }
}

/// The tree's makefile decides the flags, and Kamailio refuses modules built with others; so they are asked for,
/// never written down here. `KSR_PTHREAD_MUTEX_SHARED` stands in CFLAGS, the other definitions in C_DEFS.
fn flags_of_modules(sources: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("make")
        .args(["-s", "--no-print-directory", "-C"])
        .arg(sources)
        .args(["--eval", "print-flags:;@:$(info $(C_DEFS) $(CFLAGS))", "print-flags"])
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .output()
        .map_err(|error| format!("cannot run make in {}: {error}", sources.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let flags = split_as_shell(text.lines().last().unwrap_or_default());
    if !output.status.success() || !flags.iter().any(|flag| flag.starts_with("-DVERSION=")) {
        return Err(format!(
            "the makefile in {} does not tell the module flags (run `make cfg` at its root first): {}",
            sources.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(flags)
}

/// A Kamailio that CMake built differs in a few definitions from what the makefile of the same tree says.
fn flags_of_caller() -> Vec<String> {
    println!("cargo:rerun-if-env-changed=KAMAILIO_FLAGS");
    split_as_shell(&env::var("KAMAILIO_FLAGS").unwrap_or_default())
}

/// Splits at blanks; single quotes keep what they enclose, as a shell would read the makefile's `-DNAME='"x"'`.
fn split_as_shell(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.extend(take_word(&mut word)),
            other => word.push(other),
        }
    }
    words.extend(take_word(&mut word));
    words
}

fn take_word(word: &mut String) -> Option<String> {
    (!word.is_empty()).then(|| std::mem::take(word))
}
