//! One call by SIPp, a real SIP client, as a process of its own.

use crate::message_log::{Logged, messages};
use crate::scenario::scenario;
use end_to_end::interrupt::{self, Stop};
use end_to_end::kamailio::wait_until;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// SIPp gives up on a call after this time.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was sent and received in one call.
#[derive(Debug)]
pub struct Call {
    /// The user that was called.
    pub user: &'static str,
    /// The status that the answer should have.
    pub expected: u16,
    /// The INVITE.
    pub invite: String,
    /// The final answer; empty when there was none.
    pub answer: String,
}

impl Call {
    /// Calls `user` at `server`. SIPp's files are written into `folder`.
    ///
    /// # Errors
    /// [`Stop::Interrupted`], or [`Stop::Failed`] when SIPp cannot be run or sends nothing.
    pub fn make(user: &'static str, expected: u16, server: SocketAddr, folder: &Path) -> Result<Self, Stop> {
        let failed = |error: std::io::Error| Stop::Failed(format!("sipp: {error}"));
        fs::write(folder.join("scenario.xml"), scenario(user, expected)).map_err(failed)?;
        let mut process = Running(command(server, folder).and_then(|mut command| command.spawn()).map_err(failed)?);
        process.wait()?;
        let log = fs::read(folder.join("messages.log")).map_err(failed)?;
        let mut call = Self { user, expected, invite: String::new(), answer: String::new() };
        for message in messages(&String::from_utf8_lossy(&log)) {
            call.note(message);
        }
        match call.invite.is_empty() {
            true => Err(Stop::Failed("sipp sent no INVITE".to_owned())),
            false => Ok(call),
        }
    }

    fn note(&mut self, message: Logged) {
        let provisional = message.text.starts_with("SIP/2.0 1");
        match message.sent {
            true if self.invite.is_empty() => self.invite = message.text,
            false if self.answer.is_empty() && !provisional => self.answer = message.text,
            _ => {}
        }
    }

    /// Whether the answer has the expected status.
    pub fn is_as_expected(&self) -> bool {
        self.answer.starts_with(&format!("SIP/2.0 {} ", self.expected))
    }
}

fn command(server: SocketAddr, folder: &Path) -> std::io::Result<Command> {
    // By itself SIPp takes 5060 where that is free, which may be somebody else's a moment later.
    let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let screen = fs::File::create(folder.join("screen"))?;
    let errors = screen.try_clone()?;
    let mut command = Command::new("sipp");
    command.arg(server.to_string()).args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-p", &port, "-m", "1"]);
    command.args(["-trace_msg", "-message_file", "messages.log", "-nostdin"]);
    command.args(["-timeout", &format!("{}s", PATIENCE.as_secs())]);
    // A process group of its own: Ctrl-C at a terminal goes to this program, which then ends SIPp.
    command.current_dir(folder).env("TERM", "dumb").process_group(0);
    command.stdin(Stdio::null()).stdout(screen).stderr(errors);
    Ok(command)
}

/// SIPp at work. Dropping it ends it.
struct Running(Child);

impl Running {
    /// Until it ends, with whatever result: its messages tell more.
    fn wait(&mut self) -> Result<(), Stop> {
        wait_until(PATIENCE * 2, || interrupt::received() || !matches!(self.0.try_wait(), Ok(None)));
        interrupt::check()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail for a process that has ended and was waited for.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
