//! The end of an HTTP worker by SIGTERM or SIGINT. Kamailio ends its children with these, and its own handler leaves at once, wherever
//! the process stands. In the middle of tm that leaves a timer or a list as nobody else can use it; in the middle of the allocator
//! the lock of all shared memory stays locked. main takes everything down after its children, and may wait for ever.
//!
//! So the signal is an event of the worker's loop: the handler notes it and wakes the loop, and the process ends where nothing is under
//! way, in [`end_if_due`]. A callback that does not return holds that up for 1 s.

use super::log;
use super::process::ProcessError;
use std::ffi::{c_int, c_uint};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// SIGTERM and SIGINT wait until this is dropped.
///
/// A process that has just been forked takes itself for main until Kamailio has told it otherwise, and notes a signal to end as main does:
/// nobody acts on it. main may send one as early as that. So both wait from before the fork until [`install`].
pub struct Held {
    before: libc::sigset_t,
}

impl Held {
    /// From now on. Main process, before it forks a worker.
    pub fn begin() -> Self {
        // SAFETY: zeroed signal sets are valid, and both live through the calls, none of which can fail with these numbers.
        unsafe {
            let (mut ours, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigemptyset(&mut ours);
            libc::sigaddset(&mut ours, libc::SIGTERM);
            libc::sigaddset(&mut ours, libc::SIGINT);
            libc::sigprocmask(libc::SIG_BLOCK, &ours, &mut before);
            Self { before }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the set that sigprocmask(2) gave.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &self.before, std::ptr::null_mut()) };
    }
}

/// How long the end may be put off, s. A callback may wait for a lock whose owner is gone.
const LONGEST: c_uint = 1;

/// The signal that has come; 0 for none.
static DUE: AtomicI32 = AtomicI32::new(0);
/// The eventfd that wakes the loop.
static WAKE: AtomicI32 = AtomicI32::new(-1);
/// What Kamailio set for both signals, a `sighandler_t`.
static OF_KAMAILIO: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);

/// From now on SIGTERM and SIGINT make `wake`, an eventfd, readable, and end this process in [`end_if_due`]. HTTP workers, once, first
/// of all.
///
/// # Errors
/// The signal cannot be handled; `sigaction(2)`.
pub fn install(wake: RawFd) -> Result<(), ProcessError> {
    WAKE.store(wake, Ordering::Relaxed);
    handle(libc::SIGALRM, end_now)?;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        OF_KAMAILIO.store(handle(signal, note)?, Ordering::Relaxed);
    }
    Ok(())
}

/// Ends this process where a signal to do so has come. To be called where it holds no lock.
pub fn end_if_due() {
    let signal = DUE.load(Ordering::Relaxed);
    if signal == 0 {
        return;
    }
    log::info!("an HTTP worker ends at rest, by signal {signal}");
    match OF_KAMAILIO.load(Ordering::Relaxed) {
        libc::SIG_DFL | libc::SIG_IGN => {}
        handler => {
            // SAFETY: sigaction(2) gave it for this signal, neither of the two values that are no function.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
    end_now(signal);
}

/// Only the first signal counts: others must not put the end off.
extern "C" fn note(signal: c_int) {
    if DUE.swap(signal, Ordering::Relaxed) != 0 {
        return;
    }
    let one = 1u64;
    // SAFETY: all of these may be called in a signal handler (signal-safety(7)); writes the eight bytes of `one`, and leaves errno
    // as the interrupted code has it. A full eventfd is readable already.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        libc::alarm(LONGEST);
        libc::write(WAKE.load(Ordering::Relaxed), std::ptr::from_ref(&one).cast(), size_of::<u64>());
        *errno = before;
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
