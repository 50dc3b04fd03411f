//! Looks at a running Kamailio: its counters, its memory, its processes.

use crate::process::{connection_count, descriptor_count, event_count};
use crate::quantity::Quantity;
use crate::samples::{Column, Sample};
use end_to_end::kamailio::{HTTP_WORKER_DESCRIPTION, Kamailio, PATIENCE, wait_until};
use end_to_end::resident_memory::resident_memory;
use end_to_end::sockets::TcpState;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const HTTP_WORKER: &str = "HTTP worker";
const SIP_WORKER: &str = "SIP worker";

/// A process of Kamailio.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    id: u32,
    name: String,
}

/// Knows the processes of an instance, which live as long as it does.
#[derive(Debug)]
pub struct Probe<'kamailio> {
    kamailio: &'kamailio Kamailio,
    processes: Vec<Process>,
}

impl<'kamailio> Probe<'kamailio> {
    /// Waits until all HTTP workers are there: Kamailio answers before that.
    ///
    /// # Errors
    /// They do not come.
    pub fn new(kamailio: &'kamailio Kamailio, workers: usize) -> Result<Self, String> {
        if !wait_until(PATIENCE, || kamailio.all_http_workers().len() == workers) {
            return Err(format!("not all of {workers} HTTP workers are there"));
        }
        Ok(Self { kamailio, processes: named(kamailio.all_processes()) })
    }

    /// Whether no process has gone; Kamailio as a whole goes with any of them.
    pub fn finds_all_processes(&self) -> bool {
        self.processes.iter().all(|process| Path::new(&format!("/proc/{}", process.id)).exists())
    }

    /// Everything at this moment.
    ///
    /// # Panics
    /// Kamailio or one of its processes is gone.
    pub fn sample(&self) -> Sample {
        let mut sample = self.of_server();
        let private = private_memory(&self.kamailio.rpc(&["pkg.stats"]));
        for process in &self.processes {
            let mut add = |quantity, value| sample.push((column(quantity, process), value));
            add(Quantity::PrivateMemory, private.get(&process.id).copied().unwrap_or(0));
            add(Quantity::ResidentMemory, resident_memory(process.id) as i64);
            let states = [TcpState::Established, TcpState::CloseWait];
            let [established, close_wait] = states.map(|state| connection_count(process.id, state));
            add(Quantity::Descriptors, descriptor_count(process.id) - established - close_wait);
            if process.name.starts_with(HTTP_WORKER) {
                add(Quantity::Events, event_count(process.id));
                add(Quantity::Established, established);
                add(Quantity::CloseWait, close_wait);
            }
        }
        sample
    }

    fn of_server(&self) -> Sample {
        let [requests, replies, errors, timeouts, in_flight] = self.kamailio.counts();
        let memory = self.kamailio.rpc_numbers(&["core.shmmem"]);
        let values = [
            (Quantity::Requests, requests),
            (Quantity::Replies, replies),
            (Quantity::Errors, errors),
            (Quantity::Timeouts, timeouts),
            (Quantity::InFlight, in_flight),
            (Quantity::Transactions, self.kamailio.transactions()),
            (Quantity::SharedMemory, memory["used"]),
            (Quantity::SharedMemoryFree, memory["free"]),
        ];
        values.map(|(quantity, value)| (Column { quantity, process: None }, value)).into()
    }
}

fn column(quantity: Quantity, process: &Process) -> Column {
    Column { quantity, process: Some(process.name.clone()) }
}

/// Names that fit a table; numbered where a description comes more than once.
fn named(processes: Vec<(u32, String)>) -> Vec<Process> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let short: Vec<(u32, &str)> = processes.iter().map(|(id, description)| (*id, short_name(description))).collect();
    let name = |(id, name): (u32, &'_ str), number: usize| match name {
        HTTP_WORKER | SIP_WORKER => Process { id, name: format!("{name} {number}") },
        _ if number > 1 => Process { id, name: format!("{name} {number}") },
        _ => Process { id, name: name.to_owned() },
    };
    let mut named = Vec::new();
    for process in short {
        let number = seen.entry(process.1).and_modify(|number| *number += 1).or_insert(1);
        named.push(name(process, *number));
    }
    named
}

fn short_name(description: &str) -> &str {
    match description {
        HTTP_WORKER_DESCRIPTION => HTTP_WORKER,
        receiver if receiver.starts_with("udp receiver") => SIP_WORKER,
        main if main.starts_with("main process") => "main",
        other => other,
    }
}

/// Private memory in use by process id, from the answer to `pkg.stats`.
fn private_memory(answer: &str) -> BTreeMap<u32, i64> {
    let mut process = 0;
    let mut used = BTreeMap::new();
    for line in answer.lines().map(str::trim) {
        if let Some(id) = line.strip_prefix("pid: ") {
            process = id.parse().unwrap_or(0);
        } else if let Some(bytes) = line.strip_prefix("used: ") {
            used.insert(process, bytes.parse().unwrap_or(0));
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_numbered_and_others_only_where_they_must_be() {
        let descriptions = [
            "main process - attendant",
            "udp receiver child=0 sock=127.0.0.1:5060",
            "timer",
            "udp receiver child=1 sock=127.0.0.1:5060",
            "Http Async Worker",
            "timer",
        ];
        let processes = descriptions.iter().zip(1..).map(|(text, id)| (id, (*text).to_owned())).collect();
        let names: Vec<String> = named(processes).into_iter().map(|process| process.name).collect();
        assert_eq!(names, ["main", "SIP worker 1", "timer", "SIP worker 2", "HTTP worker 1", "timer 2"]);
    }

    #[test]
    fn private_memory_by_process() {
        let answer = "{\n\tentry: 0\n\tpid: 12\n\tused: 100\n\treal_used: 200\n}\n{\n\tpid: 13\n\tused: 300\n}\n";
        assert_eq!(private_memory(answer), BTreeMap::from([(12, 100), (13, 300)]));
    }
}
