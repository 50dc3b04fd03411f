//! An instance to be: its configuration, and how it is started.

use super::{Ended, Kamailio, core_files, kill_group, module_file, modules_folder, wait_for_end};
use crate::certificates::TestCertificates;
use crate::memcheck;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

/// tm keeps an answered transaction that long; its default of 5 s would make every test wait for it.
const SHORT_WAIT_TIMER: &str = "modparam(\"tm\", \"wt_timer\", 1000)\n";

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
    etc: Vec<(&'static str, String)>,
    system_authorities: Option<PathBuf>,
    after_module: String,
    environment: Vec<(String, String)>,
    example: Option<PathBuf>,
    port: Option<u16>,
    module: Option<PathBuf>,
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
            etc: Vec::new(),
            system_authorities: None,
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

    /// Queries trust the authority of `certificates`.
    pub fn trusting(self, certificates: &TestCertificates) -> Self {
        self.parameter("tls_ca_path", format!("\"{}\"", certificates.ca_file().display()))
    }

    /// tls.so, which another line loads, serves SIP over TLS at that port of 127.0.0.1, with the server's certificate.
    pub fn sip_over_tls(self, port: u16, certificates: &TestCertificates) -> Self {
        let (certificate, key) = (certificates.server_certificate(), certificates.server_key());
        self.before(&format!("enable_tls=yes\nlisten=tls:127.0.0.1:{port}\ntcp_children=1"))
            .lines("modparam(\"tls\", \"tls_method\", \"TLSv1.2+\")")
            .lines(&format!("modparam(\"tls\", \"certificate\", \"{}\")", certificate.display()))
            .lines(&format!("modparam(\"tls\", \"private_key\", \"{}\")", key.display()))
    }

    /// http_client, which another line loads, trusts the authority of `certificates`.
    pub fn http_client_trusting(self, certificates: &TestCertificates) -> Self {
        self.lines(&format!("modparam(\"http_client\", \"cacert\", \"{}\")", certificates.ca_file().display()))
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

    /// What the instance sees as `/etc/resolv.conf`, in a mount namespace of its own: the file of that name in its run folder.
    pub fn resolv_conf(mut self, text: &str) -> Self {
        self.etc.push(("resolv.conf", text.to_owned()));
        self
    }

    /// The same for `/etc/hosts`.
    pub fn hosts(mut self, text: &str) -> Self {
        self.etc.push(("hosts", text.to_owned()));
        self
    }

    /// What the instance sees as `/etc/ssl/certs`, in a mount namespace of its own; `ca-certificates.crt` there holds the same.
    pub fn system_authorities(mut self, folder: &Path) -> Self {
        self.system_authorities = Some(folder.to_owned());
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
        let mut program = memcheck::program(folder);
        if let Some(authorities) = &self.system_authorities {
            program.splice(0..0, with_authorities(authorities));
        }
        let mut command =
            if self.etc.is_empty() { command_of(&program) } else { in_mount_namespace(&self.etc, folder, &program) };
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
        let status = wait_for_end(&mut process, super::PATIENCE);
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
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + u16::try_from(std::process::id() % 8_000).unwrap_or(0);
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed) % 4_000;
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn command_of(words: &[String]) -> Command {
    let (program, arguments) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn in_mount_namespace(etc: &[(&str, String)], folder: &Path, program: &[String]) -> Command {
    let mut script = String::new();
    for (name, text) in etc {
        fs::write(folder.join(name), text).expect("the run folder can be written");
        script += &format!("mount --bind \"$0/{name}\" /etc/{name} && ");
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{script}exec \"$@\"")]).arg(folder).args(program);
    command
}

/// Words before a program that let it see the folder as the system's authorities.
fn with_authorities(folder: &Path) -> Vec<String> {
    let file = folder.join("ca-certificates.crt");
    if !file.exists() {
        fs::copy(folder.join("ca.pem"), file).expect("the folder can be written");
    }
    let script = "mount --bind \"$0\" /etc/ssl/certs && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", script].map(str::to_owned);
    words.into_iter().chain([folder.display().to_string()]).collect()
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
