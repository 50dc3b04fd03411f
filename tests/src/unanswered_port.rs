//! A TCP port that does not answer a SYN: its socket listens, and the queue of connections to accept is full. Linux then
//! drops every SYN that arrives, unless `net.ipv4.tcp_abort_on_overflow` is set.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Nothing on loopback takes that long.
const NO_ANSWER: Duration = Duration::from_millis(300);
/// More than enough for a queue of length 0, which holds one connection.
const MOST_QUEUED: usize = 16;
/// Any server's.
const ORDINARY_QUEUE: i32 = 128;

/// The port, and the connections that fill its queue.
#[derive(Debug)]
pub struct UnansweredPort {
    listener: TcpListener,
    queued: Vec<TcpStream>,
}

impl UnansweredPort {
    /// Makes the port of `listener`, which nobody serves, stop answering.
    ///
    /// # Panics
    /// It goes on answering.
    pub fn new(listener: TcpListener) -> Self {
        set_queue(&listener, 0);
        let address = listener.local_addr().expect("it is bound");
        let mut queued = Vec::new();
        while queued.len() < MOST_QUEUED {
            match TcpStream::connect_timeout(&address, NO_ANSWER) {
                Ok(connection) => queued.push(connection),
                Err(error) if error.kind() == ErrorKind::TimedOut => return Self { listener, queued },
                Err(error) => panic!("a SYN to {address}: {error}"),
            }
        }
        panic!("{address} answers every SYN");
    }

    /// Its address.
    ///
    /// # Panics
    /// Never: it is bound.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// How many connections fill its queue.
    pub fn queued(&self) -> usize {
        self.queued.len()
    }

    /// Answers the next SYN. The connections that filled the queue are still to be accepted, and already closed.
    pub fn answer(self) -> TcpListener {
        set_queue(&self.listener, ORDINARY_QUEUE);
        self.listener
    }

    /// Connections that came through although no SYN is answered.
    ///
    /// # Panics
    /// The system refuses to say.
    pub fn others(self) -> usize {
        self.listener.set_nonblocking(true).expect("an open socket");
        let accepted = self.listener.incoming().take_while(Result::is_ok).count();
        accepted.saturating_sub(self.queued.len())
    }
}

/// `listen(2)` once more changes the length of the queue.
fn set_queue(listener: &TcpListener, length: i32) {
    socket2::SockRef::from(listener).listen(length).expect("it listens already");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_nobody_until_it_is_told_to() {
        let port = UnansweredPort::new(TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let address = port.address();
        assert!(TcpStream::connect_timeout(&address, NO_ANSWER).is_err());
        let listener = port.answer();
        TcpStream::connect_timeout(&address, Duration::from_secs(10)).expect("it answers");
        drop(listener);
    }
}
