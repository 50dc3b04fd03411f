//! rtpengine, as Debian packages it, on the loopback address and without its kernel module.

use crate::kamailio::{PATIENCE, free_port, wait_until};
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running rtpengine. Dropping it ends it.
#[derive(Debug)]
pub struct Rtpengine {
    process: Child,
    control: SocketAddr,
    folder: tempfile::TempDir,
}

impl Rtpengine {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// It is not installed, or does not come up.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let control = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let log = fs::File::create(folder.path().join("log")).expect("the folder can be written");
        let process = Command::new("rtpengine")
            .args(["--config-file=none", "--foreground", "--log-stderr", "--log-level=7", "--table=-1"])
            .args(["--interface=127.0.0.1", "--num-threads=2", "--port-min=18000", "--port-max=19998"])
            .arg(format!("--listen-ng={control}"))
            .arg(format!("--recording-dir={}", folder.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("rtpengine is installed");
        let rtpengine = Self { process, control, folder };
        assert!(wait_until(PATIENCE, || rtpengine.answers()), "rtpengine is not up; its log:\n{}", rtpengine.log());
        rtpengine
    }

    /// Its control port, as Kamailio's parameter `rtpengine_sock` takes it.
    pub fn socket(&self) -> String {
        format!("udp:{}", self.control)
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder().join("log")).expect("the log is there");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until it has been given that command (`offer`, `answer`, `delete`) so often.
    ///
    /// # Panics
    /// It is not.
    pub fn wait_for_commands(&self, command: &str, count: usize) {
        wait_until(PATIENCE, || self.commands(command) >= count);
        assert_eq!(self.commands(command), count, "{command}: its log:\n{}", self.log());
    }

    /// How often it has been given that command.
    pub fn commands(&self, command: &str) -> usize {
        self.log().matches(&format!("Received command '{command}'")).count()
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A ping of its control protocol: a cookie and a dictionary in bencode.
    fn answers(&self) -> bool {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time above zero");
        let mut answer = [0; 512];
        socket.send_to(b"1 d7:command4:pinge", self.control).is_ok()
            && socket.recv(&mut answer).is_ok_and(|length| answer[..length].ends_with(b"d6:result4:ponge"))
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
