//! libcurl's side: a fixed number of easy handles, set up once, each run again and again.

use crate::watches::Watches;
use curl_sys::{self as curl, CURL, CURLM};
use libevent_sys as libevent;
use std::cell::{Cell, OnceCell};
use std::ffi::{CString, c_char, c_int, c_long, c_short, c_void};

/// All transfers. Its address is what the callbacks get, so it is boxed and stays until the program ends.
pub struct Transfers {
    multi: *mut CURLM,
    handles: Vec<*mut CURL>,
    watches: OnceCell<Watches>,
    /// Queries that are still to be started.
    waiting: Cell<u64>,
    in_flight: Cell<u64>,
    ended: Cell<Ended>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    /// Bytes of all bodies.
    pub bytes: u64,
    /// Queries that ended with anything but status 200.
    pub failed: u64,
}

impl Transfers {
    /// `in_flight` handles for GET requests of `url`.
    pub fn new(url: &str, in_flight: usize) -> &'static Self {
        let url = CString::new(url).expect("a URL has no NUL");
        // SAFETY: the first call of libcurl, in the only thread.
        let multi = unsafe {
            curl::curl_global_init(curl::CURL_GLOBAL_DEFAULT);
            curl::curl_multi_init()
        };
        let mut transfers = Self {
            multi,
            handles: Vec::new(),
            watches: OnceCell::new(),
            waiting: Cell::new(0),
            in_flight: Cell::new(0),
            ended: Cell::default(),
        };
        transfers.handles = (0..in_flight).map(|_| transfers.handle(&url)).collect();
        let transfers = Box::leak(Box::new(transfers));
        transfers.set_up(in_flight);
        transfers
    }

    fn handle(&self, url: &CString) -> *mut CURL {
        // SAFETY: options with values of the type that libcurl documents for them; libcurl copies the URL.
        unsafe {
            let handle = curl::curl_easy_init();
            curl::curl_easy_setopt(handle, curl::CURLOPT_URL, url.as_ptr());
            curl::curl_easy_setopt(handle, curl::CURLOPT_NOSIGNAL, 1 as c_long);
            curl::curl_easy_setopt(handle, curl::CURLOPT_WRITEFUNCTION, count_bytes as curl::curl_write_callback);
            curl::curl_easy_setopt(handle, curl::CURLOPT_CLOSESOCKETFUNCTION, close_socket as CloseSocket);
            handle
        }
    }

    fn set_up(&'static self, in_flight: usize) {
        let context = std::ptr::from_ref(self).cast_mut().cast::<c_void>();
        drop(self.watches.set(Watches::new(happened, context)));
        let on_socket = socket_wish as curl::curl_socket_callback;
        let on_timer = timer_wish as curl::curl_multi_timer_callback;
        // SAFETY: options with values of the type that libcurl documents for them; the context lives for ever.
        unsafe {
            curl::curl_multi_setopt(self.multi, curl::CURLMOPT_SOCKETFUNCTION, on_socket);
            curl::curl_multi_setopt(self.multi, curl::CURLMOPT_SOCKETDATA, context);
            curl::curl_multi_setopt(self.multi, curl::CURLMOPT_TIMERFUNCTION, on_timer);
            curl::curl_multi_setopt(self.multi, curl::CURLMOPT_TIMERDATA, context);
            curl::curl_multi_setopt(self.multi, curl::CURLMOPT_MAXCONNECTS, (in_flight * 2) as c_long);
            for handle in &self.handles {
                curl::curl_easy_setopt(*handle, curl::CURLOPT_WRITEDATA, context);
                curl::curl_easy_setopt(*handle, curl::CURLOPT_CLOSESOCKETDATA, context);
            }
        }
    }

    fn watches(&self) -> &Watches {
        self.watches.get().expect("set up")
    }

    /// Runs so many queries.
    pub fn run(&self, queries: u64) -> Ended {
        self.waiting.set(queries);
        self.handles.iter().for_each(|handle| self.start(*handle));
        self.watches().run();
        self.ended.get()
    }

    /// Runs one more query on a handle, if any is to be run.
    fn start(&self, handle: *mut CURL) {
        let Some(waiting) = self.waiting.get().checked_sub(1) else { return };
        self.waiting.set(waiting);
        self.in_flight.set(self.in_flight.get() + 1);
        // SAFETY: both handles are live, the easy handle is in no multi handle.
        let code = unsafe { curl::curl_multi_add_handle(self.multi, handle) };
        assert_eq!(code, curl::CURLM_OK, "libcurl takes the handle");
    }

    fn act(&self, descriptor: c_int, events: c_int) {
        let mut running = 0;
        // SAFETY: the handle is live.
        unsafe { curl::curl_multi_socket_action(self.multi, descriptor, events, &mut running) };
        self.take_ended();
    }

    fn take_ended(&self) {
        let mut left = 0;
        // SAFETY: the message is read before the next call of libcurl.
        while let Some(message) = unsafe { curl::curl_multi_info_read(self.multi, &mut left).as_ref() } {
            let handle = message.easy_handle;
            self.end(handle);
            self.start(handle);
        }
        if self.in_flight.get() == 0 {
            self.watches().stop();
        }
    }

    fn end(&self, handle: *mut CURL) {
        let mut status: c_long = 0;
        // SAFETY: the handle is live and in the multi handle; the information is a long.
        unsafe {
            curl::curl_easy_getinfo(handle, curl::CURLINFO_RESPONSE_CODE, &mut status);
            curl::curl_multi_remove_handle(self.multi, handle);
        }
        self.in_flight.set(self.in_flight.get() - 1);
        let ended = self.ended.get();
        self.ended.set(Ended { failed: ended.failed + u64::from(status != 200), ..ended });
    }
}

/// `CURLOPT_CLOSESOCKETFUNCTION`.
type CloseSocket = extern "C" fn(*mut c_void, curl::curl_socket_t) -> c_int;

/// What every callback was given.
///
/// # Safety
/// `context` is that of [`Transfers::set_up`].
unsafe fn transfers(context: *mut c_void) -> &'static Transfers {
    // SAFETY: the caller's promise; the value lives for ever, and only shared references to it exist.
    unsafe { &*context.cast::<Transfers>() }
}

extern "C" fn count_bytes(_: *mut c_char, size: usize, count: usize, context: *mut c_void) -> usize {
    // SAFETY: CURLOPT_WRITEDATA.
    let transfers = unsafe { transfers(context) };
    let ended = transfers.ended.get();
    transfers.ended.set(Ended { bytes: ended.bytes + (size * count) as u64, ..ended });
    size * count
}

extern "C" fn socket_wish(_: *mut CURL, descriptor: c_int, wish: c_int, context: *mut c_void, _: *mut c_void) -> c_int {
    // SAFETY: CURLMOPT_SOCKETDATA.
    unsafe { transfers(context) }.watches().wish(descriptor, wish);
    0
}

extern "C" fn timer_wish(_: *mut CURLM, milliseconds: c_long, context: *mut c_void) -> c_int {
    // SAFETY: CURLMOPT_TIMERDATA.
    unsafe { transfers(context) }.watches().set_timer(milliseconds);
    0
}

extern "C" fn close_socket(context: *mut c_void, descriptor: curl::curl_socket_t) -> c_int {
    // SAFETY: CURLOPT_CLOSESOCKETDATA.
    unsafe { transfers(context) }.watches().forget(descriptor);
    // SAFETY: libcurl leaves it to this callback to close its socket.
    unsafe { libc::close(descriptor) }
}

unsafe extern "C" fn happened(descriptor: c_int, events: c_short, context: *mut c_void) {
    // SAFETY: the context that libevent was given.
    let transfers = unsafe { transfers(context) };
    if descriptor < 0 {
        transfers.act(curl::CURL_SOCKET_TIMEOUT, 0);
    } else if transfers.watches().is_wished(descriptor) {
        let has = |flag: u32, bit: c_int| if events & flag as c_short != 0 { bit } else { 0 };
        let bits = has(libevent::EV_READ, curl::CURL_CSELECT_IN) | has(libevent::EV_WRITE, curl::CURL_CSELECT_OUT);
        transfers.act(descriptor, bits);
    }
}
