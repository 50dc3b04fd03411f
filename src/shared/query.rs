//! The query block: everything an HTTP worker needs to know about a query, in one piece of shared memory.
//!
//! A [`Query`] owns its block. A SIP worker makes it, the ring carries it over as a bare pointer, an HTTP worker takes
//! it over and frees it by dropping it: there is one owner at any time.

use super::block_pool;
use super::clock::Instant;
use super::query_id::QueryId;
use crate::host::interface::Suspension;
use std::alloc::Layout;
use std::ffi::CStr;
use std::ptr::NonNull;
use std::time::Duration;

/// Request methods, RFC 9110 section 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// PATCH, RFC 5789.
    Patch,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
}

impl Method {
    /// Whether a request that was acted on may be sent a second time (RFC 9110 section 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// The HTTP version that a query asks for (libcurl's `CURLOPT_HTTP_VERSION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpVersion {
    /// What libcurl does by itself: HTTP/2 where TLS offers it, HTTP/1.1 otherwise.
    Default,
    /// HTTP/2, by upgrade or where TLS offers it.
    Http2,
    /// HTTP/2 at once.
    Http2PriorKnowledge,
}

/// The parts of a query that have a fixed size.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What `$http_req_id` shows.
    pub id: QueryId,
    /// When the function was called.
    pub submitted: Instant,
    /// From `submitted` to the end of the query, whatever happens.
    pub timeout: Duration,
    /// The transaction that waits for the query; `None` when the route runs without one.
    pub suspension: Option<Suspension>,
    /// Index of the route to run; -1 with a KEMI script, where [`Text::Function`] names a function, and where nothing runs.
    pub route_index: i32,
    /// Type of the route that sent the query (`get_route_type`).
    pub route_type: i32,
    /// `None`: GET, or POST with a body.
    pub method: Option<Method>,
    /// libcurl's `CURLAUTH_*` bits.
    pub authmethod: u32,
    /// Whether script or operator chose them; otherwise they are the default.
    pub chooses_authmethod: bool,
    /// libcurl's `CURL_SSLVERSION_*`.
    pub tls_version: u32,
    /// Whether the server's certificate must be for the host of the URL.
    pub tls_verify_host: bool,
    /// Whether the server's certificate must be signed by a known authority.
    pub tls_verify_peer: bool,
    /// Whether TCP keep-alive probes are sent.
    pub tcp_keepalive: bool,
    /// Seconds without traffic before the first probe; 0 for libcurl's default.
    pub tcp_ka_idle: u32,
    /// Seconds between probes; 0 for libcurl's default.
    pub tcp_ka_interval: u32,
    /// Whether redirects are followed.
    pub follow_redirect: bool,
    /// Most redirects that are followed.
    pub max_redirects: u32,
    /// Most bytes of a response's body.
    pub max_response_size: u32,
    /// For each connection, TLS included; zero for the deadline alone.
    pub connect_timeout: Duration,
    /// Which HTTP version is asked for.
    pub http_version: HttpVersion,
}

impl Options {
    /// When the query ends at the latest.
    pub fn deadline(&self) -> Instant {
        self.submitted.after(self.timeout)
    }
}

#[cfg(any(test, fuzzing))]
impl Options {
    /// Some options, for unit tests and fuzz targets.
    pub fn example() -> Self {
        Self {
            id: QueryId { started: 1, process: 1, count: 1 },
            submitted: Instant::now(),
            timeout: Duration::from_millis(500),
            suspension: None,
            route_index: 1,
            route_type: 1,
            method: None,
            authmethod: 3,
            chooses_authmethod: false,
            tls_version: 0,
            tls_verify_host: true,
            tls_verify_peer: true,
            tcp_keepalive: false,
            tcp_ka_idle: 0,
            tcp_ka_interval: 0,
            follow_redirect: false,
            max_redirects: 5,
            max_response_size: 1024,
            connect_timeout: Duration::ZERO,
            http_version: HttpVersion::Default,
        }
    }
}

/// The parts of a query that are texts. All but the body and the callback's string are free of NUL bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// The URL.
    Url,
    /// The request body.
    Body,
    /// User name for HTTP authentication.
    Username,
    /// Password for HTTP authentication.
    Password,
    /// Path of the client certificate.
    TlsClientCert,
    /// Path of its key.
    TlsClientKey,
    /// Path of the authorities' certificates.
    TlsCaPath,
    /// What the callback finds in `$http_xdata`.
    Xdata,
    /// Name of the KEMI function to run.
    Function,
}

const TEXTS: usize = Text::Function as usize + 1;

/// The texts of a query while it is being made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a>([Option<&'a [u8]>; TEXTS]);

impl<'a> Texts<'a> {
    /// Sets one text; `None` leaves it out.
    pub fn set(&mut self, which: Text, text: Option<&'a [u8]>) {
        if let Some(place) = self.0.get_mut(which as usize) {
            *place = text;
        }
    }
}

/// Where a text lies: bytes from the start of the block. It is followed by a NUL.
#[derive(Clone, Copy)]
struct Place {
    offset: u32,
    length: u32,
}

/// The start of the block; places of the headers, then all texts, follow.
pub(super) struct Block {
    options: Options,
    texts: [Option<Place>; TEXTS],
    header_count: u32,
}

/// Why a query block cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// The texts are longer than a block can be.
    TooLarge,
    /// Shared memory is exhausted.
    NoMemory,
}

/// A query, owned by whoever holds this.
pub struct Query(NonNull<Block>);

impl Query {
    /// Copies everything into one new block.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn new(options: Options, texts: &Texts<'_>, headers: &[Vec<u8>]) -> Result<Self, QueryError> {
        let places_end = size_of::<Block>() + headers.len() * size_of::<Place>();
        let texts_length: usize = texts.0.iter().flatten().map(|text| text.len() + 1).sum();
        let headers_length: usize = headers.iter().map(|header| header.len() + 1).sum();
        let size = places_end + texts_length + headers_length;
        if u32::try_from(size).is_err() {
            return Err(QueryError::TooLarge);
        }
        let layout = Layout::from_size_align(size, align_of::<Block>()).map_err(|_| QueryError::TooLarge)?;
        let start = block_pool::allocate(layout).ok_or(QueryError::NoMemory)?;
        let mut writer = Writer { start, offset: places_end };
        let texts = texts.0.map(|text| text.map(|text| writer.append(text)));
        let block = start.cast::<Block>();
        // SAFETY: the block is new, large and aligned enough (block_pool::allocate), and nobody else knows it yet.
        unsafe { block.write(Block { options, texts, header_count: headers.len() as u32 }) };
        for (index, header) in headers.iter().enumerate() {
            let place = writer.append(header);
            // SAFETY: `places_end` leaves room for one place a header, right behind the Block, whose size keeps
            // their alignment.
            unsafe { block.add(1).cast::<Place>().add(index).write(place) };
        }
        Ok(Self(block))
    }

    /// Gives the ownership to whoever gets the pointer.
    pub(super) fn into_raw(self) -> NonNull<Block> {
        std::mem::ManuallyDrop::new(self).0
    }

    /// Takes the ownership over.
    ///
    /// # Safety
    /// The pointer came from [`Query::into_raw`], in any process, and is taken over once.
    pub(super) unsafe fn from_raw(block: NonNull<Block>) -> Self {
        Self(block)
    }

    fn block(&self) -> &Block {
        // SAFETY: owned, and written completely before anybody had it.
        unsafe { self.0.as_ref() }
    }

    /// The parts of fixed size.
    pub fn options(&self) -> &Options {
        &self.block().options
    }

    /// Notes the transaction that waits for the query.
    pub fn set_suspension(&mut self, suspension: Suspension) {
        // SAFETY: owned, and borrowed mutably.
        unsafe { self.0.as_mut() }.options.suspension = Some(suspension);
    }

    /// A text as bytes, without its NUL.
    pub fn bytes(&self, which: Text) -> Option<&[u8]> {
        let place = (*self.block().texts.get(which as usize)?)?;
        self.stored(place).split_last().map(|(_nul, bytes)| bytes)
    }

    /// A text as a C string; `None` when it was left out.
    pub fn text(&self, which: Text) -> Option<&CStr> {
        let place = (*self.block().texts.get(which as usize)?)?;
        CStr::from_bytes_with_nul(self.stored(place)).ok()
    }

    /// The request headers, in libcurl's form.
    pub fn headers(&self) -> impl Iterator<Item = &CStr> {
        (0..self.block().header_count as usize).filter_map(|index| {
            // SAFETY: new() wrote that many places behind the Block.
            let place = unsafe { self.0.add(1).cast::<Place>().add(index).read() };
            CStr::from_bytes_with_nul(self.stored(place)).ok()
        })
    }

    /// A text with its NUL.
    fn stored(&self, place: Place) -> &[u8] {
        // SAFETY: new() wrote `length` bytes and a NUL at this offset of the block.
        unsafe {
            let start = self.0.cast::<u8>().add(place.offset as usize);
            std::slice::from_raw_parts(start.as_ptr(), place.length as usize + 1)
        }
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        // SAFETY: owned, from block_pool::allocate, and a Block has nothing to drop.
        unsafe { block_pool::free(self.0.cast()) }
    }
}

/// Writes texts one behind the other.
struct Writer {
    start: NonNull<u8>,
    offset: usize,
}

impl Writer {
    /// Within what Query::new summed up before it made the block.
    fn append(&mut self, text: &[u8]) -> Place {
        let place = Place { offset: self.offset as u32, length: text.len() as u32 };
        // SAFETY: new() made room for every text and its NUL; the source is not in the new block.
        unsafe {
            let target = self.start.add(self.offset);
            target.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len());
            target.add(text.len()).write(0);
        }
        self.offset += text.len() + 1;
        place
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A query that is told apart by its URL.
    pub fn query(url: &str) -> Query {
        let mut texts = Texts::default();
        texts.set(Text::Url, Some(url.as_bytes()));
        Query::new(Options::example(), &texts, &[]).expect("there is memory")
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            url in "[^\0]*",
            body in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
            headers in proptest::collection::vec("[^\0]*", 0..5),
        ) {
            let mut texts = Texts::default();
            texts.set(Text::Url, Some(url.as_bytes()));
            texts.set(Text::Body, body.as_deref());
            let lines: Vec<Vec<u8>> = headers.iter().map(|header| header.clone().into_bytes()).collect();
            let query = Query::new(Options::example(), &texts, &lines).expect("there is memory");
            prop_assert_eq!(query.text(Text::Url).map(CStr::to_bytes), Some(url.as_bytes()));
            prop_assert_eq!(query.bytes(Text::Body), body.as_deref());
            prop_assert_eq!(query.text(Text::Password), None);
            let stored: Vec<Vec<u8>> = query.headers().map(|header| header.to_bytes().to_vec()).collect();
            prop_assert_eq!(stored, lines);
            prop_assert_eq!(query.options().route_index, 1);
        }
    }
}
