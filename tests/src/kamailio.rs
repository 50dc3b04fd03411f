//! A real Kamailio with the module under test: one instance a test, on its own port and in its own folder.

mod builder;

pub use builder::Builder;
pub(crate) use builder::free_port;

use crate::memcheck;
use crate::sip::{SipClient, SipMessage};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// How long an instance may take to start or stop, and anything else that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What `core.psx` tells of an HTTP worker.
pub const HTTP_WORKER_DESCRIPTION: &str = "Http Async Worker";

/// The module file under test.
///
/// # Panics
/// `HTTP_ASYNC_CLIENT_MODULE` is not set.
pub fn module_file() -> PathBuf {
    std::env::var_os("HTTP_ASYNC_CLIENT_MODULE")
        .map(PathBuf::from)
        .expect("HTTP_ASYNC_CLIENT_MODULE names the .so to test: run `make test`")
}

/// Folder of the installed Kamailio's own modules.
pub fn modules_folder() -> PathBuf {
    std::env::var_os("KAMAILIO_MODULES").map(PathBuf::from).expect("KAMAILIO_MODULES is set by `make test`")
}

/// A running instance. Dropping it stops it, and fails the test when it did not end well.
#[derive(Debug)]
pub struct Kamailio {
    process: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
}

/// As Kamailio describes processes in which no code of a module runs for long.
const KAMAILIOS_OWN: [&str; 2] = ["slow timer", "tcp main process"];

/// An instance that did not stay up.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it logged.
    pub log: String,
    /// Core files that its processes left in its run folder.
    pub cores: Vec<PathBuf>,
}

impl Ended {
    /// Asserts the end that an operator expects: exit code 0, no CRITICAL line, no core file.
    ///
    /// # Panics
    /// It ended in another way; the panic shows its log.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.status.success(), "kamailio ended with {}; its log:\n{}", self.status, self.log);
        assert_eq!(self.critical_lines(), Vec::<&str>::new(), "the log:\n{}", self.log);
        assert_eq!(self.cores, Vec::<PathBuf>::new(), "the log:\n{}", self.log);
    }

    /// CRITICAL lines, but for one of the core's own: at the end its TCP process may find a child gone before it.
    pub fn critical_lines(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.contains("CRITICAL") && !line.contains("receive_fd(): EOF on")).collect()
    }
}

impl Kamailio {
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let ready = wait_until(PATIENCE, || self.has_ended() || self.answers());
        if !ready || self.has_ended() {
            let log = self.log();
            self.kill();
            return Err(log);
        }
        Ok(())
    }

    /// Every process is in `core.psx`, and a request is answered.
    fn answers(&self) -> bool {
        let Some(processes) = self.try_rpc(&["core.psx"]) else {
            return false;
        };
        let log = self.log();
        let expected = log.split("processes (at least): ").nth(1).and_then(|rest| rest.split(' ').next());
        let expected = expected.and_then(|count| count.parse::<usize>().ok()).unwrap_or(1);
        processes.matches("PID:").count() >= expected.saturating_sub(2)
            && SipClient::new(self.address()).send_and_receive("OPTIONS", "is-it-ready").is_some()
    }

    /// Whether its main process has ended, as after a crash of any of its processes.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| matches!(process.try_wait(), Ok(Some(_))))
    }

    /// Makes its main process look for children that have ended. A SIGCHLD that comes between its look at signals and its
    /// `pause(2)` is lost on it: it would not end the server before the next signal.
    pub fn remind_of_ended_children(&self) {
        // SAFETY: sends a signal to a process of this instance, which nobody has waited for.
        unsafe { libc::kill(self.main_process() as libc::pid_t, libc::SIGCHLD) };
    }

    /// Where it listens, by UDP.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its run folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Process id of its main process.
    pub fn main_process(&self) -> u32 {
        self.process.as_ref().map_or(0, Child::id)
    }

    /// A SIP client for it.
    pub fn client(&self) -> SipClient {
        SipClient::new(self.address())
    }

    /// Sends a MESSAGE to `user` and returns its final answer.
    ///
    /// # Panics
    /// There is none.
    pub fn message(&self, user: &str) -> SipMessage {
        let answer = self.client().transact("MESSAGE", user);
        answer.unwrap_or_else(|| panic!("no final answer for {user}; the log:\n{}", self.log()))
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).expect("the log is there");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Lines of the log that hold `text`.
    pub fn log_lines(&self, text: &str) -> Vec<String> {
        self.log().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Waits until the log holds `text`, and returns the first such line.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_log(&self, text: &str) -> String {
        wait_until(PATIENCE, || self.log().contains(text));
        self.log_lines(text).into_iter().next().unwrap_or_else(|| panic!("no {text:?} in the log:\n{}", self.log()))
    }

    /// The answer of an RPC command.
    ///
    /// # Panics
    /// There is none.
    pub fn rpc(&self, command: &[&str]) -> String {
        self.try_rpc(command).unwrap_or_else(|| panic!("no answer to {command:?}; the log:\n{}", self.log()))
    }

    /// The answer of an RPC command, if there is one.
    ///
    /// # Panics
    /// There is no program `kamcmd`.
    pub fn try_rpc(&self, command: &[&str]) -> Option<String> {
        let socket = format!("unix:{}/ctl", self.folder.path().display());
        let output = Command::new("kamcmd").args(["-s", &socket]).args(command).output().expect("kamcmd is installed");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Numbers in an RPC answer, by the name before the colon.
    pub fn rpc_numbers(&self, command: &[&str]) -> BTreeMap<String, i64> {
        let lines = self.rpc(command);
        let pairs = lines.lines().filter_map(|line| line.trim().rsplit_once(": "));
        pairs.filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?))).collect()
    }

    /// The module's statistics, by their name in the group.
    pub fn statistics(&self) -> BTreeMap<String, i64> {
        let group = "http_async_client.";
        let all = self.rpc_numbers(&["stats.fetch", "http_async_client:"]);
        all.into_iter().filter_map(|(name, value)| Some((name.strip_prefix(group)?.to_owned(), value))).collect()
    }

    /// Requests, replies, errors, timeouts and in_flight.
    pub fn counts(&self) -> [i64; 5] {
        let statistics = self.statistics();
        ["requests", "replies", "errors", "timeouts", "in_flight"]
            .map(|name| *statistics.get(name).unwrap_or_else(|| panic!("no statistic {name} in {statistics:?}")))
    }

    /// Waits until [`Kamailio::counts`] are these.
    ///
    /// # Panics
    /// They do not become so.
    pub fn wait_for_counts(&self, expected: [i64; 5]) {
        wait_until(PATIENCE, || self.counts() == expected);
        assert_eq!(self.counts(), expected, "requests, replies, errors, timeouts, in_flight; the log:\n{}", self.log());
    }

    /// Transactions that tm has in memory.
    pub fn transactions(&self) -> i64 {
        self.rpc_numbers(&["tm.stats"])["current"]
    }

    /// Waits until tm has let go of every transaction.
    ///
    /// # Panics
    /// It does not.
    pub fn wait_for_no_transaction(&self) {
        wait_until(PATIENCE, || self.transactions() == 0);
        assert_eq!(self.transactions(), 0, "transactions are left; the log:\n{}", self.log());
    }

    /// Bytes of shared memory that are in use.
    pub fn shared_memory_used(&self) -> i64 {
        self.rpc_numbers(&["core.shmmem"])["used"]
    }

    /// The same with what Kamailio's allocator adds to each block.
    pub fn shared_memory_taken(&self) -> i64 {
        self.rpc_numbers(&["core.shmmem"])["real_used"]
    }

    /// [`Kamailio::shared_memory_taken`] once that has not changed for longer than the module keeps easy handles that nobody needs.
    ///
    /// # Panics
    /// It changes for [`PATIENCE`].
    pub fn shared_memory_at_rest(&self) -> i64 {
        const LONG_ENOUGH: Duration = Duration::from_secs(5);
        let (mut taken, mut since) = (self.shared_memory_taken(), Instant::now());
        let rests = wait_until(PATIENCE + LONG_ENOUGH, || {
            let now = self.shared_memory_taken();
            if now != taken {
                (taken, since) = (now, Instant::now());
            }
            since.elapsed() > LONG_ENOUGH
        });
        assert!(rests, "shared memory does not come to rest");
        taken
    }

    /// Process ids of its HTTP workers, as soon as there are so many: SIP is answered before the last process is forked.
    ///
    /// # Panics
    /// There are more, or fewer for [`PATIENCE`].
    pub fn http_workers<const COUNT: usize>(&self) -> [u32; COUNT] {
        let mut found = Vec::new();
        wait_until(PATIENCE, || {
            found = self.all_http_workers();
            found.len() >= COUNT
        });
        found.try_into().unwrap_or_else(|found| panic!("{COUNT} HTTP workers are expected, not {found:?}"))
    }

    /// Process ids of as many HTTP workers as there are at the moment.
    pub fn all_http_workers(&self) -> Vec<u32> {
        self.processes_where(|shown| shown == HTTP_WORKER_DESCRIPTION)
    }

    /// Process ids by what `core.psx` tells of the processes.
    pub fn processes_where(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<u32> {
        let all = self.all_processes().into_iter();
        all.filter(|(_, described)| is_wanted(described)).map(|(process, _)| process).collect()
    }

    /// Ids and descriptions of all its processes, as `core.psx` tells them.
    pub fn all_processes(&self) -> Vec<(u32, String)> {
        let listing = self.rpc(&["core.psx"]);
        let mut process = 0;
        let mut found = Vec::new();
        for line in listing.lines().map(str::trim) {
            if let Some(id) = line.strip_prefix("PID: ") {
                process = id.parse().expect("a process id");
            } else if let Some(description) = line.strip_prefix("DSC: ") {
                found.push((process, description.to_owned()));
            }
        }
        found
    }

    /// Stops it as an operator does, at rest, and returns how it ended and its log.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(self) -> Ended {
        self.let_transactions_go();
        self.stop_at_once()
    }

    /// The same in the midst of whatever it does.
    ///
    /// # Panics
    /// As [`Kamailio::stop`].
    pub fn stop_at_once(mut self) -> Ended {
        self.end()
    }

    /// Waits until it has ended by itself, as it does when any of its processes ends.
    ///
    /// # Panics
    /// It does not.
    pub fn wait_for_own_end(mut self) -> Ended {
        let mut process = self.process.take().expect("not stopped before");
        let status = wait_for_end(&mut process, PATIENCE);
        kill_group(&process, libc::SIGKILL);
        let log = self.log();
        let status = status.unwrap_or_else(|| panic!("kamailio has not ended; its log:\n{log}"));
        Ended { status, log, cores: core_files(self.folder()) }
    }

    fn end(&mut self) -> Ended {
        let processes = if memcheck::is_on() { self.processes_where(|_| true) } else { Vec::new() };
        let may_hang = self.may_hang_at_the_end();
        let mut process = self.process.take().expect("stopped once");
        let status = self.terminate(&mut process, &may_hang);
        kill_group(&process, libc::SIGKILL);
        let log = self.log();
        match status {
            Some(status) => {
                memcheck::check(self.folder.path(), &processes);
                Ended { status, log, cores: core_files(self.folder()) }
            }
            None => panic!("kamailio does not stop; its log:\n{log}"),
        }
    }

    /// Kamailio's main process keeps one signal at a time and drops what comes before it has looked at it. So where it still has
    /// the SIGCHLD of a worker that a test paused and resumed, SIGTERM is lost: it is sent again until it was heard.
    fn terminate(&self, process: &mut Child, may_hang: &[u32]) -> Option<ExitStatus> {
        let until = Instant::now() + memcheck::patience(PATIENCE);
        loop {
            // SAFETY: sends a signal to the child that this instance owns and has not yet waited for.
            unsafe { libc::kill(process.id() as libc::pid_t, libc::SIGTERM) };
            let status = wait_for_end(process, Duration::from_secs(1));
            if status.is_some() || Instant::now() > until {
                return status;
            }
            if self.log().contains("Thank you for flying") {
                break;
            }
        }
        wait_for_end(process, PATIENCE / 2).or_else(|| {
            for hung in may_hang {
                // SAFETY: sends a signal to a process of this instance, which its main process has not waited for.
                unsafe { libc::kill(*hung as libc::pid_t, libc::SIGKILL) };
            }
            wait_for_end(process, PATIENCE / 2)
        })
    }

    /// Processes of Kamailio's own that may wait for a lock for ever when it stops with tls.so, which has changed its configuration
    /// at run time: in their handler of SIGTERM, where no code of a module runs.
    fn may_hang_at_the_end(&self) -> Vec<u32> {
        let configuration = fs::read_to_string(self.folder.path().join("kamailio.cfg")).unwrap_or_default();
        let has_tls = configuration.contains("tls.so");
        if has_tls { self.processes_where(|shown| KAMAILIOS_OWN.contains(&shown)) } else { Vec::new() }
    }

    /// Kamailio 5.6 may hang when it stops while tm still has transactions, with and without the module under test:
    /// its main process waits for a timer of tm's that a process, which is gone, was setting or running. So a test that does not
    /// stop it on purpose stops it at rest, where that is soon to be had.
    fn let_transactions_go(&self) {
        wait_until(Duration::from_secs(6), || {
            self.try_rpc(&["tm.stats"]).is_none_or(|statistics| statistics.contains("current: 0"))
        });
    }

    /// Ends it at once, whatever state it is in; dropping it after that asserts nothing.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill_group(&process, libc::SIGKILL);
            drop(process.wait());
        }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if thread::panicking() {
            self.kill();
        }
        if self.process.is_none() {
            return;
        }
        assert!(!self.has_ended(), "kamailio is gone; its log:\n{}", self.log());
        self.let_transactions_go();
        self.end().assert_clean();
    }
}

/// Asks until `condition` holds; whether it did in time, or three times that under memcheck.
pub fn wait_until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + memcheck::patience(patience);
    loop {
        if condition() {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn wait_for_end(process: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(patience, || {
        status = process.try_wait().expect("the child is ours");
        status.is_some()
    });
    status
}

/// Files that the kernel names `core`, or `core.` and a process id.
fn core_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the run folder is there").filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|path| path.file_stem().is_some_and(|stem| stem == "core")).collect()
}

/// Its whole process group: the children that main left behind, if any.
fn kill_group(process: &Child, signal: libc::c_int) {
    // SAFETY: the group was made for this child (process_group(0)), and holds it and its children alone.
    unsafe { libc::kill(-(process.id() as libc::pid_t), signal) };
}

/// A TCP port of 127.0.0.1 that is free now.
///
/// # Panics
/// There is none.
pub fn free_tcp_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Stops a process of an instance (SIGSTOP), and waits until it stands still.
///
/// # Panics
/// It does not.
pub fn pause(process: u32) {
    // SAFETY: sends a signal to a process that an instance of this test named as its own.
    unsafe { libc::kill(process as libc::pid_t, libc::SIGSTOP) };
    let stopped = wait_until(PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process is there");
        status.contains("State:\tT")
    });
    assert!(stopped, "process {process} does not stop");
}

/// Lets it go on (SIGCONT).
pub fn resume(process: u32) {
    // SAFETY: as in pause().
    unsafe { libc::kill(process as libc::pid_t, libc::SIGCONT) };
}
