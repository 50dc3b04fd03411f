//! A case: a script, the service that it asks, the calls that are made, and the differences that are known.

use end_to_end::certificates::{TestCertificates, TlsSettings};
use end_to_end::http_server::{Request, Response};
use std::sync::Arc;

/// What the HTTP server does with a request.
pub type Handler = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

/// The HTTP server of a case.
#[derive(Clone)]
pub enum Service {
    /// Plain HTTP/1.1.
    Plain(Handler),
    /// HTTP/1.1 over TLS.
    Tls(fn(&TestCertificates) -> TlsSettings, Handler),
    /// HTTP/2 and HTTP/1.1 without TLS. Its answers say how they were asked for.
    Http2,
}

/// What is done on the SIP side.
#[derive(Clone, Copy)]
pub enum Calls {
    /// None: what counts is how the server starts.
    None,
    /// That many MESSAGE requests, one after the other.
    Messages(usize),
    /// That many MESSAGE requests at once.
    MessagesAtOnce(usize),
    /// That many INVITEs at once; a callee at `{callee}` answers each with these replies, with that many ms before each.
    Invites(usize, &'static [(u16, &'static str, u64)]),
}

/// A difference that is known, and why it is for the better.
pub struct Difference {
    /// The facts that differ, by name; none for a case whose name the C module does not have.
    pub facts: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

/// One case.
pub struct Case {
    /// What it shows, in a few words; no two cases have the same.
    pub name: String,
    /// The names of `doc/compatibility.md` that it shows, each with its kind in front.
    pub covers: Vec<String>,
    /// Who is asked.
    pub service: Service,
    /// The routes, or the whole script in Lua.
    pub script: String,
    /// Whether `script` is in Lua.
    pub lua: bool,
    /// `modparam` lines of the module.
    pub parameters: Vec<(&'static str, String)>,
    /// More configuration lines.
    pub lines: String,
    /// What stands for `{target}` in the script.
    pub target: String,
    /// What is done.
    pub calls: Calls,
    /// Names and variables that the callback shows.
    pub seen: Vec<(String, String)>,
    /// Texts of which it counts whether the log has them.
    pub in_log: Vec<&'static str>,
    /// Whether the keep-alive options of the worker's connection are looked at.
    pub keepalive: bool,
    /// Whether the callback reads all variables after an error too, which the C module's manual warns of.
    pub reads_after_errors: bool,
    /// Facts that are another in each run of the C module, and are not compared.
    pub varying: &'static [&'static str],
    /// Known differences.
    pub differences: Vec<Difference>,
}

/// One query for each request, by a script that `{assignments}` and `{target}` complete.
const ONE_QUERY: &str = r#"
route[MAIN] {
    t_newtran();
    {assignments}
    http_async_query("{target}", "REPLY");
    append_to_reply("X-Returned: $rc\r\n");
    t_reply("500", "Not suspended");
}"#;

/// The service of most cases.
pub fn text(body: &'static str) -> Service {
    plain(move |_| Response::text(body))
}

/// A plain HTTP server.
pub fn plain(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Service {
    Service::Plain(Arc::new(handler))
}

/// An HTTPS server that answers all it lets in.
pub fn tls(settings: fn(&TestCertificates) -> TlsSettings) -> Service {
    Service::Tls(settings, Arc::new(|_| Response::text("safe")))
}

impl Case {
    /// A case with routes of its own: `route[MAIN]` for requests; a callback may be `REPLY`, which answers with what it sees.
    pub fn script(name: &str, script: &str) -> Self {
        let seen = ["http_ok", "http_rs", "http_rr", "http_rb"].map(|name| (format!("${name}"), name.to_owned()));
        Self {
            name: name.to_owned(),
            covers: Vec::new(),
            service: text("x"),
            script: script.to_owned(),
            lua: false,
            parameters: Vec::new(),
            lines: String::new(),
            target: "{url}/asked".to_owned(),
            calls: Calls::Messages(1),
            seen: seen.into(),
            in_log: Vec::new(),
            keepalive: false,
            reads_after_errors: false,
            varying: &[],
            differences: Vec::new(),
        }
    }

    /// A case of one suspended query with some assignments before it.
    pub fn query(name: &str, assignments: &str) -> Self {
        Self::script(name, &ONE_QUERY.replace("{assignments}", assignments))
    }

    /// A case whose script is in Lua.
    pub fn lua(name: &str, script: &str) -> Self {
        Self { lua: true, ..Self::script(name, script) }
    }

    /// Another URL for the query.
    pub fn to(mut self, url: &str) -> Self {
        self.target = url.to_owned();
        self
    }

    /// The names that it shows.
    pub fn covers(mut self, names: &[&str]) -> Self {
        for name in names {
            if !self.covers.iter().any(|known| known == name) {
                self.covers.push((*name).to_owned());
            }
        }
        self
    }

    /// Who is asked.
    pub fn service(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// A parameter of the module, its value as the script writes it.
    pub fn parameter(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.push((name, value.to_owned()));
        self
    }

    /// More configuration lines.
    pub fn lines(mut self, lines: &str) -> Self {
        self.lines.push_str(lines);
        self.lines.push('\n');
        self
    }

    /// What is done on the SIP side.
    pub fn calls(mut self, calls: Calls) -> Self {
        self.calls = calls;
        self
    }

    /// One more variable that the callback shows, without its `$`.
    pub fn sees(self, variable: &str) -> Self {
        let name = format!("${variable}");
        self.sees_as(&name, variable)
    }

    /// One more variable that the callback shows, under that name.
    pub fn sees_as(mut self, name: &str, variable: &str) -> Self {
        self.seen.push((name.to_owned(), variable.to_owned()));
        self
    }

    /// The callback shows nothing of the usual.
    pub fn sees_only(mut self, variables: &[&str]) -> Self {
        self.seen = variables.iter().map(|variable| (format!("${variable}"), (*variable).to_owned())).collect();
        self
    }

    /// It counts whether the log has that text.
    pub fn in_log(mut self, text: &'static str) -> Self {
        self.in_log.push(text);
        self
    }

    /// The keep-alive options of the worker's connection count.
    pub fn keepalive(mut self) -> Self {
        self.keepalive = true;
        self
    }

    /// The callback reads all variables after an error too.
    pub fn reads_after_errors(mut self) -> Self {
        self.reads_after_errors = true;
        self
    }

    /// These facts are another in each run of the C module.
    pub fn varying(mut self, facts: &'static [&'static str]) -> Self {
        self.varying = facts;
        self
    }

    /// These facts differ, for the better.
    pub fn better(mut self, facts: &'static [&'static str], reason: &'static str) -> Self {
        self.differences.push(Difference { facts, reason });
        self
    }

    /// The C module does not have the name, and there is more to say about it.
    pub fn only_here(self, reason: &'static str) -> Self {
        self.better(&[], reason)
    }
}
