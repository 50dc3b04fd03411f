//! nginx on loopback, for load that the scripted server would not carry.

use crate::kamailio::{PATIENCE, wait_until};
use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A running nginx with one worker. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts it with these `server` blocks and waits until it listens on `ports` of 127.0.0.1.
    ///
    /// # Panics
    /// It is not installed (Debian package nginx-light), or does not listen.
    pub fn start(ports: &[u16], servers: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("nginx.conf");
        let configuration = format!(
            "daemon off; worker_processes 1; error_log stderr crit; pid {0}/pid;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {0}; proxy_temp_path {0};\n\
             fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n{servers} }}\n",
            folder.path().display()
        );
        fs::write(&file, configuration).expect("the folder is ours");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).stdin(Stdio::null());
        end_with_parent(&mut command);
        let process = command.spawn().expect("nginx is installed (Debian package nginx-light)");
        let nginx = Self { process, _folder: folder };
        let listens = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_ok();
        assert!(wait_until(PATIENCE, || ports.iter().all(listens)), "nginx does not listen");
        nginx
    }

    /// Process ids: the master, and its worker.
    ///
    /// # Panics
    /// It is gone.
    pub fn processes(&self) -> Vec<u32> {
        let master = self.process.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children")).expect("nginx runs");
        std::iter::once(master).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SAFETY: sends a signal to the child that was started above and has not been waited for.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
        drop(self.process.wait());
    }
}

/// Out of reach of Ctrl-C at a terminal, which goes to the program that started it; and never without that program.
fn end_with_parent(command: &mut Command) {
    command.process_group(0);
    let set = || {
        // SAFETY: prctl with two integers may be called between fork and exec.
        match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure only makes one system call.
    unsafe { command.pre_exec(set) };
}
