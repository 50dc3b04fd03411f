//! Name look-ups through libevent's resolver (evdns): no threads, and nobody waits. It reads `/etc/hosts` and
//! `/etc/resolv.conf`, not `nsswitch.conf`.

use super::error::LoopError;
use super::event_loop::{EventLoop, Ready};
use libc::{AF_INET, AF_INET6, sockaddr_in, sockaddr_in6};
use libevent_sys as libevent;
use std::ffi::{CStr, CString, c_int, c_void};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr::NonNull;

/// Look-ups that one name server may have open at once; evdns queues what goes beyond.
const MAX_IN_FLIGHT: &CStr = c"1024";

/// Most addresses of one name; more are passed over.
const MAX_ADDRESSES: usize = 32;

/// evdns, reporting each look-up as [`Ready::Resolved`]. A look-up that was started ends by itself, at the latest after
/// the name servers' timeouts, whoever still waits for it.
pub struct Resolver {
    base: NonNull<libevent::evdns_base>,
    event_loop: EventLoop,
    last_lookup: u64,
}

/// What the callback of one look-up needs. Owned by the look-up, freed by its callback.
struct Lookup {
    number: u64,
    event_loop: EventLoop,
}

impl Resolver {
    /// A resolver with the machine's name servers.
    ///
    /// # Errors
    /// evdns has no memory.
    pub fn new(event_loop: &EventLoop) -> Result<Self, LoopError> {
        let flags = libevent::EVDNS_BASE_INITIALIZE_NAMESERVERS | libevent::EVDNS_BASE_DISABLE_WHEN_INACTIVE;
        // SAFETY: the base lives as long as the EventLoop kept below.
        let base = NonNull::new(unsafe { libevent::evdns_base_new(event_loop.base(), flags as c_int) })
            .or_else(|| {
                // Without a readable resolv.conf evdns gives up; the hosts file can still be used.
                // SAFETY: as above.
                NonNull::new(unsafe {
                    libevent::evdns_base_new(event_loop.base(), libevent::EVDNS_BASE_DISABLE_WHEN_INACTIVE as c_int)
                })
            })
            .ok_or_else(|| LoopError("evdns_base_new failed".to_owned()))?;
        let resolver = Self { base, event_loop: event_loop.clone(), last_lookup: 0 };
        resolver.set_option(c"max-inflight:", MAX_IN_FLIGHT)?;
        // Name servers that change the case of a question exist; libcurl and the C library cope with them as well.
        resolver.set_option(c"randomize-case:", c"0")?;
        Ok(resolver)
    }

    fn set_option(&self, name: &CStr, value: &CStr) -> Result<(), LoopError> {
        // SAFETY: the base is ours; both texts are copied or read at once.
        let result = unsafe { libevent::evdns_base_set_option(self.base.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if result != 0 {
            return Err(LoopError(format!("evdns_base_set_option failed for {}", name.to_string_lossy())));
        }
        Ok(())
    }

    /// Starts looking a host name up; the answer comes as [`Ready::Resolved`] with the number returned here, even when
    /// it is known at once.
    ///
    /// # Errors
    /// The name holds a NUL byte.
    pub fn start(&mut self, host: &str) -> Result<u64, LoopError> {
        let host = CString::new(host).map_err(|_| LoopError("a NUL byte in a host name".to_owned()))?;
        self.last_lookup += 1;
        let lookup = Box::new(Lookup { number: self.last_lookup, event_loop: self.event_loop.clone() });
        // SAFETY: all-zero is the documented start for hints.
        let mut hints: libevent::addrinfo = unsafe { std::mem::zeroed() };
        hints.ai_family = libc::AF_UNSPEC;
        hints.ai_socktype = libc::SOCK_STREAM;
        // SAFETY: the base is ours; evdns copies host and hints; the callback is called exactly once, maybe before
        // this call returns, and takes the look-up over.
        unsafe {
            libevent::evdns_getaddrinfo(
                self.base.as_ptr(),
                host.as_ptr(),
                std::ptr::null(),
                &hints,
                Some(resolved),
                Box::into_raw(lookup).cast(),
            )
        };
        Ok(self.last_lookup)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // SAFETY: ours, freed once; 1 lets every open look-up end with an error first, which frees its Lookup.
        unsafe { libevent::evdns_base_free(self.base.as_ptr(), 1) }
    }
}

extern "C" fn resolved(error: c_int, answer: *mut libevent::addrinfo, lookup: *mut c_void) {
    crate::host::guarded("a name look-up", (), || {
        // SAFETY: start() handed the box over, and evdns calls back once.
        let lookup = unsafe { Box::from_raw(lookup.cast::<Lookup>()) };
        let result = if error == 0 { Ok(addresses_of(answer)) } else { Err(text_of(error)) };
        let result = match result {
            Ok(addresses) if addresses.is_empty() => Err("the name has no address".to_owned()),
            other => other,
        };
        if !answer.is_null() {
            // SAFETY: evdns hands the list over to the callback.
            unsafe { libevent::evutil_freeaddrinfo(answer) };
        }
        let ready = Ready::Resolved { lookup: lookup.number, result };
        lookup.event_loop.ready().borrow_mut().push_back(ready);
    });
}

/// The addresses of a list, each once, in its order, up to [`MAX_ADDRESSES`].
fn addresses_of(mut entry: *const libevent::addrinfo) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    // SAFETY: a null-terminated list made by evdns.
    while let Some(item) = unsafe { entry.as_ref() } {
        match address_of(item) {
            Some(address) if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) => {
                addresses.push(address);
            }
            _ => {}
        }
        entry = item.ai_next;
    }
    addresses
}

fn address_of(item: &libevent::addrinfo) -> Option<IpAddr> {
    if item.ai_addr.is_null() {
        return None;
    }
    match item.ai_family {
        AF_INET => {
            // SAFETY: AF_INET says that the address is a sockaddr_in.
            let address = unsafe { item.ai_addr.cast::<sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        AF_INET6 => {
            // SAFETY: AF_INET6 says that the address is a sockaddr_in6.
            let address = unsafe { item.ai_addr.cast::<sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

fn text_of(error: c_int) -> String {
    // SAFETY: a static text for every number.
    let text = unsafe { libevent::evutil_gai_strerror(error) };
    if text.is_null() {
        return format!("error {error}");
    }
    // SAFETY: NUL-terminated.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_addresses_are_taken() {
        let mut sockets: Vec<sockaddr_in> = (0..100u32)
            .map(|number| {
                // SAFETY: all-zero is a valid sockaddr_in.
                let mut socket: sockaddr_in = unsafe { std::mem::zeroed() };
                socket.sin_addr.s_addr = number.to_be();
                socket
            })
            .collect();
        let mut next = std::ptr::null_mut();
        let mut entries = Vec::new();
        for socket in sockets.iter_mut().rev() {
            // SAFETY: all-zero is a valid addrinfo.
            let mut entry: Box<libevent::addrinfo> = Box::new(unsafe { std::mem::zeroed() });
            entry.ai_family = AF_INET;
            entry.ai_addr = std::ptr::from_mut(socket).cast();
            entry.ai_next = next;
            next = &mut *entry;
            entries.push(entry);
        }
        let expected: Vec<IpAddr> = (0..MAX_ADDRESSES as u32).map(|number| Ipv4Addr::from(number).into()).collect();
        assert_eq!(addresses_of(next), expected);
    }
}
