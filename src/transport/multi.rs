//! libcurl's multi interface (`curl_multi_socket_action`), driven by [`EventLoop`].

use super::easy::Easy;
use super::error::{LoopError, TransferError};
use super::event_loop::{EventLoop, SocketWatch, Timer};
use crate::host::{guarded, log};
use curl_sys::{self as curl, CURL, CURLM, CURLMcode};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_int, c_long, c_void};
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::time::Duration;

/// libcurl has not set its timer when it ran out of memory; it is asked again then.
const AFTER_LACK_OF_MEMORY: Duration = Duration::from_millis(50);

/// All transfers of one worker, their sockets and libcurl's timer.
///
/// Owns the multi handle. Easy handles that were added are owned by their transfers, which remove them before they go.
pub struct Multi {
    handle: NonNull<CURLM>,
    // Dropped after the handle, whose clean-up still reports closed sockets here.
    callbacks: Box<Callbacks>,
}

/// What libcurl's callbacks change; they run only inside the calls of this file.
struct Callbacks {
    event_loop: EventLoop,
    timer: Timer,
    sockets: RefCell<HashMap<RawFd, SocketWatch>>,
}

/// A transfer that libcurl has finished.
#[derive(Debug)]
pub struct Done {
    /// The number that was given to [`Easy::set_key`].
    pub key: usize,
    /// How it ended, before an HTTP status is looked at.
    pub result: Result<(), TransferError>,
}

/// How many connections a multi handle has.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Idle ones that are kept (`CURLMOPT_MAXCONNECTS`).
    pub idle: usize,
    /// All together (`CURLMOPT_MAX_TOTAL_CONNECTIONS`).
    pub total: usize,
    /// To one host and port (`CURLMOPT_MAX_HOST_CONNECTIONS`); 0 for no limit.
    pub per_host: usize,
}

impl Multi {
    /// A multi handle with these limits. Transfers for which there is no connection wait for one.
    ///
    /// # Errors
    /// No memory, or an option that this libcurl does not have.
    pub fn new(event_loop: &EventLoop, limits: &ConnectionLimits) -> Result<Self, LoopError> {
        let timer = Timer::for_transfers(event_loop)?;
        let callbacks = Box::new(Callbacks { event_loop: event_loop.clone(), timer, sockets: RefCell::default() });
        // SAFETY: no arguments; null on lack of memory.
        let handle = NonNull::new(unsafe { curl::curl_multi_init() })
            .ok_or_else(|| LoopError("curl_multi_init failed".to_owned()))?;
        let multi = Self { handle, callbacks };
        multi.install_callbacks()?;
        multi.set_number(curl::CURLMOPT_MAXCONNECTS, limits.idle)?;
        multi.set_number(curl::CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.total)?;
        multi.set_number(curl::CURLMOPT_MAX_HOST_CONNECTIONS, limits.per_host)?;
        // One stream a connection: libcurl 7.88 fails multiplexed streams.
        multi.set_number(curl::CURLMOPT_PIPELINING, 0)?;
        Ok(multi)
    }

    fn install_callbacks(&self) -> Result<(), LoopError> {
        let context: *const Callbacks = &*self.callbacks;
        // SAFETY: the functions have the types that libcurl documents for these options; the context stays at its
        // address in its box and outlives the handle.
        unsafe {
            let handle = self.handle.as_ptr();
            let on_socket = socket_callback as curl::curl_socket_callback;
            let on_timer = timer_callback as curl::curl_multi_timer_callback;
            check(curl::curl_multi_setopt(handle, curl::CURLMOPT_SOCKETFUNCTION, on_socket))?;
            check(curl::curl_multi_setopt(handle, curl::CURLMOPT_SOCKETDATA, context))?;
            check(curl::curl_multi_setopt(handle, curl::CURLMOPT_TIMERFUNCTION, on_timer))?;
            check(curl::curl_multi_setopt(handle, curl::CURLMOPT_TIMERDATA, context))
        }
    }

    fn set_number(&self, option: curl::CURLMoption, value: usize) -> Result<(), LoopError> {
        let value = c_long::try_from(value).unwrap_or(c_long::MAX);
        // SAFETY: the option takes a long.
        check(unsafe { curl::curl_multi_setopt(self.handle.as_ptr(), option, value) })
    }

    /// Starts a transfer. Its easy handle must be removed before it is dropped or reset.
    ///
    /// # Errors
    /// libcurl refused, usually for lack of memory; the handle was not added.
    pub fn add<R>(&mut self, easy: &Easy<R>) -> Result<(), TransferError> {
        // SAFETY: both handles are live; the transfer removes its easy handle before it drops it.
        let code = unsafe { curl::curl_multi_add_handle(self.handle.as_ptr(), easy.as_ptr()) };
        check(code).map_err(|_| TransferError::out_of_memory())
    }

    /// Ends a transfer, finished or not. Its connection is kept where that is possible.
    pub fn remove<R>(&mut self, easy: &Easy<R>) {
        // SAFETY: both handles are live; removing one that was not added is harmless.
        let code = unsafe { curl::curl_multi_remove_handle(self.handle.as_ptr(), easy.as_ptr()) };
        if let Err(error) = check(code) {
            log::critical!("a transfer cannot be removed: {error}");
        }
    }

    /// Whether a socket is one of this handle's.
    pub fn watches(&self, descriptor: RawFd) -> bool {
        self.callbacks.sockets.borrow().contains_key(&descriptor)
    }

    /// Lets libcurl go on with one socket.
    ///
    /// # Errors
    /// An error of the multi interface as a whole.
    pub fn socket_ready(&mut self, descriptor: RawFd, events: c_int) -> Result<(), LoopError> {
        self.act(descriptor, events)
    }

    /// Lets libcurl go on after its timer has run out.
    ///
    /// # Errors
    /// An error of the multi interface as a whole.
    pub fn timer_expired(&mut self) -> Result<(), LoopError> {
        self.act(curl::CURL_SOCKET_TIMEOUT, 0)
    }

    fn act(&mut self, descriptor: curl::curl_socket_t, events: c_int) -> Result<(), LoopError> {
        let mut running = 0;
        // SAFETY: the handle is live; callbacks reach only Callbacks and the receivers of added easy handles.
        match unsafe { curl::curl_multi_socket_action(self.handle.as_ptr(), descriptor, events, &mut running) } {
            // A socket that libcurl has closed since it became ready.
            curl::CURLM_BAD_SOCKET => Ok(()),
            // It could not watch one transfer's socket: that transfer will meet its deadline, the others go on.
            curl::CURLM_OUT_OF_MEMORY => self.callbacks.timer.set(AFTER_LACK_OF_MEMORY),
            code => check(code),
        }
    }

    /// The next transfer that has ended.
    pub fn next_done(&mut self) -> Option<Done> {
        loop {
            let mut left = 0;
            // SAFETY: the handle is live; the message is read before the next call to libcurl.
            let message = unsafe { curl::curl_multi_info_read(self.handle.as_ptr(), &mut left).as_ref() }?;
            if message.msg == curl::CURLMSG_DONE {
                let code = message.data as usize as curl::CURLcode;
                return Some(Done { key: key_of(message.easy_handle), result: TransferError::check(code) });
            }
        }
    }
}

impl Drop for Multi {
    fn drop(&mut self) {
        // SAFETY: ours, cleaned up once; `callbacks` still lives.
        let code = unsafe { curl::curl_multi_cleanup(self.handle.as_ptr()) };
        if let Err(error) = check(code) {
            log::critical!("{error}");
        }
    }
}

/// The number of [`Easy::set_key`].
fn key_of(easy: *mut CURL) -> usize {
    let mut pointer: *mut c_void = std::ptr::null_mut();
    // SAFETY: an easy handle of ours, which libcurl has just named; CURLINFO_PRIVATE writes one pointer.
    unsafe { curl::curl_easy_getinfo(easy, curl::CURLINFO_PRIVATE, &mut pointer) };
    pointer as usize
}

fn check(code: CURLMcode) -> Result<(), LoopError> {
    if code == curl::CURLM_OK {
        return Ok(());
    }
    // SAFETY: libcurl returns a static string for every number.
    let text = unsafe { CStr::from_ptr(curl::curl_multi_strerror(code)) };
    Err(LoopError(format!("libcurl's multi interface: {}", text.to_string_lossy())))
}

/// `CURLMOPT_SOCKETFUNCTION`: socket state is kept per descriptor, never per easy handle.
extern "C" fn socket_callback(
    _: *mut CURL,
    descriptor: curl::curl_socket_t,
    wish: c_int,
    context: *mut c_void,
    _: *mut c_void,
) -> c_int {
    guarded("libcurl's socket callback", -1, || {
        // SAFETY: the context registered in install_callbacks, shared access only.
        let callbacks = unsafe { &*context.cast::<Callbacks>() };
        match callbacks.watch(descriptor, wish) {
            Ok(()) => 0,
            Err(error) => {
                log::error!("cannot watch a socket: {error}");
                -1
            }
        }
    })
}

impl Callbacks {
    fn watch(&self, descriptor: RawFd, wish: c_int) -> Result<(), LoopError> {
        let mut sockets = self.sockets.borrow_mut();
        if wish == curl::CURL_POLL_REMOVE {
            sockets.remove(&descriptor);
        } else if let Some(watch) = sockets.get_mut(&descriptor) {
            watch.change(descriptor, wish)?;
        } else {
            sockets.insert(descriptor, SocketWatch::new(&self.event_loop, descriptor, wish)?);
        }
        Ok(())
    }

    fn set_timer(&self, milliseconds: c_long) -> Result<(), LoopError> {
        match u64::try_from(milliseconds) {
            Ok(milliseconds) => self.timer.set(Duration::from_millis(milliseconds)),
            Err(_) => {
                self.timer.unset();
                Ok(())
            }
        }
    }
}

/// `CURLMOPT_TIMERFUNCTION`: -1 means no timer.
extern "C" fn timer_callback(_: *mut CURLM, milliseconds: c_long, context: *mut c_void) -> c_int {
    guarded("libcurl's timer callback", -1, || {
        // SAFETY: the context registered in install_callbacks, shared access only.
        let callbacks = unsafe { &*context.cast::<Callbacks>() };
        if callbacks.set_timer(milliseconds).is_ok() { 0 } else { -1 }
    })
}
