//! Load from SIPp: many calls that each wait for their final answer.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest that a run takes before it is ended from outside; SIPp itself may hang.
const HARD_LIMIT: &str = "70";

/// Calls to be made.
#[derive(Clone, Debug)]
pub struct Calls {
    /// How many.
    pub count: u32,
    /// How many are begun in a second.
    pub rate: u32,
    /// INVITE, with an ACK for its answer, or MESSAGE.
    pub method: &'static str,
    /// Whom they are for.
    pub user: &'static str,
    /// Final answers that may come; a call with any other, or with none after all retransmissions, has failed.
    pub answers: &'static [u16],
}

impl Calls {
    /// Makes them against `server`. `folder` takes the scenario and what SIPp writes.
    ///
    /// # Errors
    /// What SIPp showed last, when a call has failed.
    ///
    /// # Panics
    /// SIPp is not installed, or the folder cannot be written.
    pub fn run(&self, server: SocketAddr, folder: &Path) -> Result<(), String> {
        let scenario = self.write_scenario(folder);
        let output = Command::new("timeout")
            .arg(HARD_LIMIT)
            .current_dir(folder)
            .arg("sipp")
            .args(base_arguments(server))
            .arg("-sf")
            .arg(scenario)
            .args(["-m", &self.count.to_string(), "-r", &self.rate.to_string(), "-l", &self.count.to_string()])
            .args(["-buff_size", "4000000", "-timeout", "60s", "-trace_err"])
            .env("TERM", "dumb")
            .output()
            .expect("sipp is installed");
        let screen = String::from_utf8_lossy(&output.stdout);
        let tail = screen.get(screen.len().saturating_sub(3000)..).unwrap_or(&screen);
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(format!("sipp: {}\n{tail}\n{errors}", output.status)) }
    }

    fn write_scenario(&self, folder: &Path) -> PathBuf {
        let file = folder.join(format!("{}-{}.xml", self.method, self.count));
        fs::write(&file, self.scenario()).expect("the run folder can be written");
        file
    }

    fn scenario(&self) -> String {
        let to = format!("To: <sip:{}@[remote_ip]:[remote_port]>", self.user);
        let request = self.request(self.method, "branch=[branch]", &to);
        let (last, others) = self.answers.split_last().expect("some answer is expected");
        let others: String = others
            .iter()
            .map(|status| format!("<recv response=\"{status}\" optional=\"true\" next=\"1\"/>\n"))
            .collect();
        let acknowledge = if self.method == "INVITE" {
            // That of the INVITE, the first message; the ACK comes after those for 100 and the answers.
            let branch = format!("branch=[branch-{}]", self.answers.len() + 2);
            let ack = self.request("ACK", &branch, "[last_To:]");
            format!("<send><![CDATA[\n{ack}\n]]></send>")
        } else {
            String::new()
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n\
             <scenario name=\"calls\">\n\
             <send retrans=\"500\"><![CDATA[\n{request}\n]]></send>\n\
             <recv response=\"100\" optional=\"true\"/>\n\
             {others}\
             <recv response=\"{last}\"/>\n\
             <label id=\"1\"/>\n\
             {acknowledge}\n\
             </scenario>\n"
        )
    }

    fn request(&self, method: &str, branch: &str, to: &str) -> String {
        format!(
            "\n{method} sip:{user}@[remote_ip]:[remote_port] SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];{branch}\n\
             From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]\n\
             {to}\n\
             Call-ID: [call_id]\n\
             CSeq: 1 {method}\n\
             Contact: <sip:sipp@[local_ip]:[local_port]>\n\
             Max-Forwards: 70\n\
             Content-Length: 0\n\n",
            user = self.user
        )
    }
}

/// Which server SIPp calls and from where, and that nobody sits at it. By itself SIPp takes 5060 where that is free, which
/// may be somebody else's a moment later.
///
/// # Panics
/// No port is free.
pub fn base_arguments(server: SocketAddr) -> Vec<String> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("it is bound").port();
    [server.to_string().as_str(), "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin"].map(str::to_owned).to_vec()
}
