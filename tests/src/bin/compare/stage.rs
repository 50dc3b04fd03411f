//! Runs a case on one of the two modules and takes down what it showed.

use crate::callee::Callee;
use crate::case::{Calls, Case, Service};
use crate::observation::Observation;
use crate::script::Places;
use crate::{log_lines, script, wire};
use end_to_end::certificates::TestCertificates;
use end_to_end::http_server::HttpServer;
use end_to_end::http2_server::Http2Server;
use end_to_end::kamailio::Kamailio;
use end_to_end::sip::{Sent, SipClient, SipMessage};
use end_to_end::sockets;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A call without a final answer by then has none.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";
/// How long queries that nobody waits for may take.
const QUIET_WITHIN: Duration = Duration::from_secs(2);

/// What all cases share.
pub struct Stage {
    certificates: TestCertificates,
}

/// The server of a case, running.
enum Running {
    Http1(HttpServer),
    Http2(Http2Server),
}

impl Running {
    fn start(service: &Service, certificates: &TestCertificates) -> Self {
        match service.clone() {
            Service::Plain(handler) => Self::Http1(HttpServer::start(move |request| handler(request))),
            Service::Tls(settings, handler) => {
                Self::Http1(HttpServer::start_tls(settings(certificates), move |request| handler(request)))
            }
            Service::Http2 => Self::Http2(Http2Server::start()),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Http1(server) => server.url(""),
            Self::Http2(server) => server.url(""),
        }
    }

    /// Host and port.
    fn host(&self) -> String {
        self.url().rsplit('/').next().unwrap_or_default().to_owned()
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::Http1(server) => server.requests().iter().map(wire::line).collect(),
            Self::Http2(_) => Vec::new(),
        }
    }
}

impl Stage {
    /// Makes the certificates.
    pub fn set_up() -> Self {
        Self { certificates: TestCertificates::temporary() }
    }

    /// Runs a case on one module.
    pub fn run(&self, case: &Case, module: &Path) -> Observation {
        let files = tempfile::Builder::new().prefix("script-").tempdir_in(self.certificates.folder());
        let files = files.expect("the folder is ours");
        let server = Running::start(&case.service, &self.certificates);
        let replies: &[_] = if let Calls::Invites(_, replies) = case.calls { replies } else { &[] };
        let callee = Callee::start(replies);
        let instance = script::instance(case, &self.places(&server, &callee), files.path()).module(module);
        let mut observation = match instance.try_start() {
            Err(log) => refused(&log),
            Ok(kamailio) => observe(case, kamailio, &server),
        };
        observation.leave_out(case.varying);
        observation.lacks_a_name = log_lines::tells_of_an_unknown_name(&observation.log);
        let port = format!(":{}", server.host().rsplit(':').next().unwrap_or_default());
        let changing = [server.host(), callee.address().to_string(), self.certificates.folder().display().to_string()];
        observation.replace(&[
            (&changing[0], "SERVER"),
            (&changing[1], "CALLEE"),
            (&changing[2], "FOLDER"),
            (&port, ":PORT"),
        ]);
        observation
    }

    fn places(&self, server: &Running, callee: &Callee) -> Places {
        let files = &self.certificates;
        vec![
            ("callee", callee.address().to_string()),
            ("ca", files.ca_directory().display().to_string()),
            ("ca_file", files.ca_file().display().to_string()),
            ("client_cert", files.client_certificate().display().to_string()),
            ("client_key", files.client_key().display().to_string()),
            ("nobody", NOBODY.to_owned()),
            ("host", server.host()),
            ("url", server.url()),
        ]
    }
}

fn refused(log: &str) -> Observation {
    let mut observation = Observation::default();
    observation.log = log.to_owned();
    observation.note("start", "refused");
    observation
}

fn observe(case: &Case, mut kamailio: Kamailio, server: &Running) -> Observation {
    let mut observation = Observation::default();
    observation.note("start", "up");
    observation.note("log at the start", log_lines::by_level(&kamailio.log()));
    let before = kamailio.log().len();
    let answers = answers(case.calls, &kamailio.client());
    note_answers(case, &answers, &mut observation);
    wait_until_quiet(&kamailio);
    observation.note("Kamailio", if kamailio.has_ended() { "died" } else { "runs" });
    if !kamailio.has_ended() {
        note_running(case, &kamailio, server, &mut observation);
    }
    let requests = server.lines();
    observation.note("HTTP requests", wire::collapsed(requests));
    let log = kamailio.log();
    observation.note("log", log_lines::by_level(log.get(before..).unwrap_or_default()));
    observation.note("noted", noted(&log));
    for text in &case.in_log {
        observation.note(&format!("`{text}` in the log"), if log.contains(text) { "yes" } else { "no" });
    }
    observation.log = log;
    kamailio.kill();
    observation
}

fn note_running(case: &Case, kamailio: &Kamailio, server: &Running, observation: &mut Observation) {
    let workers = kamailio.all_http_workers();
    observation.note("HTTP workers", workers.len().to_string());
    for (name, value) in statistics(kamailio) {
        // The names of ours alone are no difference in the same statistic.
        if ["requests", "replies", "errors", "timeouts"].contains(&name.as_str()) {
            observation.note(&name, value.to_string());
        }
    }
    if let (true, Running::Http1(server)) = (case.keepalive, server) {
        let found = sockets::keepalive(workers[0], server.port());
        let shown = found.map(|(idle, interval)| format!("idle {idle} s, interval {interval} s"));
        observation.note("keep-alive", shown.unwrap_or_else(|| "off".to_owned()));
    }
}

fn statistics(kamailio: &Kamailio) -> BTreeMap<String, i64> {
    let answer = kamailio.try_rpc(&["stats.fetch", "http_async_client:"]).unwrap_or_default();
    let pairs = answer.lines().filter_map(|line| line.trim().strip_prefix("http_async_client.")?.split_once(": "));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?))).collect()
}

/// Until each query has ended, as far as the statistics tell, and nothing has changed for a while.
fn wait_until_quiet(kamailio: &Kamailio) {
    let until = Instant::now() + QUIET_WITHIN;
    let mut last = (BTreeMap::new(), 0);
    while Instant::now() < until {
        let now = (statistics(kamailio), kamailio.log().len());
        let of = |name: &str| now.0.get(name).copied().unwrap_or(0);
        let all_ended = of("requests") <= of("replies") + of("errors");
        if now == last && all_ended {
            return;
        }
        last = now;
        thread::sleep(Duration::from_millis(100));
    }
}

fn noted(log: &str) -> String {
    let lines = log.lines().filter_map(|line| line.split_once("noted ")).map(|(_, rest)| rest.trim().to_owned());
    wire::collapsed(lines.collect())
}

fn answers(calls: Calls, client: &SipClient) -> Vec<Option<SipMessage>> {
    match calls {
        Calls::None => Vec::new(),
        Calls::Messages(count) => (0..count).flat_map(|_| at_once(client, "MESSAGE", 1)).collect(),
        Calls::MessagesAtOnce(count) => at_once(client, "MESSAGE", count),
        Calls::Invites(count, _) => at_once(client, "INVITE", count),
    }
}

/// Final answers to that many calls, each acknowledged; `None` for those that have none in time.
fn at_once(client: &SipClient, method: &str, count: usize) -> Vec<Option<SipMessage>> {
    let calls: Vec<Sent> = (0..count).map(|_| client.send(method, "alice", "", "")).collect();
    let mut answers: Vec<Option<SipMessage>> = vec![None; count];
    let until = Instant::now() + PATIENCE;
    let mut again = Instant::now() + Duration::from_millis(500);
    while Instant::now() < until && answers.iter().any(Option::is_none) {
        let answer = client.receive(Duration::from_millis(50)).filter(|answer| answer.status() >= 200);
        let call = answer.as_ref().and_then(|answer| calls.iter().position(|sent| answer.is_for(sent)));
        if let (Some(answer), Some(call)) = (answer, call) {
            client.acknowledge(&calls[call], &answer);
            answers[call].get_or_insert(answer);
        }
        if method != "INVITE" && Instant::now() > again {
            let open = calls.iter().zip(&answers).filter(|(_, answer)| answer.is_none());
            open.for_each(|(sent, _)| client.send_again(sent));
            again = Instant::now() + Duration::from_secs(1);
        }
    }
    answers
}

fn note_answers(case: &Case, answers: &[Option<SipMessage>], observation: &mut Observation) {
    let lines = answers.iter().map(|answer| match answer {
        Some(answer) => format!("{} {}", answer.status(), answer.reason()),
        None => "none".to_owned(),
    });
    observation.note("SIP answer", wire::collapsed(lines.collect()));
    let returned = answers.iter().flatten().filter_map(|answer| answer.header("X-Returned")).map(str::to_owned);
    observation.note_all("returned", returned.collect());
    for (number, (name, _)) in case.seen.iter().enumerate() {
        let header = format!("X-{number}");
        let shown = answers.iter().flatten().filter_map(|answer| answer.header(&header)).map(|value| {
            if case.lua { format!("\"{value}\"").replace("\"<null>\"", "$null") } else { shown(name, value) }
        });
        observation.note_all(name, shown.collect());
    }
}

fn shown(name: &str, hex: &str) -> String {
    if hex == "<null>" {
        return "$null".to_owned();
    }
    let digits: Vec<u8> = hex.bytes().filter_map(|digit| char::from(digit).to_digit(16)?.try_into().ok()).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
    let text = bytes.escape_ascii().to_string();
    match text.parse::<u64>() {
        Ok(time) if name.starts_with("$http_time") => magnitude(time).to_owned(),
        _ => format!("\"{text}\""),
    }
}

/// What of a time in µs does not change from run to run.
fn magnitude(time: u64) -> &'static str {
    match time {
        0 => "0",
        1..100_000 => "below 100 ms",
        100_000..2_000_000 => "from 100 ms to 2 s",
        _ => "above 2 s",
    }
}
