//! libcurl's easy handle: the options of one transfer and where its bytes go.

use super::allocator::failed_allocations;
use super::connecting::on_connection;
use super::error::TransferError;
use super::global::transfers_own_buffers;
use super::libcurl as api;
use super::receiver::{CallbackContext, ErrorText, Receiver, on_body, on_header, on_request, on_socket, on_trace};
use super::string_list::StringList;
use super::tls_resumption;
use super::tls_sessions::Terms;
use curl_sys::{self as curl, CURL, CURLINFO, CURLoption};
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::ptr::NonNull;
use std::time::Duration;

/// Bytes (`CURLOPT_BUFFERSIZE`).
const DEFAULT_RECEIVE_BUFFER: usize = 16 * 1024;

/// One easy handle, everything libcurl reads or writes while it runs, and the receiver of its bytes.
///
/// All of it is boxed: libcurl holds pointers into it from [`Easy::connect_callbacks`] on. While the handle is added
/// to a multi handle, libcurl may use the receiver during any call of that multi handle, and at no other time.
pub struct Easy<R> {
    handle: NonNull<CURL>,
    // The pointers that libcurl holds are made from these raw ones, so that no reference is ever in their way.
    receiver: NonNull<R>,
    context: NonNull<CallbackContext<R>>,
    error_text: NonNull<ErrorText>,
    tls_terms: NonNull<Vec<u8>>,
    headers: StringList,
    addresses: StringList,
    has_body: bool,
}

impl<R: Receiver> Easy<R> {
    /// An easy handle with libcurl's default options.
    ///
    /// # Errors
    /// No memory.
    pub fn new(receiver: R) -> Result<Self, TransferError> {
        // SAFETY: no arguments; null on lack of memory.
        let handle = NonNull::new(unsafe { curl::curl_easy_init() }).ok_or_else(TransferError::out_of_memory)?;
        let receiver = leak(receiver);
        let error_text = leak([0; curl::CURL_ERROR_SIZE]);
        let easy = Self {
            handle,
            receiver,
            context: leak(CallbackContext::new(receiver, error_text)),
            error_text,
            tls_terms: leak(Vec::new()),
            headers: StringList::new(),
            addresses: StringList::new(),
            has_body: false,
        };
        easy.connect_callbacks()?;
        Ok(easy)
    }

    /// Back to libcurl's default options and a new receiver. The handle keeps its memory. It must not be added to a multi
    /// handle.
    ///
    /// # Errors
    /// The options could not be set. The handle is of no use then: libcurl says nothing when its memory ends in a reset,
    /// and leaves options at values that no transfer works with.
    pub fn reset(&mut self, receiver: R) -> Result<(), TransferError> {
        let failures = failed_allocations();
        // SAFETY: the handle is ours; afterwards libcurl holds neither of the lists.
        unsafe { curl::curl_easy_reset(self.handle.as_ptr()) };
        // libcurl keeps the addresses until a transfer begins to run, and a reset does not change that.
        self.set_pointer(curl::CURLOPT_RESOLVE, std::ptr::null_mut())?;
        self.has_body = false;
        self.begin_anew(receiver)?;
        self.connect_callbacks()?;
        if failed_allocations() == failures { Ok(()) } else { Err(TransferError::out_of_memory()) }
    }

    /// Takes what was one request's alone out of a handle whose other options stay: headers, addresses, body, response.
    /// It must not be added to a multi handle.
    ///
    /// # Errors
    /// libcurl refused an option; the handle is of no use then.
    pub fn rest(&mut self, receiver: R) -> Result<(), TransferError> {
        if !self.headers.is_empty() {
            self.set_pointer(curl::CURLOPT_HTTPHEADER, std::ptr::null_mut())?;
        }
        if !self.addresses.is_empty() {
            self.set_pointer(curl::CURLOPT_RESOLVE, std::ptr::null_mut())?;
        }
        if std::mem::take(&mut self.has_body) {
            self.set_pointer(curl::CURLOPT_COPYPOSTFIELDS, std::ptr::null_mut())?;
        }
        self.begin_anew(receiver)
    }

    /// Nothing sent or received yet. libcurl must hold neither of the lists any more.
    fn begin_anew(&mut self, receiver: R) -> Result<(), TransferError> {
        self.headers.clear();
        self.addresses.clear();
        self.forget_receive_buffer()?;
        *self.receiver_mut() = receiver;
        // SAFETY: ours, and libcurl is not running.
        unsafe { self.context.as_mut() }.begin_anew();
        // SAFETY: libcurl is not running, and writes no text before the handle is added again.
        unsafe { self.error_text.as_ptr().cast::<c_char>().write(0) };
        Ok(())
    }

    fn connect_callbacks(&self) -> Result<(), TransferError> {
        let receiver = self.receiver.as_ptr().cast::<c_void>();
        let context = self.context.as_ptr().cast::<c_void>();
        self.set_pointer(curl::CURLOPT_ERRORBUFFER, self.error_text.as_ptr().cast())?;
        self.set_pointer(curl::CURLOPT_WRITEFUNCTION, on_body::<R> as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_WRITEDATA, receiver)?;
        self.set_pointer(curl::CURLOPT_HEADERFUNCTION, on_header::<R> as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_HEADERDATA, context)?;
        self.set_pointer(curl::CURLOPT_OPENSOCKETFUNCTION, on_connection::<R> as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_OPENSOCKETDATA, context)?;
        self.set_pointer(curl::CURLOPT_SOCKOPTFUNCTION, on_socket::<R> as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_SOCKOPTDATA, context)?;
        self.set_pointer(api::CURLOPT_PREREQFUNCTION as CURLoption, on_request::<R> as *mut c_void)?;
        self.set_pointer(api::CURLOPT_PREREQDATA as CURLoption, context)?;
        self.set_number(curl::CURLOPT_NOSIGNAL, 1)
    }

    /// A transfer that never got a connection may have left its receive buffer behind, and libcurl takes any value that the
    /// option has later for its length. libcurl refuses the option then.
    fn forget_receive_buffer(&self) -> Result<(), TransferError> {
        self.set_receive_buffer(DEFAULT_RECEIVE_BUFFER)
    }

    /// How many bytes libcurl asks a connection for at once, 1 KiB at least. A newer libcurl has one buffer for all transfers,
    /// and nothing is changed.
    ///
    /// # Errors
    /// As [`Easy::set_number`].
    pub fn set_receive_buffer(&self, bytes: usize) -> Result<(), TransferError> {
        if transfers_own_buffers() { self.set_number(curl::CURLOPT_BUFFERSIZE, bytes as i64) } else { Ok(()) }
    }

    /// Makes libcurl tell what it does to [`Receiver::trace`].
    ///
    /// # Errors
    /// libcurl refused the option.
    pub fn trace(&self) -> Result<(), TransferError> {
        self.set_pointer(curl::CURLOPT_DEBUGFUNCTION, on_trace::<R> as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_DEBUGDATA, self.receiver.as_ptr().cast())?;
        self.set_number(curl::CURLOPT_VERBOSE, 1)
    }

    /// What received the transfer's bytes.
    pub fn receiver_mut(&mut self) -> &mut R {
        // SAFETY: the box is live until Drop. libcurl uses it only during a call of the multi handle, and no such call
        // can run while this borrow of the Easy is alive in the one thread of a worker: Multi's calls reach receivers
        // by pointer, and callers hold no receiver across them.
        unsafe { self.receiver.as_mut() }
    }
}

impl<R> Easy<R> {
    pub(super) fn as_ptr(&self) -> *mut CURL {
        self.handle.as_ptr()
    }

    /// Has `close` called, with `context`, for each socket of a connection that this transfer makes, in place of `close(2)`.
    ///
    /// # Errors
    /// libcurl refused an option.
    pub(super) fn report_closed_sockets(
        &self,
        close: extern "C" fn(*mut c_void, curl::curl_socket_t) -> c_int,
        context: *const c_void,
    ) -> Result<(), TransferError> {
        self.set_pointer(curl::CURLOPT_CLOSESOCKETFUNCTION, close as *mut c_void)?;
        self.set_pointer(curl::CURLOPT_CLOSESOCKETDATA, context.cast_mut())
    }

    /// The number by which [`super::multi::Done`] names this transfer.
    ///
    /// # Errors
    /// libcurl refused the option.
    pub fn set_key(&self, key: usize) -> Result<(), TransferError> {
        self.set_pointer(curl::CURLOPT_PRIVATE, std::ptr::without_provenance_mut(key))
    }

    /// Sets an option that takes a `long`.
    ///
    /// # Errors
    /// libcurl does not have the option or refuses the value.
    pub fn set_number(&self, option: CURLoption, value: i64) -> Result<(), TransferError> {
        debug_assert!(option < curl::CURLOPTTYPE_OBJECTPOINT);
        let value = value as c_long;
        // SAFETY: the handle is live; numbers below OBJECTPOINT take a long.
        TransferError::check(unsafe { curl::curl_easy_setopt(self.as_ptr(), option, value) })
    }

    /// Sets an option that takes a string, which libcurl copies.
    ///
    /// # Errors
    /// As [`Easy::set_number`], or no memory.
    pub fn set_text(&self, option: CURLoption, text: &CStr) -> Result<(), TransferError> {
        self.set_pointer(option, text.as_ptr().cast_mut().cast())
    }

    /// Sets the request body, which libcurl copies. The content type is the default of POST,
    /// `application/x-www-form-urlencoded`, unless a header says otherwise.
    ///
    /// # Errors
    /// As [`Easy::set_number`], or no memory.
    pub fn set_body(&mut self, body: &[u8]) -> Result<(), TransferError> {
        let length = body.len() as curl::curl_off_t;
        // SAFETY: the option takes a curl_off_t.
        let code = unsafe { curl::curl_easy_setopt(self.as_ptr(), curl::CURLOPT_POSTFIELDSIZE_LARGE, length) };
        TransferError::check(code)?;
        self.has_body = true;
        self.set_pointer(curl::CURLOPT_COPYPOSTFIELDS, body.as_ptr().cast_mut().cast())
    }

    /// Adds a request header in libcurl's form (`CURLOPT_HTTPHEADER`).
    ///
    /// # Errors
    /// No memory.
    pub fn add_header(&mut self, header: &CStr) -> Result<(), TransferError> {
        self.headers.push(header)
    }

    /// Puts the headers that were added into force.
    ///
    /// # Errors
    /// libcurl refused the option.
    pub fn use_headers(&self) -> Result<(), TransferError> {
        self.set_pointer(curl::CURLOPT_HTTPHEADER, self.headers.as_ptr().cast())
    }

    /// Hands libcurl the addresses of a host (`CURLOPT_RESOLVE`).
    ///
    /// # Errors
    /// No memory, or libcurl refused the option.
    pub fn set_addresses(&mut self, entry: &CStr) -> Result<(), TransferError> {
        self.addresses.push(entry)?;
        self.set_pointer(curl::CURLOPT_RESOLVE, self.addresses.as_ptr().cast())
    }

    /// Forbids libcurl to look any name up itself: its look-ups would make the whole worker wait.
    ///
    /// # Errors
    /// libcurl refused the option.
    pub fn refuse_lookups(&self) -> Result<(), TransferError> {
        self.set_pointer(api::CURLOPT_RESOLVER_START_FUNCTION as CURLoption, refuse_lookup as *mut c_void)
    }

    /// Lets a connection that is made for this transfer resume a TLS session that this worker has got under the same terms,
    /// and keeps those that it gets. libcurl itself keeps none: 7.88 frees a session twice when memory ends while it
    /// keeps one, and knows neither age nor more than five of them.
    ///
    /// # Errors
    /// libcurl refused an option.
    pub fn resume_tls_sessions(&mut self, terms: &Terms<'_>) -> Result<(), TransferError> {
        self.set_number(curl::CURLOPT_SSL_SESSIONID_CACHE, 0)?;
        // SAFETY: the box is live until Drop; libcurl reads it only while it makes a connection for this transfer.
        let has_terms = terms.write(unsafe { self.tls_terms.as_mut() }).is_ok();
        if !tls_resumption::is_possible() {
            return Ok(());
        }
        if !has_terms {
            // The handle may have served another request, and those of all that lack terms would be the same.
            return self.set_pointer(curl::CURLOPT_SSL_CTX_FUNCTION, std::ptr::null_mut());
        }
        self.set_pointer(curl::CURLOPT_SSL_CTX_DATA, self.tls_terms.as_ptr().cast())?;
        self.set_pointer(curl::CURLOPT_SSL_CTX_FUNCTION, tls_resumption::on_new_connection as *mut c_void)
    }

    fn set_pointer(&self, option: CURLoption, pointer: *mut c_void) -> Result<(), TransferError> {
        // SAFETY: the handle is live. The callers of this private function pass what the option documents: strings,
        // which libcurl copies, or boxes and lists of this Easy, which outlive the handle's use of them.
        TransferError::check(unsafe { curl::curl_easy_setopt(self.as_ptr(), option, pointer) })
    }

    /// Time from the start of libcurl's transfer to a point in it (`CURLINFO_*_TIME`); zero when it was not reached.
    pub fn time(&self, info: CURLINFO) -> Duration {
        let mut seconds = 0f64;
        // SAFETY: the handle is live; these informations write one double.
        let code = unsafe { curl::curl_easy_getinfo(self.as_ptr(), info, &mut seconds) };
        if code == curl::CURLE_OK { Duration::try_from_secs_f64(seconds).unwrap_or_default() } else { Duration::ZERO }
    }

    /// Status of the last response (`CURLINFO_RESPONSE_CODE`); 0 when there was none.
    ///
    /// # Errors
    /// libcurl does not tell it.
    pub fn status(&self) -> Result<u16, TransferError> {
        let mut status: c_long = 0;
        // SAFETY: the handle is live; this information writes one long.
        let code = unsafe { curl::curl_easy_getinfo(self.as_ptr(), curl::CURLINFO_RESPONSE_CODE, &mut status) };
        TransferError::check(code)?;
        Ok(u16::try_from(status).unwrap_or(0))
    }

    /// Whether HTTP/2 was spoken on the connection of the last request; `None` when nobody has got a response there.
    pub fn spoke_http2(&self) -> Option<bool> {
        // SAFETY: the box is live until Drop, and libcurl, which changes it, is not running.
        unsafe { self.context.as_ref() }.spoke_http2()
    }

    /// Whether a connection is being made for the transfer and its peer has not answered the SYN yet. To be asked only while the
    /// transfer has sent no request since the connection was begun.
    pub fn awaits_peer(&self) -> bool {
        // SAFETY: as in spoke_http2().
        unsafe { self.context.as_ref() }.awaits_peer()
    }

    /// Whether no connection was made for the last transfer (`CURLINFO_NUM_CONNECTS`).
    pub fn was_connection_kept(&self) -> bool {
        let mut made: c_long = 0;
        // SAFETY: the handle is live; this information writes one long.
        let code = unsafe { curl::curl_easy_getinfo(self.as_ptr(), curl::CURLINFO_NUM_CONNECTS, &mut made) };
        code == curl::CURLE_OK && made == 0
    }

    /// libcurl's words on what went wrong in this transfer; empty when it said nothing.
    pub fn error_text(&self) -> String {
        // SAFETY: libcurl writes a NUL-terminated text there, and is not running now.
        let text = unsafe { CStr::from_ptr(self.error_text.as_ptr().cast::<c_char>()) };
        text.to_string_lossy().trim_end().to_owned()
    }
}

impl<R> Drop for Easy<R> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and not added to a multi handle; after its clean-up libcurl holds no pointer to
        // the boxes, which leak() made.
        unsafe {
            curl::curl_easy_cleanup(self.handle.as_ptr());
            drop(Box::from_raw(self.context.as_ptr()));
            drop(Box::from_raw(self.receiver.as_ptr()));
            drop(Box::from_raw(self.error_text.as_ptr()));
            drop(Box::from_raw(self.tls_terms.as_ptr()));
        }
    }
}

fn leak<T>(value: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(value)))
}

/// `CURLOPT_RESOLVER_START_FUNCTION`: libcurl calls it when a name is not among the addresses it was given.
extern "C" fn refuse_lookup(_: *mut c_void, _: *mut c_void, _: *mut c_void) -> c_int {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::receiver::tests::Asks;

    #[test]
    fn addresses_that_no_transfer_used_are_gone_after_a_reset() {
        let mut easy = Easy::new(Asks(None)).unwrap();
        easy.set_addresses(c"+api.test:80:127.0.0.1").unwrap();
        easy.reset(Asks(None)).unwrap();
        // Nobody listens there. libcurl reads the addresses that it holds before it finds out.
        easy.set_text(curl::CURLOPT_URL, c"http://127.0.0.1:1/").unwrap();
        // SAFETY: the handle is live.
        let code = unsafe { curl::curl_easy_perform(easy.as_ptr()) };
        assert_eq!(code, curl::CURLE_COULDNT_CONNECT);
    }
}
