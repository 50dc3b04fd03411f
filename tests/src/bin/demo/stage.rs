//! The parties of the demonstration: the HTTP service, Kamailio, and a folder for SIPp's files.

use crate::call::Call;
use crate::ports::{Ports, http_is_free, sip_is_free};
use end_to_end::interrupt::{self, Stop};
use end_to_end::kamailio::{Kamailio, wait_until};
use end_to_end::lookup_service::LookupService;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::TempDir;

/// How long counters and processes may take to become what they should be.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Stage {
    ports: Ports,
    kamailio: Kamailio,
    service: Option<LookupService>,
    seen: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl Stage {
    /// Starts the service, then Kamailio.
    ///
    /// # Errors
    /// [`Stop`] when a signal was received or one of them does not start.
    pub fn set_up(ports: Ports) -> Result<Self, Stop> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let service = start_service(ports, Arc::clone(&seen))?;
        interrupt::check()?;
        let api = format!("API_URL=\"http://{}\"", service.address());
        let builder = Kamailio::with_example("lookup.cfg").port(ports.sip).arguments(&["-A", &api]);
        let kamailio = builder.try_start().map_err(|log| Stop::Failed(format!("Kamailio does not start:\n{log}")))?;
        let folder = tempfile::Builder::new().prefix("demo-").tempdir();
        let folder = folder.map_err(|error| Stop::Failed(format!("a temporary folder: {error}")))?;
        Ok(Self { ports, kamailio, service: Some(service), seen, folder })
    }

    /// A call to `user`, who is expected to be answered with `status`.
    ///
    /// # Errors
    /// As [`Call::make`].
    pub fn call(&self, user: &'static str, status: u16) -> Result<Call, Stop> {
        interrupt::check()?;
        Call::make(user, status, self.kamailio.address(), self.folder.path())
    }

    /// Stops the HTTP service.
    pub fn stop_service(&mut self) {
        self.service = None;
    }

    /// The HTTP requests that the service received, and its answers.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the script logged about queries without an answer.
    pub fn complaints(&self) -> Vec<String> {
        let begin = "no answer about";
        let lines = self.kamailio.log_lines(begin).into_iter();
        lines.filter_map(|line| Some(line[line.find(begin)?..].to_owned())).collect()
    }

    /// The module's statistics, as `kamcmd` shows them.
    pub fn statistics(&self) -> String {
        let command = ["stats.fetch", "http_async_client:"];
        format!("kamcmd {}\n{}", command.join(" "), self.kamailio.rpc(&command).trim_end())
    }

    /// Requests, replies, errors, timeouts and in_flight.
    pub fn counts(&self) -> [i64; 5] {
        self.kamailio.counts()
    }

    /// Stops Kamailio, as an operator does, and what else is there; tells what was seen to have ended.
    ///
    /// # Errors
    /// [`Stop::Failed`] when something is still there, or Kamailio did not end well.
    pub fn stop(mut self) -> Result<String, Stop> {
        self.stop_service();
        let processes = processes(&self.kamailio);
        let ended = self.kamailio.stop();
        if !ended.status.success() {
            return Err(Stop::Failed(format!("Kamailio ended with {}; its log:\n{}", ended.status, ended.log)));
        }
        let gone = || processes.iter().all(|process| !Path::new(&format!("/proc/{process}")).exists());
        if !wait_until(PATIENCE, || gone() && sip_is_free(self.ports) && http_is_free(self.ports)) {
            return Err(Stop::Failed("processes of Kamailio are left, or a port is still in use".to_owned()));
        }
        Ok(format!(
            "Kamailio has ended, with its {} processes; SIPp and the HTTP service too.\n\
             UDP port {} and TCP port {} of 127.0.0.1 are free again.",
            processes.len(),
            self.ports.sip,
            self.ports.http
        ))
    }
}

/// Ids of all its processes.
fn processes(kamailio: &Kamailio) -> Vec<String> {
    let listing = kamailio.rpc(&["core.psx"]);
    listing.lines().filter_map(|line| line.trim().strip_prefix("PID: ")).map(str::to_owned).collect()
}

fn start_service(ports: Ports, seen: Arc<Mutex<Vec<String>>>) -> Result<LookupService, Stop> {
    let address = (Ipv4Addr::LOCALHOST, ports.http).into();
    let note = move |exchange: &_| seen.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{exchange:#}"));
    LookupService::start(address, note).map_err(|error| Stop::Failed(format!("the HTTP service on {address}: {error}")))
}
