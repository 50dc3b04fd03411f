//! The SIP message that a script is working on. Script processes.

use super::sys;
use std::ptr::NonNull;

/// Which message a script is running for. Kamailio numbers messages per process, those that it receives and those that
/// it makes for event routes apart from each other; no two of these lie in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId {
    number: u32,
    process: i32,
    address: usize,
}

#[cfg(test)]
impl MessageId {
    /// An id for unit tests, which have no message.
    pub fn numbered(number: u32) -> Self {
        Self { number, process: 1, address: 0 }
    }
}

/// Learns to tell the messages that the core makes from those that it receives. Main process, in `mod_init`.
///
/// # Errors
/// There is no private memory for such a message.
pub fn initialise() -> Result<(), OutOfMemory> {
    // SAFETY: makes one message and lets go of it; the core allows it from mod_init.
    if unsafe { sys::shim_messages_init() } < 0 { Err(OutOfMemory) } else { Ok(()) }
}

/// Private memory is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

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
            MessageId {
                number: sys::shim_message_id(self.as_ptr()),
                process: sys::shim_message_pid(self.as_ptr()),
                address: self.0.addr().get(),
            }
        }
    }

    /// Whether it came from a SIP peer: neither over HTTP nor made by the core for an event or timer route. tm calls
    /// the route type of those a request's too.
    pub fn is_received_sip(self) -> bool {
        // SAFETY: the message is live, as for `id`.
        unsafe { sys::shim_message_is_received_sip(self.as_ptr()) != 0 }
    }
}
