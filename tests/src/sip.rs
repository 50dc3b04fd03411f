//! A SIP user agent for single calls, over UDP (RFC 3261). It keeps no state but what a test does with it.

use crate::memcheck;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// First retransmission, T1 of RFC 3261.
const T1: Duration = Duration::from_millis(500);
/// A transaction that has no final answer by then has none.
const PATIENCE: Duration = Duration::from_secs(20);

static COUNT: AtomicU64 = AtomicU64::new(1);

/// A request or a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipMessage {
    text: String,
    source: SocketAddr,
}

impl SipMessage {
    /// A message as received.
    pub fn new(bytes: &[u8], source: SocketAddr) -> Self {
        Self { text: String::from_utf8_lossy(bytes).into_owned(), source }
    }

    /// The first line.
    pub fn start_line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// The status of a reply; 0 for a request.
    pub fn status(&self) -> u16 {
        self.start_line().strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
    }

    /// The reason phrase of a reply.
    pub fn reason(&self) -> &str {
        self.start_line().splitn(3, ' ').nth(2).unwrap_or_default()
    }

    /// The method of a request.
    pub fn method(&self) -> &str {
        self.start_line().split(' ').next().unwrap_or_default()
    }

    /// The URI of a request.
    pub fn uri(&self) -> &str {
        self.start_line().split(' ').nth(1).unwrap_or_default()
    }

    /// Value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    /// Values of all headers of that name.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Whether it answers that request.
    pub fn is_for(&self, sent: &Sent) -> bool {
        self.header("Call-ID").is_some_and(|id| id.strip_suffix("@tests") == Some(&sent.branch))
    }

    /// Whether it is, or answers, a request of that method.
    fn is_about(&self, method: &str) -> bool {
        self.header("CSeq").is_some_and(|value| value.ends_with(method))
    }

    /// The whole message.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A user agent with a socket of its own.
#[derive(Debug)]
pub struct SipClient {
    socket: UdpSocket,
    server: SocketAddr,
}

/// A request that was sent, for what follows it.
#[derive(Clone, Debug)]
pub struct Sent {
    text: String,
    branch: String,
    method: String,
}

/// The way of a request to its server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop {
    /// As in a Via header: `UDP`, `TLS`.
    pub(crate) transport: &'static str,
    /// The client's end.
    pub(crate) own: SocketAddr,
    /// The server's end.
    pub(crate) server: SocketAddr,
}

impl Sent {
    /// A request to `user` that begins a transaction of its own.
    pub(crate) fn new(hop: &Hop, method: &str, user: &str, headers: &str, body: &str) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let Hop { transport, own, server } = hop;
        let branch = format!("z9hG4bK{}-{number}", std::process::id());
        let text = format!(
            "{method} sip:{user}@{server} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {own};branch={branch}\r\n\
             From: <sip:tester@{own}>;tag=t{number}\r\n\
             To: <sip:{user}@{server}>\r\n\
             Call-ID: {branch}@tests\r\n\
             CSeq: 1 {method}\r\n\
             Contact: <sip:tester@{own}>\r\n\
             Max-Forwards: 70\r\n\
             {headers}\
             Content-Length: {length}\r\n\r\n{body}",
            length = body.len()
        );
        Self { text, branch, method: method.to_owned() }
    }

    /// The bytes on the wire.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl SipClient {
    /// A client of `server`.
    ///
    /// # Panics
    /// No port is free.
    pub fn new(server: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        Self { socket, server }
    }

    /// Where it receives.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// Sends a request to `user`, with more header lines and a body.
    pub fn send(&self, method: &str, user: &str, headers: &str, body: &str) -> Sent {
        let hop = Hop { transport: "UDP", own: self.address(), server: self.server };
        let sent = Sent::new(&hop, method, user, headers, body);
        self.send_again(&sent);
        sent
    }

    /// Sends a request within the dialog that `answer` to the INVITE `sent` has made (RFC 3261 section 12.2.1.1).
    pub fn send_within(&self, sent: &Sent, answer: &SipMessage, method: &str) -> Sent {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let invite = SipMessage { text: sent.text.clone(), source: self.server };
        let target = answer.header("Contact").unwrap_or_default().trim_matches(['<', '>']);
        let routes = route_set(answer);
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch={branch}-{number}\r\n{routes}From: {from}\r\n\
             To: {to}\r\nCall-ID: {branch}@tests\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n",
            own = self.address(),
            branch = sent.branch,
            from = invite.header("From").unwrap_or_default(),
            to = answer.header("To").unwrap_or_default(),
        );
        let sent = Sent { text, branch: sent.branch.clone(), method: method.to_owned() };
        self.send_again(&sent);
        sent
    }

    /// Sends a request once more, as a retransmission.
    pub fn send_again(&self, sent: &Sent) {
        self.socket.send_to(sent.text.as_bytes(), self.server).expect("loopback takes it");
    }

    /// The next message within `patience`.
    pub fn receive(&self, patience: Duration) -> Option<SipMessage> {
        let until = Instant::now() + patience;
        let mut buffer = vec![0; 65536];
        let (length, source) = loop {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).expect("a time above zero");
            match self.socket.recv_from(&mut buffer) {
                // A call with a time-out is not taken up again after a signal.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received.ok()?,
            }
        };
        Some(SipMessage::new(&buffer[..length], source))
    }

    /// One request and the first answer to it, without retransmission.
    pub fn send_and_receive(&self, method: &str, user: &str) -> Option<SipMessage> {
        self.send(method, user, "", "");
        self.receive(Duration::from_millis(300))
    }

    /// One transaction: sends, retransmits as UDP needs it, returns the final answer, and acknowledges that of an
    /// INVITE.
    pub fn transact(&self, method: &str, user: &str) -> Option<SipMessage> {
        self.transact_with(method, user, "", "")
    }

    /// As [`SipClient::transact`], with more header lines and a body.
    pub fn transact_with(&self, method: &str, user: &str, headers: &str, body: &str) -> Option<SipMessage> {
        let sent = self.send(method, user, headers, body);
        self.final_answer(&sent)
    }

    /// `count` transactions at once; the final answers that came. Each is retransmitted until it is answered.
    pub fn transact_all(&self, method: &str, user: &str, count: usize) -> Vec<SipMessage> {
        let mut open: Vec<Sent> = (0..count).map(|_| self.send(method, user, "", "")).collect();
        let mut answers = Vec::new();
        let until = Instant::now() + memcheck::patience(PATIENCE);
        let mut retransmit = Instant::now() + T1;
        while !open.is_empty() && Instant::now() < until {
            match self.receive(Duration::from_millis(100)) {
                Some(answer) if answer.status() >= 200 => {
                    let before = open.len();
                    open.retain(|sent| !answer.is_for(sent));
                    answers.extend((open.len() < before).then_some(answer));
                }
                _ => {}
            }
            if Instant::now() > retransmit {
                open.iter().for_each(|sent| self.send_again(sent));
                retransmit = Instant::now() + 2 * T1;
            }
        }
        answers
    }

    /// Waits for the final answer of a request that was sent.
    pub fn final_answer(&self, sent: &Sent) -> Option<SipMessage> {
        let until = Instant::now() + memcheck::patience(PATIENCE);
        let mut interval = T1;
        let mut provisional = false;
        while Instant::now() < until {
            match self.receive(interval) {
                // A CANCEL and a BYE share the Call-ID of their INVITE.
                Some(answer) if !answer.is_for(sent) || !answer.is_about(&sent.method) => {}
                Some(answer) if answer.status() >= 200 => {
                    self.acknowledge(sent, &answer);
                    return Some(answer);
                }
                Some(_) => provisional = true,
                None if provisional && sent.method == "INVITE" => {}
                None => {
                    self.send_again(sent);
                    interval = (interval * 2).min(8 * T1);
                }
            }
        }
        None
    }

    /// ACK for the final answer of an INVITE: in its transaction, or for a 2xx to the contact.
    pub fn acknowledge(&self, sent: &Sent, answer: &SipMessage) {
        if sent.method != "INVITE" {
            return;
        }
        let to = answer.header("To").unwrap_or_default();
        let lines = sent.text.lines().skip(1).filter(|line| {
            ["via:", "from:", "call-id:", "max-forwards:"]
                .iter()
                .any(|name| line.to_ascii_lowercase().starts_with(name))
        });
        let first = sent.text.lines().next().unwrap_or_default().replacen("INVITE", "ACK", 1);
        let contact = answer.header("Contact").filter(|_| (200..300).contains(&answer.status()));
        let mut text = match contact {
            Some(contact) => format!("ACK {} SIP/2.0\r\n{}", contact.trim_matches(['<', '>']), route_set(answer)),
            None => format!("{first}\r\n"),
        };
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str(&format!("To: {to}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"));
        self.socket.send_to(text.as_bytes(), self.server).expect("loopback takes it");
    }

    /// CANCEL for an INVITE that was sent.
    pub fn cancel(&self, sent: &Sent) {
        let text = sent.text.replacen("INVITE", "CANCEL", 1).replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL");
        self.socket.send_to(text.as_bytes(), self.server).expect("loopback takes it");
    }

    /// The next request within `patience`, three times that under memcheck; retransmissions count as requests.
    pub fn receive_request(&self, patience: Duration) -> Option<SipMessage> {
        let until = Instant::now() + memcheck::patience(patience);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.receive(left) {
                Some(message) if message.status() == 0 => return Some(message),
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// Answers a request that was received.
    pub fn reply(&self, request: &SipMessage, status: u16, reason: &str) {
        self.reply_with(request, status, reason, "", "");
    }

    /// The same with more header lines and a body.
    pub fn reply_with(&self, request: &SipMessage, status: u16, reason: &str, headers: &str, body: &str) {
        let mut text = format!("SIP/2.0 {status} {reason}\r\n");
        for name in ["Via", "From", "Call-ID", "CSeq", "Record-Route"] {
            for value in request.headers(name) {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        let to = request.header("To").unwrap_or_default();
        let contact = self.address();
        let to = if to.contains(";tag=") { to.to_owned() } else { format!("{to};tag=answer") };
        let length = body.len();
        text.push_str(&format!(
            "To: {to}\r\nContact: <sip:{contact}>\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ));
        self.socket.send_to(text.as_bytes(), request.source).expect("loopback takes it");
    }
}

/// The Route header lines of a request within the dialog that a reply has made: its Record-Route, turned round.
fn route_set(answer: &SipMessage) -> String {
    answer.headers("Record-Route").iter().rev().map(|route| format!("Route: {route}\r\n")).collect()
}
