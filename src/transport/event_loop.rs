//! libevent's loop. Its callbacks only append to the list of what is ready; [`EventLoop::wait`] hands that list out.

use super::error::LoopError;
use super::name_server::{Answer, Kind};
use crate::host::fault_point::fault_point;
use crate::host::guarded;
use libevent_sys as libevent;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_short, c_void};
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

/// Something that happened, for the worker to act upon.
#[derive(Debug)]
pub enum Ready {
    /// The queue's eventfd is readable.
    Queue,
    /// A socket of libcurl's can be read or written.
    Socket {
        /// The socket.
        descriptor: RawFd,
        /// libcurl's `CURL_CSELECT_*` bits.
        events: c_int,
    },
    /// libcurl's own timer has run out.
    TransferTimer,
    /// The earliest deadline has come.
    Deadline,
    /// Something did, and a panic has lost what: any timer may have run out. Sockets and the queue tell again by themselves.
    Lost,
    /// A socket of an exchange with a name server can be read or written.
    NameSocket {
        /// The exchange's number.
        exchange: u64,
        /// The socket.
        descriptor: RawFd,
        /// Whether it can be read.
        readable: bool,
        /// Whether it can be written.
        writable: bool,
    },
    /// A question to a name server has come to its end.
    Answered {
        /// The number of its exchange.
        exchange: u64,
        /// What was asked for.
        kind: Kind,
        /// What came of it.
        answer: Answer,
    },
}

/// What callbacks append to.
pub(super) type ReadyList = RefCell<VecDeque<Ready>>;

/// libevent's base and the list of what is ready. Lives as long as anything that watches.
#[derive(Clone)]
pub struct EventLoop(Rc<Inner>);

struct Inner {
    base: NonNull<libevent::event_base>,
    ready: ReadyList,
    /// An event was lost.
    has_lost: Cell<bool>,
}

impl EventLoop {
    /// A loop for this process. Call it in the worker, after the fork.
    ///
    /// # Errors
    /// libevent has no memory or no way to poll.
    pub fn new() -> Result<Self, LoopError> {
        // SAFETY: sets a process-wide callback that takes any text.
        unsafe { libevent::event_set_log_callback(Some(log)) };
        // SAFETY: no arguments; null on failure.
        let base = NonNull::new(unsafe { libevent::event_base_new() })
            .ok_or_else(|| LoopError("event_base_new failed".to_owned()))?;
        Ok(Self(Rc::new(Inner { base, ready: RefCell::default(), has_lost: Cell::default() })))
    }

    /// Lets events happen, waiting for the first one when `block` is set and nothing is ready yet: a question to
    /// a name server that came to nothing at once is, before libevent knows of anything.
    ///
    /// # Errors
    /// libevent's polling failed.
    pub fn wait(&self, block: bool) -> Result<(), LoopError> {
        let block = block && self.0.ready.borrow().is_empty();
        let flags = if block { libevent::EVLOOP_ONCE } else { libevent::EVLOOP_ONCE | libevent::EVLOOP_NONBLOCK };
        // SAFETY: the base is ours; callbacks reach only the contexts of live watches.
        if unsafe { libevent::event_base_loop(self.base(), flags as c_int) } < 0 {
            return Err(LoopError("event_base_loop failed".to_owned()));
        }
        Ok(())
    }

    /// The next thing that happened.
    pub fn next_ready(&self) -> Option<Ready> {
        if self.0.has_lost.take() {
            return Some(Ready::Lost);
        }
        self.0.ready.borrow_mut().pop_front()
    }

    pub(super) fn base(&self) -> *mut libevent::event_base {
        self.0.base.as_ptr()
    }

    pub(super) fn ready(&self) -> &ReadyList {
        &self.0.ready
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: every watch holds the loop, so none is left.
        unsafe { libevent::event_base_free(self.base.as_ptr()) }
    }
}

/// What a watch tells the loop. Boxed, so that libevent can point at it.
struct Context {
    event_loop: EventLoop,
    source: Source,
}

enum Source {
    Queue,
    Socket(RawFd),
    NameSocket { exchange: u64, descriptor: RawFd },
    TransferTimer,
    Deadline,
}

/// One event of libevent's, and what its callback needs. Dropping it removes the event.
struct Watch {
    event: NonNull<libevent::event>,
    context: Box<Context>,
}

impl Watch {
    fn new(event_loop: &EventLoop, descriptor: RawFd, flags: u32, source: Source) -> Result<Self, LoopError> {
        let mut context = Box::new(Context { event_loop: event_loop.clone(), source });
        let argument: *mut Context = &mut *context;
        // SAFETY: the base lives as long as the context's EventLoop; the context stays at its address in its box, and
        // the event is freed (see Drop) before the box.
        let event = unsafe {
            libevent::event_new(event_loop.base(), descriptor, flags as c_short, Some(happened), argument.cast())
        };
        match NonNull::new(event) {
            Some(event) => Ok(Self { event, context }),
            None => Err(LoopError("event_new failed".to_owned())),
        }
    }

    fn add(&self, after: Option<Duration>) -> Result<(), LoopError> {
        let time = after.map(|after| libevent::timeval {
            tv_sec: after.as_secs().try_into().unwrap_or(i32::MAX.into()),
            tv_usec: after.subsec_micros().into(),
        });
        let pointer = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the event is live; libevent copies the time.
        if unsafe { libevent::event_add(self.event.as_ptr(), pointer) } < 0 {
            return Err(LoopError("event_add failed".to_owned()));
        }
        Ok(())
    }

    fn remove(&self) {
        // SAFETY: the event is live; removing one that is not pending is allowed.
        unsafe { libevent::event_del(self.event.as_ptr()) };
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: ours, freed once; event_free makes it non-pending first.
        unsafe { libevent::event_free(self.event.as_ptr()) }
    }
}

/// A timer that fires once each time it is set.
pub struct Timer(Watch);

impl Timer {
    /// A timer that reports [`Ready::Deadline`].
    ///
    /// # Errors
    /// No memory.
    pub fn for_deadlines(event_loop: &EventLoop) -> Result<Self, LoopError> {
        Watch::new(event_loop, -1, 0, Source::Deadline).map(Self)
    }

    /// A timer that reports [`Ready::TransferTimer`].
    pub(super) fn for_transfers(event_loop: &EventLoop) -> Result<Self, LoopError> {
        Watch::new(event_loop, -1, 0, Source::TransferTimer).map(Self)
    }

    /// Fires after `after`, instead of whatever was set before.
    ///
    /// # Errors
    /// libevent has no memory.
    pub fn set(&self, after: Duration) -> Result<(), LoopError> {
        self.0.add(Some(after))
    }

    /// Does not fire.
    pub fn unset(&self) {
        self.0.remove();
    }
}

/// Reports [`Ready::Queue`] whenever a descriptor can be read.
pub struct QueueWatch {
    _watch: Watch,
}

impl QueueWatch {
    /// Watches `descriptor`, an eventfd, which stays open as long as the watch.
    ///
    /// # Errors
    /// No memory, or the descriptor cannot be polled.
    pub fn new(event_loop: &EventLoop, descriptor: RawFd) -> Result<Self, LoopError> {
        let watch = Watch::new(event_loop, descriptor, libevent::EV_READ | libevent::EV_PERSIST, Source::Queue)?;
        watch.add(None)?;
        Ok(Self { _watch: watch })
    }
}

/// Reports [`Ready::Socket`] for one socket of libcurl's.
pub(super) struct SocketWatch {
    watch: Watch,
    /// What libevent watches for (`CURL_POLL_*`).
    wish: c_int,
    rests: bool,
}

impl SocketWatch {
    /// Watches for what libcurl wishes (`CURL_POLL_*`).
    pub(super) fn new(event_loop: &EventLoop, descriptor: RawFd, wish: c_int) -> Result<Self, LoopError> {
        let watch = Watch::new(event_loop, descriptor, flags_of(wish), Source::Socket(descriptor))?;
        watch.add(None)?;
        Ok(Self { watch, wish, rests: false })
    }

    /// Changes what is watched for; costs nothing when the wish is the same.
    pub(super) fn change(&mut self, descriptor: RawFd, wish: c_int) -> Result<(), LoopError> {
        self.rests = false;
        if self.wish == wish {
            return Ok(());
        }
        self.watch.remove();
        let argument: *mut Context = &mut *self.watch.context;
        let base = self.watch.context.event_loop.base();
        // SAFETY: the event is live and not pending; base and context outlive it, as in Watch::new.
        let result = unsafe {
            libevent::event_assign(
                self.watch.event.as_ptr(),
                base,
                descriptor,
                flags_of(wish) as c_short,
                Some(happened),
                argument.cast(),
            )
        };
        if result < 0 {
            return Err(LoopError("event_assign failed".to_owned()));
        }
        self.wish = wish;
        self.watch.add(None)
    }

    /// Goes on watching although libcurl does not wish it any more: most connections are used again at once, which then takes no
    /// system call. Whether that may be. A socket that is only read from belongs to a connection that is made, and libcurl tells
    /// when it closes such a one; it does not for those that are about to be made.
    pub(super) fn rest(&mut self) -> bool {
        self.rests = self.wish == curl_sys::CURL_POLL_IN;
        self.rests
    }

    /// Whether libcurl does not want to know of the socket.
    pub(super) fn rests(&self) -> bool {
        self.rests
    }
}

/// Reports [`Ready::NameSocket`] for one socket of c-ares'.
pub(super) struct NameSocketWatch {
    _watch: Watch,
}

impl NameSocketWatch {
    /// Watches a socket of `exchange`.
    pub(super) fn new(
        event_loop: &EventLoop,
        exchange: u64,
        descriptor: RawFd,
        readable: bool,
        writable: bool,
    ) -> Result<Self, LoopError> {
        let mut flags = libevent::EV_PERSIST;
        flags |= if readable { libevent::EV_READ } else { 0 };
        flags |= if writable { libevent::EV_WRITE } else { 0 };
        let watch = Watch::new(event_loop, descriptor, flags, Source::NameSocket { exchange, descriptor })?;
        watch.add(None)?;
        Ok(Self { _watch: watch })
    }
}

fn flags_of(wish: c_int) -> u32 {
    let mut flags = libevent::EV_PERSIST;
    if wish & curl_sys::CURL_POLL_IN != 0 {
        flags |= libevent::EV_READ;
    }
    if wish & curl_sys::CURL_POLL_OUT != 0 {
        flags |= libevent::EV_WRITE;
    }
    flags
}

extern "C" fn happened(_: c_int, what: c_short, context: *mut c_void) {
    // SAFETY: every watch registers its boxed context, which lives until after its event is freed; nobody holds a
    // mutable reference while the loop runs.
    let context = unsafe { &*context.cast::<Context>() };
    if !guarded("an event", false, || context.note(what)) {
        context.event_loop.0.has_lost.set(true);
    }
}

impl Context {
    fn note(&self, what: c_short) -> bool {
        fault_point!("happened");
        let ready = match self.source {
            Source::Queue => Ready::Queue,
            Source::TransferTimer => Ready::TransferTimer,
            Source::Deadline => Ready::Deadline,
            Source::Socket(descriptor) => Ready::Socket { descriptor, events: selected(what) },
            Source::NameSocket { exchange, descriptor } => Ready::NameSocket {
                exchange,
                descriptor,
                readable: what as u32 & libevent::EV_READ != 0,
                writable: what as u32 & libevent::EV_WRITE != 0,
            },
        };
        self.event_loop.ready().borrow_mut().push_back(ready);
        true
    }
}

fn selected(what: c_short) -> c_int {
    let mut events = 0;
    if what as u32 & libevent::EV_READ != 0 {
        events |= curl_sys::CURL_CSELECT_IN;
    }
    if what as u32 & libevent::EV_WRITE != 0 {
        events |= curl_sys::CURL_CSELECT_OUT;
    }
    events
}

/// libevent would print to stderr, which a daemon does not have.
extern "C" fn log(severity: c_int, text: *const c_char) {
    guarded("libevent's log", (), || {
        // SAFETY: libevent hands in a NUL-terminated text.
        let text = unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy();
        if severity as u32 >= libevent::EVENT_LOG_WARN {
            crate::host::log::warning!("libevent: {text}");
        } else {
            crate::host::log::debug!("libevent: {text}");
        }
    });
}
