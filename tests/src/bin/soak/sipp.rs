//! SIPp, a process for each kind of dialogue: it makes the calls of a list at a steady rate.

use crate::calls::{Call, Dialogue};
use end_to_end::kamailio::Kamailio;
use end_to_end::sipp::base_arguments;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// SIPp takes the rate in calls for so many milliseconds.
const RATE_PERIOD: u32 = 10_000;
/// Calls under way at most, beyond which SIPp holds back: a machine that is too slow is not flooded.
const MOST_CALLS: &str = "100";

/// What all requests and ACKs have in common; words in brackets are SIPp's own, `[field0]` is the call's own user.
const REQUEST: &str = "\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch{back}]
Max-Forwards: 70
From: <sip:soak@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: 1 {method}
Contact: <sip:soak@[local_ip]:[local_port]>
Content-Length: 0

";

/// SIPp at work. Dropping it ends it.
#[derive(Debug)]
pub struct Sipp {
    dialogue: Dialogue,
    calls: usize,
    process: Child,
    folder: PathBuf,
}

/// What became of the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What the calls were.
    pub dialogue: Dialogue,
    /// How many there should have been.
    pub calls: u64,
    /// Those that went as the dialogue tells.
    pub answered: u64,
    /// Others.
    pub failed: u64,
    /// Requests that were sent again, because the answer took longer than 500 ms.
    pub retransmissions: u64,
}

impl Sipp {
    /// Starts making those of `calls` that have this dialogue, evenly over `duration`.
    ///
    /// # Errors
    /// SIPp cannot be started.
    pub fn start(dialogue: Dialogue, calls: &[Call], duration: Duration, kamailio: &Kamailio) -> Result<Self, String> {
        let users: Vec<String> = calls.iter().filter(|call| call.dialogue == dialogue).map(Call::user).collect();
        let folder = kamailio.folder().join(format!("sipp-{}", dialogue.name()));
        let start = || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("scenario.xml"), scenario(dialogue))?;
            fs::write(folder.join("users.csv"), format!("SEQUENTIAL\n{}\n", users.join("\n")))?;
            command(kamailio.address(), &folder, users.len(), duration)?.spawn()
        };
        let process = start().map_err(|error: std::io::Error| format!("sipp: {error}"))?;
        Ok(Self { dialogue, calls: users.len(), process, folder })
    }

    /// Whether it is still making calls.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// What became of the calls, after it has ended.
    ///
    /// # Errors
    /// It wrote no statistics.
    pub fn finished(&self) -> Result<Finished, String> {
        let text = fs::read_to_string(self.folder.join("statistics.csv"));
        let text = text.map_err(|error| format!("statistics of sipp: {error}"))?;
        let number = |name| last_value(&text, name).ok_or_else(|| format!("sipp does not tell {name}"));
        Ok(Finished {
            dialogue: self.dialogue,
            calls: self.calls as u64,
            answered: number("SuccessfulCall(C)")?,
            failed: number("FailedCall(C)")?,
            retransmissions: number("Retransmissions(C)")?,
        })
    }

    /// What it said about calls that failed.
    pub fn complaints(&self) -> String {
        let text = fs::read(self.folder.join("errors.log")).unwrap_or_default();
        String::from_utf8_lossy(&text).lines().take(20).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // Both fail for a process that has ended and was waited for.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn command(server: SocketAddr, folder: &Path, calls: usize, duration: Duration) -> std::io::Result<Command> {
    let rate = (calls as f64 * f64::from(RATE_PERIOD) / duration.as_millis() as f64).ceil().max(1.0);
    let screen = fs::File::create(folder.join("screen"))?;
    let mut command = Command::new("sipp");
    command.args(base_arguments(server)).args(["-sf", "scenario.xml", "-inf", "users.csv"]);
    command.args(["-m", &calls.to_string(), "-r", &rate.to_string(), "-rp", &RATE_PERIOD.to_string()]);
    command.args(["-l", MOST_CALLS, "-trace_stat", "-stf", "statistics.csv", "-fd", "60"]);
    command.args(["-trace_err", "-error_file", "errors.log", "-timeout_error", "-buff_size", "2000000"]);
    // A machine that does not keep up takes longer; one that stands still ends the run.
    command.args(["-timeout", &format!("{}s", 3 * duration.as_secs() + 60)]);
    // A process group of its own: Ctrl-C at a terminal goes to this program, which then ends SIPp.
    command.current_dir(folder).env("TERM", "dumb").process_group(0);
    command.stdin(Stdio::null()).stdout(screen.try_clone()?).stderr(screen);
    Ok(command)
}

/// The value in the last line of the column `name`.
fn last_value(statistics: &str, name: &str) -> Option<u64> {
    let mut lines = statistics.lines();
    let place = lines.next()?.split(';').position(|column| column == name)?;
    lines.next_back()?.split(';').nth(place)?.parse().ok()
}

/// The steps of a dialogue in SIPp's words.
fn scenario(dialogue: Dialogue) -> String {
    let steps = match dialogue {
        Dialogue::Message => [send("MESSAGE", "", ""), receive("100", true), receive("200", false)].concat(),
        Dialogue::Invite => {
            [send("INVITE", "", ""), receive("100", true), receive("404", false), acknowledge("-3")].concat()
        }
        Dialogue::Cancel => [
            send("INVITE", "", ""),
            receive("100", false),
            send("CANCEL", "-2", ""),
            // tm ends the INVITE first, and then answers the CANCEL.
            receive("487", false),
            acknowledge("-4"),
            receive("200", false),
        ]
        .concat(),
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"{}\">\n{steps}</scenario>\n", dialogue.name())
}

/// A request in the transaction that began so many messages `back`, sent again until it is answered.
fn send(method: &str, back: &str, tag: &str) -> String {
    message(method, back, tag, " retrans=\"500\"")
}

/// The ACK of a negative answer has the branch of its INVITE (RFC 3261 section 17.1.1.3).
fn acknowledge(back: &str) -> String {
    message("ACK", back, "[peer_tag_param]", "")
}

fn message(method: &str, back: &str, tag: &str, attributes: &str) -> String {
    let fields = REQUEST.replace("{back}", back).replace("{tag}", tag).replace("{method}", method);
    let line = format!("{method} sip:[field0]@[remote_ip]:[remote_port] SIP/2.0");
    format!("<send{attributes}><![CDATA[\n{line}\n{fields}]]></send>\n")
}

fn receive(status: &str, is_optional: bool) -> String {
    format!("<recv response=\"{status}\" optional=\"{is_optional}\"/>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_statistics_counts() {
        let text = "StartTime;SuccessfulCall(P);SuccessfulCall(C);\nx;5;5;\ny;4;9;\n";
        assert_eq!(last_value(text, "SuccessfulCall(C)"), Some(9));
        assert_eq!(last_value(text, "FailedCall(C)"), None);
    }
}
