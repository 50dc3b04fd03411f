//! The SIP message that a script is working on. Script processes.

use super::sys;
use std::ptr::NonNull;

/// Which message a script is running for: Kamailio numbers messages per process, so both numbers together name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId {
    number: u32,
    process: i32,
}

/// The message that Kamailio handed to a script function or variable.
#[derive(Clone, Copy, Debug)]
pub struct Message(NonNull<sys::sip_msg>);

impl Message {
    /// `None` for a null pointer.
    pub(super) fn new(message: *mut sys::sip_msg) -> Option<Self> {
        NonNull::new(message).map(Self)
    }

    pub(super) fn as_ptr(self) -> *mut sys::sip_msg {
        self.0.as_ptr()
    }

    /// Names this message among all that this server has seen.
    pub fn id(self) -> MessageId {
        // SAFETY: Kamailio hands in a live message for the length of the call, and a Message does not outlive it:
        // it is made in the entry points of host/ and passed down by value.
        unsafe {
            MessageId { number: sys::shim_message_id(self.as_ptr()), process: sys::shim_message_pid(self.as_ptr()) }
        }
    }
}
