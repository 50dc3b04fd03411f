//! Faults on purpose, in a build of the module with the feature `fault-injection`: the Nth call of one kind fails, in
//! whatever process of the server makes it.
//!
//! The test and the server share a small file, which `kamailio-shim/faults/plan.c` maps: numbers of 32 bits, then two
//! texts.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const FAILING_CALL: u64 = 0;
const CALLS: u64 = 4;
const BLOCKS: u64 = 8;
const ATTACHED: u64 = 12;
const WORKER_RUNS: u64 = 16;
const KIND: u64 = 20;
const FAILED: u64 = 52;
const LENGTH: u64 = 116;

/// The module file with the feature.
///
/// # Panics
/// `HTTP_ASYNC_CLIENT_FAULTS_MODULE` is not set.
pub fn module_file() -> PathBuf {
    std::env::var_os("HTTP_ASYNC_CLIENT_FAULTS_MODULE")
        .map(PathBuf::from)
        .expect("HTTP_ASYNC_CLIENT_FAULTS_MODULE names the .so built with fault-injection: run `make faults`")
}

/// Which calls fail. `kamailio-shim/faults/plan.h` says what belongs to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shared memory that the module asks Kamailio for, libcurl's slabs too with `memory_manager` shm.
    OurShm,
    /// Shared memory that tm and the core ask for on behalf of the module.
    CoreShm,
    /// Private memory, the same.
    CorePrivate,
    /// libcurl's allocator with `memory_manager` sys.
    LibcurlMemory,
    /// libcurl's allocator with `memory_manager` shm: it gives private memory, as when shared memory is scarce.
    LibcurlScarce,
    /// libevent's allocator.
    LibeventMemory,
    /// c-ares' allocator.
    CaresMemory,
    /// Blocks of Rust's heap from 2 KiB on.
    RustMemory,
    /// Functions of libcurl.
    Libcurl,
    /// `curl_multi_socket_action`.
    Multi,
    /// Functions of OpenSSL for TLS sessions.
    OpenSsl,
    /// Functions of libevent.
    Libevent,
    /// Functions of c-ares.
    Cares,
    /// `event_base_loop`.
    Loop,
    /// The eventfd that wakes a worker.
    Wake,
    /// Functions of tm.
    Tm,
    /// `t_continue` finds the transaction not suspended.
    TmNotSuspended,
    /// SIGTERM comes while a process holds the lock of shared memory.
    SignalInShm,
    /// SIGTERM comes to a worker that has just been forked.
    SignalAfterFork,
    /// A panic in the Rust code, at a place that has this name there.
    PanicAt(&'static str),
    /// SIGTERM comes at such a place.
    SignalAt(&'static str),
}

impl Kind {
    fn name(self) -> String {
        let name = match self {
            Self::PanicAt(place) => return format!("panic:{place}"),
            Self::SignalAt(place) => return format!("signal:{place}"),
            Self::OurShm => "our-shm",
            Self::CoreShm => "core-shm",
            Self::CorePrivate => "core-private",
            Self::LibcurlMemory => "libcurl-memory",
            Self::LibcurlScarce => "libcurl-scarce",
            Self::LibeventMemory => "libevent-memory",
            Self::CaresMemory => "c-ares-memory",
            Self::RustMemory => "rust-memory",
            Self::Libcurl => "libcurl",
            Self::Multi => "multi",
            Self::OpenSsl => "openssl",
            Self::Libevent => "libevent",
            Self::Cares => "c-ares",
            Self::Loop => "loop",
            Self::Wake => "wake",
            Self::Tm => "tm",
            Self::TmNotSuspended => "tm-not-suspended",
            Self::SignalInShm => "signal-in-shm",
            Self::SignalAfterFork => "signal-fork",
        };
        name.to_owned()
    }
}

/// The shared file.
#[derive(Debug)]
pub struct Faults {
    file: tempfile::NamedTempFile,
}

impl Faults {
    /// A file without faults, for one server to be started with it as `HTTP_ASYNC_CLIENT_FAULTS`.
    ///
    /// # Panics
    /// There is no room for it.
    pub fn none() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.as_file().set_len(LENGTH).expect("room for a few bytes");
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        std::fs::set_permissions(file.path(), readable).expect("the file is ours");
        Self { file }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    fn file(&self) -> &File {
        self.file.as_file()
    }

    fn write(&self, at: u64, number: i32) {
        self.file().write_all_at(&number.to_ne_bytes(), at).expect("the file can be written");
    }

    fn read(&self, at: u64) -> i32 {
        let mut bytes = [0; 4];
        self.file().read_exact_at(&mut bytes, at).expect("the file can be read");
        i32::from_ne_bytes(bytes)
    }

    /// Lets call number `call` of a kind fail, counted from 1 and from now on.
    pub fn arm(&self, kind: Kind, call: i32) {
        self.disarm();
        let (mut texts, name) = ([0; (LENGTH - KIND) as usize], kind.name());
        assert!((name.len() as u64) < FAILED - KIND, "{name} is too long for the file");
        texts[..name.len()].copy_from_slice(name.as_bytes());
        self.file().write_all_at(&texts, KIND).expect("the file can be written");
        self.write(CALLS, 0);
        self.write(FAILING_CALL, call);
    }

    /// Lets no call fail; returns the one that has failed since [`Faults::arm`].
    pub fn disarm(&self) -> Option<String> {
        self.write(FAILING_CALL, 0);
        let mut bytes = [0; (LENGTH - FAILED) as usize];
        self.file().read_exact_at(&mut bytes, FAILED).expect("the file can be read");
        let text = String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    /// Blocks in use: queries, and what libcurl has asked for.
    pub fn blocks(&self) -> i32 {
        self.read(BLOCKS)
    }

    /// Whether an HTTP worker has started.
    pub fn worker_runs(&self) -> bool {
        self.read(WORKER_RUNS) == 1
    }

    /// Whether a module with fault injection has found the file.
    pub fn are_attached(&self) -> bool {
        self.read(ATTACHED) == 1
    }
}
