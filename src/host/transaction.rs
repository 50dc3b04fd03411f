//! SIP transactions: Kamailio's tm module.

use super::interface::{ResumeOutcome, ResumeTarget, Suspension, TransactionState};
use super::message::Message;
use super::{python, sys};

/// Why a transaction was not suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspendError {
    /// The caller has cancelled it.
    Cancelled,
    /// A final reply has been sent already.
    Answered,
    /// It is a request with open branches, whose replies tm would drop.
    BranchesOpen,
    /// It is a negative reply, which tm cannot resume safely.
    NegativeReply,
    /// tm refused; it has logged why.
    Refused,
}

/// tm is not loaded, or loaded after this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TmMissing;

/// Binds to tm. Main process, in `mod_init`.
///
/// # Errors
/// tm is not loaded, or loaded after this module.
pub fn bind() -> Result<(), TmMissing> {
    // SAFETY: looks tm up among the loaded modules and copies its function table.
    if unsafe { sys::shim_tm_bind() } < 0 { Err(TmMissing) } else { Ok(()) }
}

/// tm's `fr_timer` in ms, where tm tells it. Main process, in `mod_init`, after tm's own.
pub fn fr_timer() -> Option<u32> {
    let mut milliseconds = 0;
    // SAFETY: the shim writes one unsigned int.
    (unsafe { sys::shim_tm_fr_timer(&mut milliseconds) } == 0).then_some(milliseconds)
}

/// The transaction of the script that is running. Script processes, after [`bind`].
pub fn state(message: Message) -> TransactionState {
    // SAFETY: the message is live (see Message); reads tm's current transaction of this process.
    unsafe { sys::shim_transaction_state(message.as_ptr()) }
}

/// Suspends the transaction of the running script. It cannot be undone: nothing may fail after it.
///
/// # Errors
/// See [`SuspendError`]; the transaction is as it was before.
pub fn suspend(message: Message) -> Result<Suspension, SuspendError> {
    let mut suspension =
        Suspension { hash_index: 0, label: 0, branch: 0, reply: std::ptr::null_mut(), reply_end: std::ptr::null_mut() };
    // SAFETY: the message is live (see Message); the shim fills the structure in.
    match unsafe { sys::shim_transaction_suspend(message.as_ptr(), &mut suspension) } {
        0 => Ok(suspension),
        1 => Err(SuspendError::Cancelled),
        -3 => Err(SuspendError::Answered),
        sys::SUSPEND_REFUSED_FOR_BRANCHES => Err(SuspendError::BranchesOpen),
        sys::SUSPEND_REFUSED_FOR_STATUS => Err(SuspendError::NegativeReply),
        _ => Err(SuspendError::Refused),
    }
}

/// Resumes a transaction in `target`, when it still waits for this suspension. HTTP workers. Gives every reference back,
/// whatever the outcome; call it once for each suspension.
pub fn resume(suspension: &Suspension, target: &ResumeTarget) -> ResumeOutcome {
    // SAFETY: both structures and the name that `target` points to live through the call; tm looks the transaction up
    // by its numbers and finds none when it is gone; a reply's clone is the suspension's own until this call.
    let outcome = unsafe { sys::shim_transaction_resume(suspension, target) };
    python::forget_exception();
    outcome
}
