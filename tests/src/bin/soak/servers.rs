//! Whom the queries go to: nginx for most of them, scripted servers and a name server for the others.

use crate::name_server::{no_name, resolv_conf};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::handlers::{basic_auth, digest_auth};
use end_to_end::http_server::{HttpServer, Request, Response, Step};
use end_to_end::kamailio::{Builder, free_tcp_port};
use end_to_end::name_server::NameServer;
use end_to_end::nginx::Nginx;
use std::net::TcpListener;
use std::time::Duration;

/// All servers. Dropping it stops them.
#[derive(Debug)]
pub struct Servers {
    _nginx: Nginx,
    scripted: HttpServer,
    untrusted: HttpServer,
    names: NameServer,
    /// Ports of nginx for http, https and HTTP/2 over TLS.
    ports: [u16; 3],
    certificates: TestCertificates,
}

impl Servers {
    /// # Errors
    /// One of them does not start.
    pub fn start() -> Result<Self, String> {
        let certificates = TestCertificates::temporary();
        let ports = [free_tcp_port(), free_tcp_port(), free_tcp_port()];
        Ok(Self {
            _nginx: Nginx::start(&ports, &nginx_servers(ports, &certificates)),
            scripted: HttpServer::start(scripted_answers()),
            untrusted: HttpServer::start_tls(certificates.server_self_signed(), |_| Response::text("never seen")),
            names: NameServer::start(no_name)?,
            ports,
            certificates,
        })
    }

    /// Tells `instance` where they are.
    pub fn known_to(&self, instance: Builder) -> Builder {
        let [http, https, http2] = self.ports;
        instance
            .set("http", format!("http://127.0.0.1:{http}"))
            .set("https", format!("https://localhost:{https}"))
            .set("http2", format!("https://localhost:{http2}"))
            .set("scripted", self.scripted.url(""))
            .set("untrusted", self.untrusted.url(""))
            .set("closed", format!("http://127.0.0.1:{}", closed_port()))
            .trusting(&self.certificates)
            .resolv_conf(&resolv_conf(self.names.address()))
    }

    /// Forgets what was received, which nobody asks for.
    pub fn forget_requests(&self) {
        self.scripted.forget_requests();
    }
}

/// A port below those that the system gives to clients: nobody listens there, and nobody will by chance.
fn closed_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (10_000..11_000).find(is_free).expect("a port below 11000 is free")
}

fn nginx_servers([http, https, http2]: [u16; 3], certificates: &TestCertificates) -> String {
    let locations = "location / { return 200 'ok'; } location /missing { return 404; } \
                     location /close { keepalive_timeout 0; return 200 'ok'; }";
    let pair = format!(
        "ssl_certificate {}; ssl_certificate_key {};",
        certificates.server_certificate().display(),
        certificates.server_key().display()
    );
    // New connections now and then, as everywhere.
    let kept = "keepalive_requests 1000; keepalive_timeout 300s;";
    format!(
        "server {{ listen 127.0.0.1:{http}; {kept} {locations} }}\n\
         server {{ listen 127.0.0.1:{https} ssl; {pair} {kept} {locations} }}\n\
         server {{ listen 127.0.0.1:{http2} ssl http2; {pair} {kept} {locations} }}"
    )
}

/// What the scripted server does with each path, which is the name of a kind.
fn scripted_answers() -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let basic = basic_auth("soak", "secret", |_| Response::text("known"));
    let digest = digest_auth("soak", "secret", |_| Response::text("known"));
    move |request| match request.target.as_str() {
        "/delay" => Response::text("later").after(Duration::from_millis(100)),
        "/slow" => Response::text("much later").after(Duration::from_secs(2)),
        "/chunked" => Response::chunked(["one ", "two ", "three"], &[("X-Sum", "11")]),
        "/hints" => Response::raw(
            &b"HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n\
            HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..],
        ),
        "/large" => Response::text("x".repeat(60_000)),
        "/oversize" => Response::text("x".repeat(200_000)),
        "/redirect" => redirect("/redirect/once"),
        "/redirect/once" => redirect("/redirect/twice"),
        "/loop" => redirect("/loop"),
        "/basic" => basic(request),
        "/digest" => digest(request),
        "/reset" => Response::steps(vec![Step::Reset]),
        "/cut" => Response::text("x".repeat(100)).header("Content-Length", "200").then_close(),
        "/garbage" => Response::raw(&b"\x00\x01\x02 is not HTTP\r\n\r\n"[..]).then_close(),
        "/silent" => Response::steps(vec![Step::WaitForever]),
        "/drip" => Response::drip(Response::text("x".repeat(1000)).to_bytes(), Duration::from_millis(20)),
        _ => Response::text("arrived"),
    }
}

fn redirect(location: &str) -> Response {
    Response::new(302, "Found").header("Location", location)
}
