//! The run: warm-up, rest, load with samples, rest.

use crate::calls::{Call, Counts, Dialogue, draw};
use crate::options::Options;
use crate::probe::Probe;
use crate::query_kind::named;
use crate::samples::{Sample, Samples};
use crate::script;
use crate::servers::Servers;
use crate::sipp::{Finished, Sipp};
use end_to_end::interrupt::{self, Stop};
use end_to_end::kamailio::{Kamailio, wait_until};
use std::time::{Duration, Instant};

/// How long coming to rest may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Calls at once for each HTTP worker, before the warm-up: more than a worker keeps handles and connections, and more than
/// SIPp has under way when the machine stands still for a moment. The C library does not give back what that takes.
const BURST: usize = 300;
/// Lines of the log that are shown when Kamailio is gone.
const LAST_LINES: usize = 40;
/// What each of these does: it waits for the others, and then goes to every server.
const BURST_CHAIN: [&str; 7] = ["delay", "plain", "tls", "http2", "large", "digest", "redirect"];

/// What a run has shown.
#[derive(Debug)]
pub struct Run {
    /// Under load.
    pub samples: Samples,
    /// At rest after the warm-up.
    pub rest_before: Sample,
    /// At rest after the load.
    pub rest_after: Sample,
    /// The calls under load.
    pub calls: Vec<Call>,
    /// What SIPp says about them.
    pub finished: Vec<Finished>,
    /// What SIPp wrote about calls that failed.
    pub complaints: String,
    /// How long the load lasted.
    pub elapsed: Duration,
    /// What all calls since the start must have led to.
    pub expected: Counts,
    /// Requests, replies, errors, timeouts and in_flight as the module counted them.
    pub counted: [i64; 5],
    /// Queries that did not end as they must, those that were refused, and internal errors of the module.
    pub unwanted: [i64; 3],
    /// What the server logged at ERROR and CRITICAL.
    pub errors: Vec<String>,
}

/// Everything that runs. Dropping it stops it.
struct Load<'run> {
    options: &'run Options,
    kamailio: &'run Kamailio,
    probe: Probe<'run>,
    servers: &'run Servers,
    expected: Counts,
}

/// Runs it all.
///
/// # Errors
/// [`Stop`] when a signal was received or something cannot go on.
pub fn run(options: &Options) -> Result<Run, Stop> {
    let servers = Servers::start()?;
    let instance = servers.known_to(script::instance(options));
    let mut kamailio = instance.try_start().map_err(|log| Stop::Failed(format!("Kamailio does not start:\n{log}")))?;
    let probe = Probe::new(&kamailio, options.workers)?;
    let mut load = Load { options, kamailio: &kamailio, probe, servers: &servers, expected: Counts::default() };
    match load.run() {
        Ok(run) => finish(kamailio, run),
        Err(stop) => {
            kamailio.kill();
            Err(stop)
        }
    }
}

/// Stops Kamailio as an operator does, and looks at its log.
fn finish(kamailio: Kamailio, mut run: Run) -> Result<Run, Stop> {
    let ended = kamailio.stop();
    if !ended.status.success() {
        return Err(Stop::Failed(format!("Kamailio ended with {}; its log:\n{}", ended.status, ended.log)));
    }
    let is_error = |line: &&str| line.contains("ERROR:") || line.contains("soak:");
    let errors = ended.log.lines().filter(is_error).chain(ended.critical_lines());
    run.errors = errors.map(str::to_owned).collect();
    Ok(run)
}

impl Load<'_> {
    fn run(&mut self) -> Result<Run, Stop> {
        say("warm-up");
        self.warm_up()?;
        let rest_before = self.rest()?;
        say(&format!("load: {} queries in {:.0} s", self.options.queries, self.options.duration.as_secs_f64()));
        let calls = draw(self.options.seed, self.options.queries);
        let mut samples = Samples::default();
        let began = Instant::now();
        let processes = self.make(&calls, self.options.duration, Some(&mut samples))?;
        let elapsed = began.elapsed();
        say("coming to rest");
        let rest_after = self.rest()?;
        Ok(Run {
            samples,
            rest_before,
            rest_after,
            calls,
            finished: processes.iter().map(Sipp::finished).collect::<Result<_, _>>()?,
            complaints: processes.iter().map(Sipp::complaints).collect(),
            elapsed,
            expected: self.expected,
            counted: self.kamailio.counts(),
            unwanted: self.unwanted(),
            errors: Vec::new(),
        })
    }

    /// Leads every worker to all that it keeps: a burst, then some seconds of what follows.
    fn warm_up(&mut self) -> Result<(), Stop> {
        self.burst(&BURST_CHAIN, BURST * self.options.workers)?;
        let duration = (self.options.duration / 12).clamp(Duration::from_secs(5), Duration::from_secs(60));
        let queries = (self.options.rate() * duration.as_secs_f64()) as u64;
        let calls = draw(!self.options.seed, queries.max(1));
        self.make(&calls, duration, None).map(drop)
    }

    /// So many calls at once, each with this chain of queries.
    fn burst(&mut self, chain: &[&str], count: usize) -> Result<(), Stop> {
        let call = Call::chain_of(&chain.iter().map(|name| named(name)).collect::<Vec<_>>());
        self.expected.expect(std::iter::repeat_n(&call, count));
        let answers = self.kamailio.client().transact_all("MESSAGE", &call.user(), count);
        let answered = answers.iter().filter(|answer| answer.status() == 200).count();
        match answered == count {
            true => Ok(()),
            false => Err(Stop::Failed(format!("{answered} of {count} calls at once were answered with 200"))),
        }
    }

    /// Makes these calls, with samples on the way.
    fn make(
        &mut self,
        calls: &[Call],
        duration: Duration,
        mut samples: Option<&mut Samples>,
    ) -> Result<Vec<Sipp>, Stop> {
        self.expected.expect(calls);
        let dialogues =
            Dialogue::ALL.into_iter().filter(|dialogue| calls.iter().any(|call| call.dialogue == *dialogue));
        let start = |dialogue| Sipp::start(dialogue, calls, duration, self.kamailio);
        let mut processes = dialogues.map(start).collect::<Result<Vec<_>, _>>()?;
        let interval = (self.options.duration / 120).clamp(Duration::from_millis(500), Duration::from_secs(5));
        let began = Instant::now();
        while processes.iter_mut().any(Sipp::is_running) {
            self.check()?;
            if let Some(samples) = &mut samples {
                samples.add(began.elapsed(), self.probe.sample());
            }
            self.servers.forget_requests();
            wait_until(interval, || interrupt::received() || !processes.iter_mut().any(Sipp::is_running));
        }
        Ok(processes)
    }

    /// Waits until nothing is under way. Idle connections stay, and what they take is the same at every rest.
    fn rest(&mut self) -> Result<Sample, Stop> {
        self.wait_for_rest()?;
        Ok(self.probe.sample())
    }

    fn wait_for_rest(&self) -> Result<(), Stop> {
        let is_at_rest = |load: &Self| load.kamailio.counts()[4] == 0 && load.kamailio.transactions() == 0;
        self.wait_for("queries or transactions are left", is_at_rest)
    }

    fn wait_for(&self, otherwise: &str, condition: impl Fn(&Self) -> bool) -> Result<(), Stop> {
        let holds = wait_until(PATIENCE, || interrupt::received() || condition(self));
        self.check()?;
        match holds {
            true => Ok(()),
            false => Err(Stop::Failed(format!("{otherwise} after {PATIENCE:?}: {:?}", self.probe.sample()))),
        }
    }

    fn check(&self) -> Result<(), Stop> {
        interrupt::check()?;
        match self.probe.finds_all_processes() {
            true => Ok(()),
            false => Err(Stop::Failed(format!("Kamailio is gone; the end of its log:\n{}", self.end_of_log()))),
        }
    }

    fn end_of_log(&self) -> String {
        let log = self.kamailio.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    fn unwanted(&self) -> [i64; 3] {
        let script = self.kamailio.rpc_numbers(&["stats.fetch", "script:"]);
        let of_script = |name: &str| script.get(&format!("script.{name}")).copied().unwrap_or(-1);
        let panics = self.kamailio.statistics().get("panics").copied().unwrap_or(-1);
        [of_script("wrong"), of_script("refused"), panics]
    }
}

/// Where the run is, for whoever waits.
fn say(text: &str) {
    println!("soak: {text}");
}
