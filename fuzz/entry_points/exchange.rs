//! What a peer sends, through the real libcurl: the bytes of the input answer one request, on a Unix socket. The first byte
//! chooses method and redirects, the second where the bytes are cut into two sends.

use crate::http_worker::redirect::{Hop, is_redirect};
use crate::http_worker::request;
use crate::http_worker::response::{MAX_HEADER_BYTES, Response};
use crate::http_worker::setup::Setup;
use crate::http_worker::tls_terms::KnownFiles;
use crate::module::settings::Settings;
use crate::shared::query::{Method, Options, Query, Text, Texts};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use crate::transport::event_loop::{EventLoop, Ready};
use crate::transport::multi::{ConnectionLimits, Multi};
use crate::transport::origins::Origins;
use std::cell::RefCell;
use std::ffi::CString;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::mpsc::{Sender, channel};

const MAX_BODY: usize = 2048;
/// Bytes; most inputs are longer than one read.
const RECEIVE_BUFFER: usize = 1024;

thread_local! {
    static CLIENT: RefCell<Client> = RefCell::new(Client::new());
}

/// One input.
pub fn run(input: &[u8]) {
    let [choice, cut, bytes @ ..] = input else { return };
    CLIENT.with_borrow_mut(|client| client.exchange(*choice, usize::from(*cut), bytes));
}

struct Client {
    event_loop: EventLoop,
    multi: Multi,
    answers: Sender<[Vec<u8>; 2]>,
    socket: CString,
}

impl Client {
    fn new() -> Self {
        let event_loop = EventLoop::new().expect("libevent works");
        let limits = ConnectionLimits { idle: 1, total: 1, per_host: 0, streams: 1 };
        let multi = Multi::new(&event_loop, &limits).expect("libcurl works");
        let socket = format!("http-async-client-fuzz-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&socket).expect("a short name");
        let listener = UnixListener::bind_addr(&address).expect("a name of one's own");
        let (answers, to_send) = channel::<[Vec<u8>; 2]>();
        std::thread::spawn(move || to_send.iter().for_each(|answer| serve(&listener, &answer)));
        Self { event_loop, multi, answers, socket: CString::new(socket).expect("no NUL") }
    }

    fn exchange(&mut self, choice: u8, cut: usize, bytes: &[u8]) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        self.answers.send([first.to_vec(), second.to_vec()]).expect("the server is there");
        let query = query(choice);
        let hop = Hop::first(&query, &mut Origins::default()).expect("a good URL");
        let mut easy = Easy::new(Response::new(hop.redirects_are(&query), MAX_BODY)).expect("there is memory");
        let settings = Settings::from_defaults();
        let setup = Setup::of(&query, &hop, &settings, &mut KnownFiles::default()).expect("there is memory");
        setup.apply(&easy, &settings).expect("libcurl takes it");
        request::prepare(&mut easy, &query, &hop, None, RECEIVE_BUFFER, &setup).expect("libcurl takes it");
        easy.set_text(curl_sys::CURLOPT_ABSTRACT_UNIX_SOCKET, &self.socket).expect("libcurl takes it");
        easy.set_number(curl_sys::CURLOPT_FORBID_REUSE, 1).expect("libcurl takes it");
        easy.set_key(7).expect("libcurl takes it");
        self.multi.add(&easy).expect("there is memory");
        let result = self.until_done();
        self.multi.remove(&easy);
        check(easy, &hop, result);
    }

    fn until_done(&mut self) -> Result<(), TransferError> {
        loop {
            if let Some(done) = self.multi.next_done() {
                assert_eq!(done.key, 7);
                return done.result;
            }
            if self.multi.is_due() {
                self.multi.timer_expired();
                continue;
            }
            self.event_loop.wait(true).expect("libevent works");
            while let Some(ready) = self.event_loop.next_ready() {
                match ready {
                    Ready::Socket { descriptor, events } => self.multi.socket_ready(descriptor, events),
                    _ => self.multi.timer_expired(),
                }
                assert!(!self.multi.is_broken(), "libcurl works");
            }
        }
    }
}

fn query(choice: u8) -> Query {
    let mut options = Options::example();
    options.follow_redirect = choice & 1 != 0;
    options.method = [None, Some(Method::Head), Some(Method::Post), Some(Method::Delete)][usize::from(choice >> 1) % 4];
    let mut texts = Texts::default();
    texts.set(Text::Url, Some(b"http://127.0.0.1/"));
    if options.method == Some(Method::Post) {
        texts.set(Text::Body, Some(b"body"));
    }
    Query::new(options, &texts, &[]).expect("there is memory")
}

/// Answers one connection, whatever it asks; libcurl may be gone before everything is sent.
fn serve(listener: &UnixListener, answer: &[Vec<u8>; 2]) {
    let (mut stream, _) = listener.accept().expect("libcurl connects");
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let _ = answer.iter().try_for_each(|part| stream.write_all(part));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    drain(stream);
}

fn drain(mut stream: UnixStream) {
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
}

fn check(mut easy: Easy<Response>, hop: &Hop, result: Result<(), TransferError>) {
    let status = easy.status().expect("libcurl tells it");
    let response = std::mem::take(easy.receiver_mut());
    let confirmed = response.confirms(status);
    if let Some(location) = response.leads_to().filter(|_| confirmed) {
        assert!(is_redirect(status), "redirected by status {status}");
        let _ = hop.redirected(status, location, 5);
        return;
    }
    let overflow = response.overflow();
    let (bytes, head_length) = response.into_parts();
    let (head, body) = bytes.split_at(head_length);
    assert!(head.len() <= MAX_HEADER_BYTES && body.len() <= MAX_BODY);
    if result.is_err() || !confirmed {
        return;
    }
    assert!(overflow.is_none(), "cut short, and still a success");
    assert!(head.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/")), "no status line");
    assert!(hop.method != Method::Head || body.is_empty());
    assert!(!(100..=199).contains(&status) || status == 101, "an interim response as the last one");
}
