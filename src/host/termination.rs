//! The end of an HTTP worker by SIGTERM. Kamailio ends its children with that signal, and their handler leaves at once,
//! wherever the process stands. In the middle of tm that leaves a timer or a list as nobody else can use it, and main, which
//! takes all transactions down after its children, may wait for it for ever. So a worker first finishes what it does there.

use super::process::ProcessError;
use std::ffi::{c_int, c_uint};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How long the end may be put off, s. A callback may wait for a lock whose owner is gone.
const LONGEST: c_uint = 1;

static IS_PUTTING_OFF: AtomicBool = AtomicBool::new(false);
static IS_DUE: AtomicBool = AtomicBool::new(false);
/// What Kamailio set for both signals, a `sighandler_t`.
static OF_KAMAILIO: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// From now on SIGTERM and SIGINT end this process only between two calls of [`put_off`]. HTTP workers, once, before their loop.
///
/// # Errors
/// The signal cannot be handled; `sigaction(2)`.
pub fn install() -> Result<(), ProcessError> {
    handle(libc::SIGALRM, end_now)?;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        OF_KAMAILIO.store(handle(signal, terminate)?, Ordering::Relaxed);
    }
    Ok(())
}

/// Runs `body` to its end, but for no more than 1 s once a signal to end came; then the process ends.
pub fn put_off<R>(body: impl FnOnce() -> R) -> R {
    IS_PUTTING_OFF.store(true, Ordering::SeqCst);
    let result = body();
    IS_PUTTING_OFF.store(false, Ordering::SeqCst);
    if IS_DUE.load(Ordering::SeqCst) {
        end_now(libc::SIGTERM);
    }
    result
}

extern "C" fn terminate(signal: c_int) {
    if IS_PUTTING_OFF.load(Ordering::SeqCst) {
        IS_DUE.store(true, Ordering::SeqCst);
        // SAFETY: no pointers; may be called in a signal handler (signal-safety(7)).
        unsafe { libc::alarm(LONGEST) };
        return;
    }
    match OF_KAMAILIO.load(Ordering::Relaxed) {
        libc::SIG_DFL | libc::SIG_IGN => end_now(signal),
        handler => {
            // SAFETY: sigaction(2) gave it for this signal, neither of the two values that are no function.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// As Kamailio's own handler ends a child.
extern "C" fn end_now(_signal: c_int) {
    // SAFETY: ends the process; may be called in a signal handler.
    unsafe { libc::_exit(0) }
}

/// Sets a handler; returns the one before.
fn handle(signal: c_int, handler: extern "C" fn(c_int)) -> Result<usize, ProcessError> {
    // SAFETY: a zeroed sigaction is a valid one, with an empty mask and no flags; both live through the call, and `handler`
    // calls nothing that a handler may not.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        let mut before: libc::sigaction = std::mem::zeroed();
        match libc::sigaction(signal, &action, &mut before) {
            0 => Ok(before.sa_sigaction),
            _ => Err(ProcessError),
        }
    }
}
