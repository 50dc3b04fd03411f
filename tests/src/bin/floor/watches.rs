//! libevent's side: one event for each descriptor, and libcurl's timer.

use curl_sys as curl;
use libevent_sys as libevent;
use std::cell::RefCell;
use std::ffi::{c_int, c_long, c_short, c_void};

/// What is told of a descriptor (`CURL_CSELECT_*`), or of the timer (`CURL_SOCKET_TIMEOUT`, 0).
pub type Happened = unsafe extern "C" fn(descriptor: c_int, events: c_short, context: *mut c_void);

/// libevent's base, an event for each descriptor, and one for the timer. Lives until the program ends.
pub struct Watches {
    base: *mut libevent::event_base,
    timer: *mut libevent::event,
    happened: Happened,
    context: *mut c_void,
    /// By descriptor.
    sockets: RefCell<Vec<Socket>>,
}

/// The event of a descriptor. It outlives libcurl's wish: a kept connection gives its descriptor up after each
/// transfer and asks for it again with the next, which then costs no system call.
#[derive(Clone, Copy)]
struct Socket {
    event: *mut libevent::event,
    /// What the event is about, and pending for; 0 when it is not pending.
    events: c_short,
    /// libcurl's wish.
    wish: c_short,
}

const UNUSED: Socket = Socket { event: std::ptr::null_mut(), events: 0, wish: 0 };

impl Watches {
    /// `happened` is called with `context`, which must live as long.
    pub fn new(happened: Happened, context: *mut c_void) -> Self {
        // SAFETY: no arguments; the event belongs to the new base.
        let (base, timer) = unsafe {
            let base = libevent::event_base_new();
            (base, libevent::event_new(base, -1, 0, Some(happened), context))
        };
        assert!(!base.is_null() && !timer.is_null(), "libevent has memory");
        Self { base, timer, happened, context, sockets: RefCell::default() }
    }

    /// Runs the loop until nothing is waited for, or [`Watches::stop`].
    pub fn run(&self) {
        // SAFETY: the base is live.
        let result = unsafe { libevent::event_base_dispatch(self.base) };
        assert!(result >= 0, "libevent polls");
    }

    /// Makes [`Watches::run`] return.
    pub fn stop(&self) {
        // SAFETY: the base is live.
        unsafe { libevent::event_base_loopbreak(self.base) };
    }

    /// libcurl's wish for a descriptor, `CURL_POLL_*`.
    pub fn wish(&self, descriptor: c_int, wish: c_int) {
        let events = match wish {
            curl::CURL_POLL_IN => libevent::EV_READ,
            curl::CURL_POLL_OUT => libevent::EV_WRITE,
            curl::CURL_POLL_INOUT => libevent::EV_READ | libevent::EV_WRITE,
            _ => 0,
        } as c_short;
        let mut sockets = self.sockets.borrow_mut();
        let place = descriptor as usize;
        if sockets.len() <= place {
            sockets.resize(place + 1, UNUSED);
        }
        let socket = &mut sockets[place];
        socket.wish = events;
        if events != 0 && events != socket.events {
            self.watch(socket, descriptor);
        }
    }

    fn watch(&self, socket: &mut Socket, descriptor: c_int) {
        let flags = socket.wish | libevent::EV_PERSIST as c_short;
        // SAFETY: an event is assigned anew only while it is not pending.
        unsafe {
            if socket.event.is_null() {
                socket.event = libevent::event_new(self.base, descriptor, flags, Some(self.happened), self.context);
            } else {
                libevent::event_del(socket.event);
                libevent::event_assign(socket.event, self.base, descriptor, flags, Some(self.happened), self.context);
            }
            assert!(libevent::event_add(socket.event, std::ptr::null()) == 0, "libevent has memory");
        }
        socket.events = socket.wish;
    }

    /// Whether libcurl wants to know of the descriptor. Where it does not, it is not watched any more.
    pub fn is_wished(&self, descriptor: c_int) -> bool {
        let is_wished = self.sockets.borrow()[descriptor as usize].wish != 0;
        if !is_wished {
            self.forget(descriptor);
        }
        is_wished
    }

    /// Ends the watch over a descriptor, before it is closed.
    pub fn forget(&self, descriptor: c_int) {
        if let Some(socket) = self.sockets.borrow_mut().get_mut(descriptor as usize).filter(|socket| socket.events != 0)
        {
            // SAFETY: the event is live.
            unsafe { libevent::event_del(socket.event) };
            (socket.events, socket.wish) = (0, 0);
        }
    }

    /// libcurl's timer, in milliseconds; -1 for none.
    pub fn set_timer(&self, milliseconds: c_long) {
        // SAFETY: the event is live; libevent copies the time.
        unsafe {
            if milliseconds < 0 {
                libevent::event_del(self.timer);
            } else {
                let time = libevent::timeval { tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000 };
                libevent::event_add(self.timer, &time);
            }
        }
    }
}
