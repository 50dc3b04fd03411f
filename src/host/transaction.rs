//! SIP transactions: Kamailio's tm module.

use super::interface::{ResumeOutcome, ResumeTarget, TransactionState};
use super::message::Message;
use super::sys;

/// Names a suspended transaction in every process (tm's hash index and label).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TransactionId {
    hash_index: u32,
    label: u32,
}

/// Why a transaction was not suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspendError {
    /// The caller has cancelled it.
    Cancelled,
    /// A final reply has been sent already.
    Answered,
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
pub fn state() -> TransactionState {
    // SAFETY: reads tm's current transaction of this process.
    unsafe { sys::shim_transaction_state() }
}

/// Suspends the transaction of the running script. It cannot be undone: nothing may fail after it.
///
/// # Errors
/// See [`SuspendError`]; the transaction is as it was before.
pub fn suspend(message: Message) -> Result<TransactionId, SuspendError> {
    let mut id = TransactionId { hash_index: 0, label: 0 };
    // SAFETY: the message is live (see Message); tm writes two unsigned ints.
    match unsafe { sys::shim_transaction_suspend(message.as_ptr(), &mut id.hash_index, &mut id.label) } {
        0 => Ok(id),
        1 => Err(SuspendError::Cancelled),
        -3 => Err(SuspendError::Answered),
        _ => Err(SuspendError::Refused),
    }
}

/// Resumes a transaction in `target`. HTTP workers. Gives every reference back, whatever the outcome.
pub fn resume(id: TransactionId, target: &ResumeTarget) -> ResumeOutcome {
    // SAFETY: `target` and the name it points to live through the call; tm looks the transaction up by its numbers
    // and finds none when it is gone.
    unsafe { sys::shim_transaction_resume(id.hash_index, id.label, target) }
}
