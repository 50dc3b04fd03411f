//! `/etc/hosts`, which c-ares reads. HTTP workers.

use super::error::LoopError;
use super::name_server::unconfigured;
use crate::host::guarded;
use c_ares::{AddressFamily, Channel, Flags};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// What c-ares may have kept of the file ends with it: a changed file wants a new one.
pub struct HostsFile(Channel);

impl HostsFile {
    /// The machine's.
    ///
    /// # Errors
    /// Memory is exhausted.
    pub fn new() -> Result<Self, LoopError> {
        let mut options = unconfigured();
        options.set_flags(Flags::NOSEARCH | Flags::NOALIASES).set_lookups("f");
        let channel = Channel::with_options(options);
        channel.map(Self).map_err(|error| LoopError(format!("c-ares has no channel for the hosts file: {error}")))
    }

    /// The addresses of `name` there, in their order, those of IPv4 first. `localhost` is this machine whatever the file says
    /// (RFC 6761 section 6.3): libcares 1.18 loses memory when it is asked for it.
    pub fn addresses(&mut self, name: &str) -> Vec<IpAddr> {
        if name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost")) {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        let found = Arc::new(Mutex::new(Vec::new()));
        if name.contains('\0') {
            return Vec::new();
        }
        for family in [AddressFamily::INET, AddressFamily::INET6] {
            let note = Arc::clone(&found);
            // Without servers to ask, c-ares calls back at once.
            self.0.get_host_by_name(name, family, move |result| {
                guarded("a callback of c-ares", (), || {
                    let mut found = note.lock().unwrap_or_else(PoisonError::into_inner);
                    result.into_iter().for_each(|host| found.extend(host.addresses()));
                });
            });
        }
        std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
