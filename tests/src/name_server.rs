//! A name server (RFC 1035) that answers as a test says, over UDP and TCP.

mod reply;

pub use reply::{Question, Record, Reply};

use parking_lot::Mutex;
use simple_dns::{Packet, TYPE};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often threads look whether to stop.
const TICK: Duration = Duration::from_millis(50);

type Script = dyn Fn(&Question) -> Reply + Send + Sync;

/// A running name server. Dropping it stops it.
pub struct NameServer {
    address: IpAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for NameServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "a name server at {}", self.address)
    }
}

struct Shared {
    stopped: AtomicBool,
    script: Mutex<Arc<Script>>,
    questions: Mutex<Vec<Question>>,
}

impl NameServer {
    /// Starts one on port 53 of an address of loopback where nobody else listens. `script` makes the reply to a question.
    ///
    /// # Errors
    /// There is no such address, or this user may not use that port.
    pub fn start(script: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Result<Self, String> {
        let mut addresses =
            (0..16 * 254u16).map(|number| Ipv4Addr::new(127, 53, (number / 254) as u8, (number % 254) as u8 + 1));
        let sockets = addresses.find_map(|address| sockets(address.into()).ok());
        Self::serve(sockets.ok_or("port 53 of no address of loopback can be had")?, script)
    }

    /// Starts one on port 53 of `address`.
    ///
    /// # Errors
    /// Somebody else listens there, or this user may not.
    pub fn start_at(
        address: IpAddr,
        script: impl Fn(&Question) -> Reply + Send + Sync + 'static,
    ) -> Result<Self, String> {
        Self::serve(sockets(address).map_err(|error| error.to_string())?, script)
    }

    fn serve(
        (udp, tcp): (UdpSocket, TcpListener),
        script: impl Fn(&Question) -> Reply + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let address = udp.local_addr().map_err(text)?.ip();
        udp.set_read_timeout(Some(TICK)).map_err(text)?;
        tcp.set_nonblocking(true).map_err(text)?;
        let script: Arc<Script> = Arc::new(script);
        let shared = Arc::new(Shared {
            stopped: AtomicBool::new(false),
            script: Mutex::new(script),
            questions: Mutex::default(),
        });
        let (of_udp, of_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            std::thread::spawn(move || of_udp.answer_over_udp(&udp)),
            std::thread::spawn(move || of_tcp.answer_over_tcp(&tcp)),
        ];
        Ok(Self { address, shared, threads })
    }

    /// Where it listens.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Answers otherwise from now on.
    pub fn change(&self, script: impl Fn(&Question) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock() = Arc::new(script);
    }

    /// The questions so far.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.questions.lock().clone()
    }

    /// How often IPv4 addresses of `name` were asked for.
    pub fn times_asked(&self, name: &str) -> usize {
        self.questions().iter().filter(|question| question.name == name && !question.for_ipv6).count()
    }
}

fn sockets(address: IpAddr) -> std::io::Result<(UdpSocket, TcpListener)> {
    Ok((UdpSocket::bind((address, 53))?, TcpListener::bind((address, 53))?))
}

/// A `resolv.conf` with servers in that order, and more lines.
pub fn resolv_conf(servers: &[IpAddr], more: &str) -> String {
    let servers: String = servers.iter().map(|address| format!("nameserver {address}\n")).collect();
    format!("{servers}{more}\n")
}

/// An address of loopback on which nobody listens.
pub fn closed() -> IpAddr {
    Ipv4Addr::new(127, 53, 254, 254).into()
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn answer_over_udp(&self, socket: &UdpSocket) {
        let mut later: Vec<(Instant, SocketAddr, Vec<u8>)> = Vec::new();
        while !self.is_stopped() {
            let mut message = [0; 1500];
            if let Ok((length, client)) = socket.recv_from(&mut message) {
                if let Some((after, reply)) = self.reply(&message[..length], client, false) {
                    later.push((Instant::now() + after, client, reply));
                }
            }
            let now = Instant::now();
            later.retain(|(at, client, reply)| {
                let is_due = *at <= now;
                if is_due {
                    drop(socket.send_to(reply, client));
                }
                !is_due
            });
            let next = later.iter().map(|(at, ..)| at.saturating_duration_since(now)).min().unwrap_or(TICK);
            drop(socket.set_read_timeout(Some(next.clamp(Duration::from_millis(1), TICK))));
        }
    }

    fn answer_over_tcp(&self, listener: &TcpListener) {
        while !self.is_stopped() {
            match listener.accept() {
                Ok((stream, client)) => drop(self.answer_connection(stream, client)),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn answer_connection(&self, mut stream: TcpStream, client: SocketAddr) -> std::io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        loop {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut message)?;
            if let Some((_, reply)) = self.reply(&message, client, true) {
                let length = u16::try_from(reply.len()).expect("a reply that fits");
                stream.write_all(&[&length.to_be_bytes()[..], &reply].concat())?;
            }
        }
    }

    /// The reply to a message, and after what time it goes out.
    fn reply(&self, message: &[u8], from: SocketAddr, over_tcp: bool) -> Option<(Duration, Vec<u8>)> {
        let packet = Packet::parse(message).ok()?;
        let asked = packet.questions.first()?;
        let spelling = asked.qname.to_string();
        let question = Question {
            name: spelling.to_ascii_lowercase(),
            spelling,
            for_ipv6: asked.qtype == TYPE::AAAA.into(),
            over_tcp,
            payload: packet.opt().map(|opt| opt.udp_packet_size),
            from,
        };
        let script = Arc::clone(&self.script.lock());
        let reply = script(&question);
        let message = match &reply {
            Reply::After(after, reply) => Some(*after).zip(reply.message(packet.id(), &question)),
            reply => reply.message(packet.id(), &question).map(|message| (Duration::ZERO, message)),
        };
        self.questions.lock().push(question);
        message
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}
