//! A real Kamailio with the module under test: one instance a test, on its own port and in its own folder.

use crate::memcheck;
use crate::sip::{SipClient, SipMessage};
use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long an instance may take to start or stop, and anything else that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// tm keeps an answered transaction that long; its default of 5 s would make every test wait for it.
const SHORT_WAIT_TIMER: &str = "modparam(\"tm\", \"wt_timer\", 1000)\n";

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

/// An instance to be: its configuration, and how it is started.
#[derive(Clone, Debug)]
pub struct Builder {
    before: String,
    modules: Vec<String>,
    parameters: String,
    script: String,
    whole: Option<String>,
    variables: Vec<(String, String)>,
    children: usize,
    debug: i32,
    shared_memory: u32,
    arguments: Vec<String>,
    descriptor_limit: Option<(u64, u64)>,
    resolv_conf: Option<String>,
    after_module: String,
    environment: Vec<(String, String)>,
    example: Option<PathBuf>,
    port: Option<u16>,
    module: Option<PathBuf>,
}

/// A running instance. Dropping it stops it, and fails the test when it did not end well.
#[derive(Debug)]
pub struct Kamailio {
    process: Option<Child>,
    folder: tempfile::TempDir,
    port: u16,
}

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
    /// An instance that runs `route[MAIN]` of `script` for each request.
    pub fn with_script(script: &str) -> Builder {
        Builder {
            before: String::new(),
            modules: ["tm", "sl", "pv", "xlog", "kex", "textops", "ctl"].map(str::to_owned).to_vec(),
            parameters: String::new(),
            script: script.to_owned(),
            whole: None,
            variables: Vec::new(),
            children: 2,
            debug: 2,
            shared_memory: 64,
            arguments: Vec::new(),
            descriptor_limit: None,
            resolv_conf: None,
            after_module: String::new(),
            environment: Vec::new(),
            example: None,
            port: None,
            module: None,
        }
    }

    /// An instance that runs a file of `examples/` as it is; `-A` tells it where to listen and what to load.
    pub fn with_example(file: &str) -> Builder {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        Builder { example: Some(examples.join(file)), ..Self::with_script("") }
    }
}

impl Builder {
    /// Loads more of Kamailio's modules, before the one under test.
    pub fn modules(mut self, names: &[&str]) -> Self {
        self.modules.extend(names.iter().map(|name| (*name).to_owned()));
        self
    }

    /// Loads exactly these modules before the one under test; `ctl` comes with them.
    pub fn only_modules(mut self, names: &[&str]) -> Self {
        self.modules = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Configuration lines right after the module under test is loaded.
    pub fn after_module(mut self, lines: &str) -> Self {
        self.after_module.push_str(lines);
        self.after_module.push('\n');
        self
    }

    /// A `modparam` of the module under test; `value` as the script writes it.
    pub fn parameter(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.parameters.push_str(&format!("modparam(\"http_async_client\", \"{name}\", {value})\n"));
        self
    }

    /// Configuration lines after all modules are loaded.
    pub fn lines(mut self, lines: &str) -> Self {
        self.parameters.push_str(lines);
        self.parameters.push('\n');
        self
    }

    /// Configuration lines before any module is loaded.
    pub fn before(mut self, lines: &str) -> Self {
        self.before.push_str(lines);
        self.before.push('\n');
        self
    }

    /// Replaces `{name}` in script and lines. What is set last is replaced first, and may hold names set before.
    pub fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.variables.retain(|(known, _)| *known != format!("{{{name}}}"));
        self.variables.insert(0, (format!("{{{name}}}"), value.to_string()));
        self
    }

    /// More routes.
    pub fn more(mut self, routes: &str) -> Self {
        self.script.push_str(routes);
        self.script.push('\n');
        self
    }

    /// SIP worker processes.
    pub fn children(mut self, children: usize) -> Self {
        self.children = children;
        self
    }

    /// Kamailio's debug level; 2 by default, 3 logs at DBG.
    pub fn debug(mut self, level: i32) -> Self {
        self.debug = level;
        self
    }

    /// Shared memory in MB.
    pub fn shared_memory(mut self, megabytes: u32) -> Self {
        self.shared_memory = megabytes;
        self
    }

    /// More command line arguments.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Soft and hard limit of open descriptors.
    pub fn descriptor_limit(mut self, soft: u64, hard: u64) -> Self {
        self.descriptor_limit = Some((soft, hard));
        self
    }

    /// What the instance sees as `/etc/resolv.conf`, in a mount namespace of its own.
    pub fn resolv_conf(mut self, text: &str) -> Self {
        self.resolv_conf = Some(text.to_owned());
        self
    }

    /// A variable of its environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The UDP port to listen on, instead of any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The file of http_async_client to load, instead of [`module_file`].
    pub fn module(mut self, file: &Path) -> Self {
        self.module = Some(file.to_owned());
        self
    }

    /// A configuration file of one's own, instead of the generated one. `{port}`, `{folder}`, `{module}` and
    /// `{modules}` are replaced as well.
    pub fn whole_configuration(mut self, text: &str) -> Self {
        self.whole = Some(text.to_owned());
        self
    }

    fn configuration(&self, port: u16, folder: &Path) -> String {
        let text = match &self.whole {
            Some(text) => text.clone(),
            None => self.generated(),
        };
        let mut variables = self.variables.clone();
        variables.push(("{port}".to_owned(), port.to_string()));
        variables.push(("{folder}".to_owned(), folder.display().to_string()));
        variables.push(("{module}".to_owned(), self.module.clone().unwrap_or_else(module_file).display().to_string()));
        variables.push(("{modules}".to_owned(), modules_folder().display().to_string()));
        variables.iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    fn generated(&self) -> String {
        let modules: String = self.modules.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
        format!(
            "#!KAMAILIO\n\
             debug={debug}\n\
             log_stderror=yes\n\
             children={children}\n\
             listen=udp:127.0.0.1:{{port}}\n\
             auto_aliases=no\n\
             {tcp}\n\
             {before}\n\
             mpath=\"{{modules}}\"\n\
             {modules}\
             loadmodule \"{{module}}\"\n\
             {wait_timer}\
             {memcheck}\
             {after_module}\
             modparam(\"ctl\", \"binrpc\", \"unix:{{folder}}/ctl\")\n\
             {parameters}\n\
             request_route {{\n\
                 if($rU == \"is-it-ready\") {{ sl_send_reply(\"200\", \"Ready\"); exit; }}\n\
                 route(MAIN);\n\
             }}\n\
             {script}\n",
            debug = self.debug,
            tcp = if self.before.contains("enable_tls") || self.before.contains("listen=tcp") {
                ""
            } else {
                "disable_tcp=yes"
            },
            children = self.children,
            before = self.before,
            wait_timer = if self.modules.iter().any(|name| name == "tm") { SHORT_WAIT_TIMER } else { "" },
            memcheck = if memcheck::is_on() { memcheck::PARAMETERS } else { "" },
            after_module = self.after_module,
            parameters = self.parameters,
            script = self.script,
        )
    }

    fn command(&self, folder: &Path, port: u16) -> Command {
        let program = memcheck::program(folder);
        let mut command = match &self.resolv_conf {
            None => command_of(&program),
            Some(text) => in_mount_namespace(text, folder, &program),
        };
        match &self.example {
            None => command.arg("-f").arg(folder.join("kamailio.cfg")),
            Some(file) => command.arg("-f").arg(file).args(example_arguments(folder, port)),
        };
        command.args(["-m", &self.shared_memory.to_string(), "-E"]);
        // The working directory is where core files go.
        command.arg("-Y").arg(folder).arg("-w").arg(folder).args(&self.arguments);
        let log = fs::File::create(folder.join("log")).expect("the run folder can be written");
        let log_again = log.try_clone().expect("a descriptor for the log");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log).stderr(log_again).process_group(0);
        if let Some((soft, hard)) = self.descriptor_limit {
            limit_descriptors(&mut command, soft, hard);
        }
        command
    }

    fn prepare(&self) -> (tempfile::TempDir, u16) {
        let folder = tempfile::Builder::new().prefix("kamailio-").tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .expect("the run folder is ours");
        let port = self.port.unwrap_or_else(free_port);
        let configuration = self.configuration(port, folder.path());
        fs::write(folder.path().join("kamailio.cfg"), configuration).expect("the run folder can be written");
        (folder, port)
    }

    /// Starts the instance and waits until it answers.
    ///
    /// # Panics
    /// It does not come up; the panic shows its log.
    pub fn start(self) -> Kamailio {
        self.try_start().unwrap_or_else(|log| panic!("kamailio is not up; its log:\n{log}"))
    }

    /// Starts the instance and waits until it answers.
    ///
    /// # Errors
    /// What it logged, when it does not come up.
    ///
    /// # Panics
    /// There is no program `kamailio`, or no room for a temporary folder.
    pub fn try_start(self) -> Result<Kamailio, String> {
        let (folder, port) = self.prepare();
        let process = self.command(folder.path(), port).arg("-DD").spawn().expect("kamailio is installed");
        let mut kamailio = Kamailio { process: Some(process), folder, port };
        kamailio.wait_until_ready()?;
        Ok(kamailio)
    }

    /// Starts an instance that must refuse to run.
    ///
    /// # Panics
    /// It is still there after [`PATIENCE`].
    pub fn start_refused(self) -> Ended {
        self.run_to_end("-DD")
    }

    /// `kamailio -c`: checks the configuration.
    ///
    /// # Panics
    /// It does not end.
    pub fn check(self) -> Ended {
        self.run_to_end("-c")
    }

    fn run_to_end(self, argument: &str) -> Ended {
        let (folder, port) = self.prepare();
        let mut process = self.command(folder.path(), port).arg(argument).spawn().expect("kamailio is installed");
        let status = wait_for_end(&mut process);
        let log = fs::read(folder.path().join("log")).expect("the log is there");
        let log = String::from_utf8_lossy(&log).into_owned();
        match status {
            Some(status) => {
                memcheck::check(folder.path(), &[]);
                Ended { status, log, cores: core_files(folder.path()) }
            }
            None => {
                kill_group(&process, libc::SIGKILL);
                panic!("kamailio {argument} did not end; its log:\n{log}");
            }
        }
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

    /// Process ids by description, as `core.psx` tells them.
    pub fn processes(&self, description: &str) -> Vec<u32> {
        self.processes_where(|shown| shown == description)
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

    /// Stops it as an operator does, and returns how it ended and its log.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(mut self) -> Ended {
        self.end()
    }

    fn end(&mut self) -> Ended {
        let processes = if memcheck::is_on() { self.processes_where(|_| true) } else { Vec::new() };
        let mut process = self.process.take().expect("stopped once");
        // SAFETY: sends a signal to the child that this instance owns and has not yet waited for.
        unsafe { libc::kill(process.id() as libc::pid_t, libc::SIGTERM) };
        let status = wait_for_end(&mut process);
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

fn wait_for_end(process: &mut Child) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(PATIENCE, || {
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

/// What fits an example to this machine and this instance.
fn example_arguments(folder: &Path, port: u16) -> Vec<String> {
    let definitions = [
        format!("LISTEN=udp:127.0.0.1:{port}"),
        format!("CTL_SOCKET=\"unix:{}/ctl\"", folder.display()),
        format!("MODULE=\"{}\"", module_file().display()),
    ];
    let mut arguments = vec!["-L".to_owned(), modules_folder().display().to_string()];
    arguments.extend(definitions.into_iter().flat_map(|definition| ["-A".to_owned(), definition]));
    arguments
}

/// A UDP port below those that the system gives to clients, and no test's before. Kamailio would share a port that is in
/// use (`SO_REUSEADDR`), so a free one is not enough.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap_or(0);
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed) % 4_000;
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A TCP port of 127.0.0.1 that is free now.
///
/// # Panics
/// There is none.
pub fn free_tcp_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn command_of(words: &[String]) -> Command {
    let (program, arguments) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn in_mount_namespace(resolv_conf: &str, folder: &Path, program: &[String]) -> Command {
    let file = folder.join("resolv.conf");
    fs::write(&file, resolv_conf).expect("the run folder can be written");
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(file).args(program);
    command
}

fn limit_descriptors(command: &mut Command, soft: u64, hard: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    let set = move || {
        // SAFETY: setrlimit may be called between fork and exec.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } == 0 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    };
    // SAFETY: the closure only makes one system call.
    unsafe { command.pre_exec(set) };
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
