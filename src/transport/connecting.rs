//! The sockets by which libcurl connects: where they go to, and whether a connection has come of them.

use super::receiver::{CallbackContext, Receiver};
use crate::host::guarded;
use curl_sys::{self as curl, curl_sockaddr};
use libc::{AF_INET, AF_INET6, sockaddr_in, sockaddr_in6};
use std::ffi::{c_int, c_uint, c_void};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::RawFd;

/// `TCP_SYN_SENT` of Linux's `include/net/tcp_states.h`.
const SYN_SENT: u8 = 2;

/// `CURLOPT_OPENSOCKETFUNCTION`: makes the socket for a connection, and may change the address that it will be connected to. No
/// program that this process starts inherits it.
pub(super) extern "C" fn on_connection<R: Receiver>(
    context: *mut c_void,
    _: curl::curlsocktype,
    destination: *mut curl_sockaddr,
) -> curl::curl_socket_t {
    guarded("a new connection", curl::CURL_SOCKET_BAD, || {
        // SAFETY: the pointer that connect_callbacks set; nothing else uses what is behind it while libcurl runs.
        let receiver = unsafe { (*context.cast::<CallbackContext<R>>()).receiver.as_mut() };
        let mut destination = Destination(destination);
        if let Some(offered) = destination.address() {
            let is_set = receiver.connect(offered).is_some_and(|wanted| destination.set(wanted));
            if !is_set {
                return curl::CURL_SOCKET_BAD;
            }
        }
        destination.socket()
    })
}

/// What libcurl is about to connect to; it lives during the callback.
struct Destination(*mut curl_sockaddr);

impl Destination {
    /// `None` where it is none of IP.
    fn address(&self) -> Option<IpAddr> {
        let (family, length) = self.kind();
        match family {
            AF_INET if holds::<sockaddr_in>(length) => {
                // SAFETY: the family and the length say that a sockaddr_in is there.
                let address = unsafe { self.bytes::<sockaddr_in>().read_unaligned() };
                Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
            }
            AF_INET6 if holds::<sockaddr_in6>(length) => {
                // SAFETY: likewise a sockaddr_in6.
                let address = unsafe { self.bytes::<sockaddr_in6>().read_unaligned() };
                Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }

    /// Changes the address and leaves the port. One that is longer than the present one may not have room: whether it is set.
    fn set(&mut self, wanted: IpAddr) -> bool {
        let Some(present) = self.address() else {
            return false;
        };
        match (present, wanted) {
            (present, wanted) if present == wanted => true,
            (IpAddr::V6(_), IpAddr::V6(wanted)) => {
                // SAFETY: address() has found a sockaddr_in6 there.
                unsafe { (*self.bytes::<sockaddr_in6>()).sin6_addr.s6_addr = wanted.octets() };
                true
            }
            (_, IpAddr::V4(wanted)) => {
                self.set_ipv4(wanted);
                true
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }

    fn set_ipv4(&mut self, wanted: Ipv4Addr) {
        // SAFETY: all-zero is a sockaddr_in.
        let mut address: sockaddr_in = unsafe { std::mem::zeroed() };
        address.sin_family = AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from(wanted).to_be();
        // SAFETY: address() has found one of the two there; both begin with the family and the port (ip(7), ipv6(7)), and neither
        // is shorter than what is written.
        unsafe {
            address.sin_port = (*self.bytes::<sockaddr_in>()).sin_port;
            self.bytes::<sockaddr_in>().write_unaligned(address);
            (*self.0).family = AF_INET;
            (*self.0).addrlen = size_of::<sockaddr_in>() as c_uint;
        }
    }

    fn kind(&self) -> (c_int, c_uint) {
        // SAFETY: libcurl hands in one that lives during the callback.
        unsafe { ((*self.0).family, (*self.0).addrlen) }
    }

    /// libcurl keeps more bytes behind the structure than its type says, `addrlen` from this place on.
    fn bytes<T>(&self) -> *mut T {
        // SAFETY: as in kind(); no reference is made.
        unsafe { (&raw mut (*self.0).addr).cast() }
    }

    fn socket(&self) -> RawFd {
        // SAFETY: as in kind(); the call takes numbers.
        unsafe { libc::socket((*self.0).family, (*self.0).socktype | libc::SOCK_CLOEXEC, (*self.0).protocol) }
    }
}

fn holds<T>(length: c_uint) -> bool {
    length as usize >= size_of::<T>()
}

/// Whether the peer has not answered the SYN of a TCP socket yet.
pub fn awaits_peer(socket: RawFd) -> bool {
    // The first byte of the kernel's struct tcp_info.
    let mut state = 0u8;
    let mut length = size_of_val(&state) as libc::socklen_t;
    // SAFETY: writes one byte at most; what is no TCP socket is an error.
    let result = unsafe {
        libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut state).cast(), &raw mut length)
    };
    result == 0 && state == SYN_SENT
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    /// As libcurl has it: room behind the structure.
    #[repr(C)]
    struct Offered {
        address: curl_sockaddr,
        more: [u8; 128],
    }

    fn offered(address: &str) -> Offered {
        // SAFETY: all-zero is valid for both.
        let mut offered: Offered = unsafe { std::mem::zeroed() };
        let start = &raw mut offered.address.addr;
        match address.parse().expect("an address") {
            IpAddr::V4(address) => {
                offered.address.addrlen = size_of::<sockaddr_in>() as c_uint;
                offered.address.family = AF_INET;
                // SAFETY: it fits.
                let socket: &mut sockaddr_in = unsafe { &mut *start.cast() };
                (socket.sin_port, socket.sin_addr.s_addr) = (80u16.to_be(), u32::from(address).to_be());
            }
            IpAddr::V6(address) => {
                offered.address.addrlen = size_of::<sockaddr_in6>() as c_uint;
                offered.address.family = AF_INET6;
                let start = (&raw mut offered).cast::<u8>().wrapping_add(std::mem::offset_of!(curl_sockaddr, addr));
                // SAFETY: it fits with the room behind.
                unsafe {
                    let mut socket: sockaddr_in6 = std::mem::zeroed();
                    (socket.sin6_port, socket.sin6_addr.s6_addr) = (80u16.to_be(), address.octets());
                    start.cast::<sockaddr_in6>().write_unaligned(socket);
                }
            }
        }
        offered
    }

    #[test]
    fn an_address_is_changed_where_the_other_has_room() {
        for (from, to, is_set) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "10.1.2.3", true),
            ("::1", "2001:db8::5", true),
            ("::1", "10.1.2.3", true),
            ("127.0.0.1", "::1", false),
        ] {
            let mut offered = offered(from);
            let mut destination = Destination((&raw mut offered).cast());
            let wanted: IpAddr = to.parse().expect("an address");
            assert_eq!(destination.set(wanted), is_set, "{from} to {to}");
            let expected = if is_set { to } else { from };
            assert_eq!(destination.address(), expected.parse().ok(), "{from} to {to}");
            // SAFETY: both kinds begin with family and port.
            let port = unsafe { (*destination.bytes::<sockaddr_in>()).sin_port };
            assert_eq!(port, 80u16.to_be(), "{from} to {to}");
        }
    }

    #[test]
    fn a_connection_that_is_there_awaits_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        assert!(!awaits_peer(client.as_raw_fd()) && !awaits_peer(listener.as_raw_fd()) && !awaits_peer(-1));
    }
}
