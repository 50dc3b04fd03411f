//! Signals that ask a program to end. They are noted, and looked at wherever it waits, so that it stops what it has
//! started before it ends.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

static RECEIVED: AtomicBool = AtomicBool::new(false);

/// Why a program ends early.
#[derive(Debug)]
pub enum Stop {
    /// SIGINT, SIGTERM or SIGHUP was received.
    Interrupted,
    /// It cannot go on, or found something wrong; the text says why.
    Failed(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl Stop {
    /// Tells the user of `program` about it. Returns how the program is to end: as the shell has it after Ctrl-C, or as failed.
    pub fn report(&self, program: &str) -> ExitCode {
        match self {
            Self::Interrupted => {
                eprintln!("{program}: interrupted; everything that it had started is stopped");
                ExitCode::from(130)
            }
            Self::Failed(reason) => {
                eprintln!("{program}: {reason}");
                ExitCode::FAILURE
            }
        }
    }
}

/// From now on Ctrl-C and its kin are noted.
pub fn listen() {
    let handler: extern "C" fn(libc::c_int) = note;
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler only stores into an atomic, which a signal handler may do.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// Whether a signal was received.
pub fn received() -> bool {
    RECEIVED.load(Ordering::Relaxed)
}

/// # Errors
/// [`Stop::Interrupted`] when a signal was received.
pub fn check() -> Result<(), Stop> {
    if received() { Err(Stop::Interrupted) } else { Ok(()) }
}

extern "C" fn note(_: libc::c_int) {
    RECEIVED.store(true, Ordering::Relaxed);
}
