//! The ports of 127.0.0.1 that the demonstration listens on.

use end_to_end::interrupt::Stop;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Where Kamailio and the HTTP service listen.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// UDP.
    pub sip: u16,
    /// TCP.
    pub http: u16,
}

/// The variables `SIP_PORT` and `HTTP_PORT`, by default 15060 and 18080.
///
/// # Errors
/// [`Stop::Failed`] when one is not a port, or somebody listens there already.
pub fn from_environment() -> Result<Ports, Stop> {
    let ports = Ports { sip: port("SIP_PORT", 15060)?, http: port("HTTP_PORT", 18080)? };
    if !sip_is_free(ports) {
        return Err(in_use("UDP", ports.sip, "SIP_PORT"));
    }
    if !http_is_free(ports) {
        return Err(in_use("TCP", ports.http, "HTTP_PORT"));
    }
    Ok(ports)
}

/// Whether nobody receives SIP there.
pub fn sip_is_free(ports: Ports) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, ports.sip)).is_ok()
}

/// Whether nobody accepts HTTP connections there.
pub fn http_is_free(ports: Ports) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, ports.http)).is_ok()
}

fn port(variable: &str, default: u16) -> Result<u16, Stop> {
    let Some(value) = std::env::var_os(variable) else { return Ok(default) };
    let port = value.to_str().and_then(|text| text.parse().ok()).filter(|port| *port > 0);
    port.ok_or_else(|| Stop::Failed(format!("{variable} is {value:?}, and not a port from 1 to 65535")))
}

fn in_use(protocol: &str, port: u16, variable: &str) -> Stop {
    let other = if port < u16::MAX { port + 1 } else { port - 1 };
    Stop::Failed(format!(
        "{protocol} port {port} of 127.0.0.1 is in use, or not for this user; choose another one: \
         make demo {variable}={other}"
    ))
}
