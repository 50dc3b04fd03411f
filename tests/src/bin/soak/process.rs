//! What `/proc` tells about a process: descriptors, events, sockets.

use end_to_end::sockets::TcpState;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

/// Open descriptors: number, and what it refers to. One that is closed meanwhile is passed over.
fn descriptors(process: u32) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok);
    entries
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, fs::read_link(entry.path()).ok()?)))
        .collect()
}

/// How many descriptors it has open.
pub fn descriptor_count(process: u32) -> i64 {
    descriptors(process).len() as i64
}

/// How many descriptors its epoll instances wait for: the events of libevent that are about sockets.
pub fn event_count(process: u32) -> i64 {
    let instances = descriptors(process).into_iter();
    let instances = instances.filter(|(_, target)| target.as_os_str() == "anon_inode:[eventpoll]");
    instances.map(|(number, _)| watched(process, &number)).sum()
}

fn watched(process: u32, instance: &str) -> i64 {
    let text = fs::read_to_string(format!("/proc/{process}/fdinfo/{instance}")).unwrap_or_default();
    text.lines().filter(|line| line.starts_with("tfd:")).count() as i64
}

/// How many of its TCP connections over IPv4 are in `state`.
pub fn connection_count(process: u32, state: TcpState) -> i64 {
    let (own, state) = (socket_inodes(process), state.code());
    let table = fs::read_to_string(format!("/proc/{process}/net/tcp")).unwrap_or_default();
    let is_counted = |line: &&str| {
        let mut fields = line.split_whitespace();
        // Fields of the table: number, local and remote address, state; the inode is the tenth.
        fields.nth(3) == Some(state.as_str()) && fields.nth(5).is_some_and(|inode| own.contains(inode))
    };
    table.lines().filter(is_counted).count() as i64
}

fn socket_inodes(process: u32) -> HashSet<String> {
    let targets = descriptors(process).into_iter().filter_map(|(_, target)| target.into_os_string().into_string().ok());
    targets.filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_shows_until_it_is_closed_and_in_its_state() {
        let own = std::process::id();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let before = [TcpState::Established, TcpState::CloseWait].map(|state| connection_count(own, state));
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        assert_eq!(connection_count(own, TcpState::Established), before[0] + 2);
        let descriptors = descriptor_count(own);
        drop(server);
        assert_eq!(connection_count(own, TcpState::CloseWait), before[1] + 1);
        assert_eq!(descriptor_count(own), descriptors - 1);
        drop(client);
    }
}
