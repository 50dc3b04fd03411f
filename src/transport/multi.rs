//! libcurl's multi interface (`curl_multi_socket_action`), driven by [`EventLoop`].

use super::close_on_exec;
use super::easy::Easy;
use super::error::{LoopError, TransferError};
use super::event_loop::{EventLoop, SocketWatch, Timer};
use super::libcurl as api;
use super::open_connections;
use crate::host::{guarded, log};
use curl_sys::{self as curl, CURL, CURLM, CURLMcode};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_int, c_long, c_void};
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::time::Duration;

/// All transfers of one worker, their sockets and libcurl's timer.
///
/// Owns the multi handle. Easy handles that were added are owned by their transfers, which remove them before they go.
///
/// An error of the multi interface as a whole, most often for lack of memory, is not one transfer's: libcurl says
/// nothing more about any of them. The handle is then *broken*, takes no more transfers, and those that it has must be
/// removed.
pub struct Multi {
    handle: NonNull<CURLM>,
    added: usize,
    broken: bool,
    // Dropped after the handle, whose clean-up still reports closed sockets here.
    callbacks: Box<Callbacks>,
}

/// What libcurl's callbacks change; they run only inside the calls of this file.
struct Callbacks {
    event_loop: EventLoop,
    timer: Timer,
    /// libcurl wants to go on at once, which takes no timer.
    due: Cell<bool>,
    sockets: RefCell<HashMap<RawFd, SocketWatch>>,
    /// A callback has failed.
    failed: Cell<bool>,
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
    /// HTTP/2 streams on one connection (`CURLMOPT_MAX_CONCURRENT_STREAMS`); 1 for a connection that serves one transfer
    /// at a time.
    pub streams: usize,
}

impl Multi {
    /// A multi handle with these limits. Transfers for which there is no connection wait for one.
    ///
    /// # Errors
    /// No memory, or an option that this libcurl does not have.
    pub fn new(event_loop: &EventLoop, limits: &ConnectionLimits) -> Result<Self, LoopError> {
        let timer = Timer::for_transfers(event_loop)?;
        let callbacks = Box::new(Callbacks {
            event_loop: event_loop.clone(),
            timer,
            due: Cell::new(false),
            sockets: RefCell::default(),
            failed: Cell::new(false),
        });
        // libcurl opens what another thread would wake it by, 7.88 so that it stays open in a program.
        // SAFETY: no arguments; null on lack of memory.
        let handle = close_on_exec::mark_opened_by(|| NonNull::new(unsafe { curl::curl_multi_init() }))
            .ok_or_else(|| LoopError("curl_multi_init failed".to_owned()))?;
        let multi = Self { handle, added: 0, broken: false, callbacks };
        multi.install_callbacks()?;
        multi.set_number(curl::CURLMOPT_MAXCONNECTS, limits.idle)?;
        multi.set_number(curl::CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.total)?;
        multi.set_number(curl::CURLMOPT_MAX_HOST_CONNECTIONS, limits.per_host)?;
        let pipelining = if limits.streams > 1 { curl::CURLPIPE_MULTIPLEX } else { curl::CURLPIPE_NOTHING };
        multi.set_number(curl::CURLMOPT_PIPELINING, pipelining.unsigned_abs() as usize)?;
        multi.set_number(curl::CURLMOPT_MAX_CONCURRENT_STREAMS, limits.streams)?;
        Ok(multi)
    }

    /// Changes how many connections to one host and port there may be (`CURLMOPT_MAX_HOST_CONNECTIONS`); 0 for no limit. Those
    /// that are there stay.
    pub fn limit_connections_per_host(&self, limit: usize) {
        // libcurl has taken the option before, and takes any number.
        if let Err(error) = self.set_number(curl::CURLMOPT_MAX_HOST_CONNECTIONS, limit) {
            log::error!("{error}");
        }
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

    /// Whether the multi interface has failed as a whole.
    pub fn is_broken(&self) -> bool {
        self.broken || self.callbacks.failed.get()
    }

    /// How many transfers it has.
    pub fn transfers(&self) -> usize {
        self.added
    }

    /// Starts a transfer. Its easy handle must be removed before it is dropped or reset.
    ///
    /// # Errors
    /// libcurl refused, usually for lack of memory, or this is broken; the easy handle was not added.
    pub fn add<R>(&mut self, easy: &Easy<R>) -> Result<(), TransferError> {
        if self.is_broken() {
            return Err(TransferError::out_of_memory());
        }
        easy.report_closed_sockets(close_callback, std::ptr::from_ref(&*self.callbacks).cast())?;
        // SAFETY: both handles are live; the transfer removes its easy handle before it drops it.
        let code = unsafe { curl::curl_multi_add_handle(self.handle.as_ptr(), easy.as_ptr()) };
        check(code).map_err(|_| TransferError::out_of_memory())?;
        self.added += 1;
        Ok(())
    }

    /// Ends a transfer, finished or not. Its connection is kept where that is possible.
    pub fn remove<R>(&mut self, easy: &Easy<R>) {
        // SAFETY: both handles are live; the easy handle was added.
        let code = unsafe { curl::curl_multi_remove_handle(self.handle.as_ptr(), easy.as_ptr()) };
        self.added = self.added.saturating_sub(1);
        // libcurl has removed it already when it sets its timer anew, and tells when that fails.
        if code != api::CURLM_ABORTED_BY_CALLBACK as CURLMcode {
            check(code).unwrap_or_else(|error| log::critical!("a transfer cannot be removed: {error}"));
        }
    }

    /// Whether a socket is one of this handle's.
    pub fn watches(&self, descriptor: RawFd) -> bool {
        self.callbacks.sockets.borrow().contains_key(&descriptor)
    }

    /// Lets libcurl go on with one socket; see [`Multi::is_broken`] afterwards.
    pub fn socket_ready(&mut self, descriptor: RawFd, events: c_int) {
        if !self.callbacks.forget_resting(descriptor) {
            self.act(descriptor, events);
        }
    }

    /// Whether libcurl wants to go on at once.
    pub fn is_due(&self) -> bool {
        self.callbacks.due.get()
    }

    /// Lets libcurl go on after its timer has run out, or when it is due; see [`Multi::is_broken`] afterwards.
    pub fn timer_expired(&mut self) {
        self.callbacks.due.set(false);
        self.act(curl::CURL_SOCKET_TIMEOUT, 0);
    }

    fn act(&mut self, descriptor: curl::curl_socket_t, events: c_int) {
        if self.is_broken() {
            return;
        }
        let mut running = 0;
        // SAFETY: the handle is live; callbacks reach only Callbacks and the receivers of added easy handles.
        let code = unsafe { curl::curl_multi_socket_action(self.handle.as_ptr(), descriptor, events, &mut running) };
        open_connections::send_collected();
        // A bad socket is one that libcurl has closed since it became ready.
        if code == curl::CURLM_BAD_SOCKET {
            return;
        }
        if let Err(error) = check(code) {
            log::error!("{error}");
            self.broken = true;
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
                // One that libcurl does not name ends by its deadline.
                if let Some(key) = key_of(message.easy_handle) {
                    return Some(Done { key, result: TransferError::check(code) });
                }
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
fn key_of(easy: *mut CURL) -> Option<usize> {
    let mut pointer: *mut c_void = std::ptr::null_mut();
    // SAFETY: an easy handle of ours, which libcurl has just named; CURLINFO_PRIVATE writes one pointer.
    let code = unsafe { curl::curl_easy_getinfo(easy, curl::CURLINFO_PRIVATE, &mut pointer) };
    (code == curl::CURLE_OK).then_some(pointer as usize)
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
    // SAFETY: the context registered in install_callbacks, shared access only.
    let callbacks = unsafe { &*context.cast::<Callbacks>() };
    callbacks.note("a socket cannot be watched", || callbacks.watch(descriptor, wish))
}

impl Callbacks {
    fn watch(&self, descriptor: RawFd, wish: c_int) -> Result<(), LoopError> {
        let mut sockets = self.sockets.borrow_mut();
        if wish == curl::CURL_POLL_REMOVE {
            if !sockets.get_mut(&descriptor).is_some_and(SocketWatch::rest) {
                sockets.remove(&descriptor);
            }
        } else if let Some(watch) = sockets.get_mut(&descriptor) {
            watch.change(descriptor, wish)?;
        } else {
            sockets.insert(descriptor, SocketWatch::new(&self.event_loop, descriptor, wish)?);
        }
        Ok(())
    }

    /// Ends the watch over a socket that libcurl does not want to know of; whether it was such a one.
    fn forget_resting(&self, descriptor: RawFd) -> bool {
        let mut sockets = self.sockets.borrow_mut();
        let rests = sockets.get(&descriptor).is_some_and(SocketWatch::rests);
        if rests {
            sockets.remove(&descriptor);
        }
        rests
    }

    /// Runs what a callback is for, and notes when it fails. libcurl is told nothing of it: it would give all its transfers
    /// up on the spot, and crash over those that have no connection yet, or were just being added.
    fn note(&self, what: &str, act: impl FnOnce() -> Result<(), LoopError>) -> c_int {
        if let Err(error) = guarded(what, Err(LoopError("internal error".to_owned())), act) {
            log::error!("{what}: {error}");
            self.failed.set(true);
        }
        0
    }

    fn set_timer(&self, milliseconds: c_long) -> Result<(), LoopError> {
        self.due.set(milliseconds == 0);
        match u64::try_from(milliseconds) {
            Ok(milliseconds @ 1..) => self.timer.set(Duration::from_millis(milliseconds)),
            _ => {
                self.timer.unset();
                Ok(())
            }
        }
    }
}

/// `CURLMOPT_TIMERFUNCTION`: -1 means no timer.
extern "C" fn timer_callback(_: *mut CURLM, milliseconds: c_long, context: *mut c_void) -> c_int {
    // SAFETY: the context registered in install_callbacks, shared access only.
    let callbacks = unsafe { &*context.cast::<Callbacks>() };
    callbacks.note("libcurl's timer cannot be set", || callbacks.set_timer(milliseconds))
}

/// `CURLOPT_CLOSESOCKETFUNCTION`. The watch goes first: the descriptor's number may be another socket's in a moment.
extern "C" fn close_callback(context: *mut c_void, descriptor: curl::curl_socket_t) -> c_int {
    guarded("a closed socket", (), || {
        open_connections::closes(descriptor);
        // SAFETY: the context that Multi::add set, which outlives the connections of its multi handle; shared access only.
        let callbacks = unsafe { &*context.cast::<Callbacks>() };
        callbacks.sockets.borrow_mut().remove(&descriptor);
    });
    // SAFETY: libcurl leaves the closing of its socket to this function.
    unsafe { libc::close(descriptor) }
}
