//! What is measured beside each other.

use end_to_end::kamailio::{module_file, modules_folder};
use std::path::PathBuf;

/// A module with one `memory_manager`.
#[derive(Clone, Debug)]
pub struct Subject {
    /// As its figures are named.
    pub name: &'static str,
    /// Its file.
    pub module: PathBuf,
    /// `memory_manager`.
    pub memory_manager: &'static str,
    /// Whether it is the module of this project.
    pub is_ours: bool,
}

/// Bare libcurl and libevent.
pub const FLOOR: &str = "floor";
/// This module, libcurl's memory in Kamailio's shared memory.
pub const OURS_SHM: &str = "ours, shm";
/// This module, libcurl's memory from the C library.
pub const OURS_SYS: &str = "ours, sys";
/// This module, HTTP/2 with prior knowledge.
pub const OURS_HTTP2: &str = "ours, HTTP/2";
/// Kamailio's module, libcurl's memory in Kamailio's shared memory.
pub const ORIGINAL_SHM: &str = "C module, shm";
/// Kamailio's module, libcurl's memory from the C library.
pub const ORIGINAL_SYS: &str = "C module, sys";

impl Subject {
    /// This module with both memory managers, and Kamailio's where it is installed.
    pub fn all() -> Vec<Self> {
        let of = |name, module: &PathBuf, memory_manager, is_ours| Self {
            name,
            module: module.clone(),
            memory_manager,
            is_ours,
        };
        let ours = module_file();
        let mut all = vec![of(OURS_SHM, &ours, "shm", true), of(OURS_SYS, &ours, "sys", true)];
        let original = modules_folder().join("http_async_client.so");
        if original.is_file() {
            all.push(of(ORIGINAL_SHM, &original, "shm", false));
            all.push(of(ORIGINAL_SYS, &original, "sys", false));
        }
        all
    }

    /// The default of `memory_manager`: where only one is measured, it is this one.
    pub fn has_default_memory(&self) -> bool {
        self.memory_manager == "shm"
    }
}
