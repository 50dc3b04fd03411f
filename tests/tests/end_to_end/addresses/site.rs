//! Names with several addresses of loopback, all for one port.

use end_to_end::http_server::{HttpServer, Response};
use end_to_end::kamailio::Builder;
use end_to_end::unanswered_port::UnansweredPort;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU8, Ordering};

/// Sites so far: each has addresses of its own.
static SITES: AtomicU8 = AtomicU8::new(0);

/// The names, and what keeps their silent addresses silent.
pub struct Site {
    port: u16,
    number: u8,
    last: u8,
    hosts: String,
    silent: Vec<UnansweredPort>,
}

impl Site {
    /// A site with the port that this server has got.
    pub fn with_port(port: u16) -> Self {
        Self { port, number: SITES.fetch_add(1, Ordering::Relaxed), last: 0, hosts: String::new(), silent: Vec::new() }
    }

    /// A site, and a server that answers at its own address with its name.
    pub fn with_server(name: &'static str) -> (Self, HttpServer, IpAddr) {
        let mut site = Self::with_port(0);
        let (server, address) = site.server(name);
        site.port = server.port();
        (site, server, address)
    }

    /// The port of all addresses.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the host that the user of a request names.
    pub fn url_of_user(&self, scheme: &str) -> String {
        format!("{scheme}://$rU:{}/", self.port)
    }

    /// An address where nobody listens.
    pub fn refused(&mut self) -> IpAddr {
        self.last += 1;
        Ipv4Addr::new(127, 81, self.number, self.last).into()
    }

    /// An address where nobody answers a SYN.
    pub fn silent(&mut self) -> IpAddr {
        let port = self.silent_port();
        let address = port.address().ip();
        self.silent.push(port);
        address
    }

    /// The same, which the test may have answer later.
    pub fn silent_port(&mut self) -> UnansweredPort {
        UnansweredPort::new(self.listener())
    }

    /// A listening socket that nobody serves: the system takes connections.
    pub fn listener(&mut self) -> TcpListener {
        let address = self.refused();
        TcpListener::bind((address, self.port)).expect("nobody else's port")
    }

    /// Another server, which answers with its name.
    pub fn server(&mut self, name: &'static str) -> (HttpServer, IpAddr) {
        let address = self.refused();
        (server_at((address, self.port).into(), name), address)
    }

    /// Gives a name these addresses.
    pub fn name(&mut self, name: &str, addresses: &[IpAddr]) {
        for address in addresses {
            self.hosts.push_str(&format!("{address} {name}\n"));
        }
    }

    /// The instance knows these names, and no other. It has one worker, so that what one query has found out is known to the next.
    pub fn known_to(&self, builder: Builder) -> Builder {
        builder.hosts(&self.hosts).parameter("workers", 1).set("http_port", self.port)
    }
}

/// A server at that address, which answers with its name.
pub fn server_at(address: SocketAddr, name: &'static str) -> HttpServer {
    HttpServer::start_on(address, move |_| Response::text(name)).expect("nobody else's port")
}
