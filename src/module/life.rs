//! Start and stop of the module.

use super::settings::{self, settings};
use super::statistics;
use crate::host::process::{self, Fork, Role};
use crate::host::{log, message, route, termination, transaction};
use crate::http_worker;
use crate::shared::set_aside::SetAside;
use crate::shared::{block_pool, scarcity, workers};
use crate::transport::global::{self, MemoryManager};

/// As `kamcmd core.psx` shows the workers; operators look for this name.
const WORKER_NAME: &str = "Http Async Worker";

/// `mod_init`: everything that can be refused at the start. Main process, before it forks.
///
/// # Errors
/// One line that says why the server must not start.
pub fn initialise() -> Result<(), String> {
    transaction::bind().map_err(|_| "the tm module must be loaded before http_async_client".to_owned())?;
    message::initialise()
        .and_then(|()| route::initialise())
        .map_err(|_| "no private memory for a message".to_owned())?;
    let settings = settings().clone();
    settings.check_files().map_err(|unusable| unusable.line)?;
    warn_of_late_answers(&settings);
    warn_of_little_memory(&settings);
    statistics::register().map_err(|_| "the statistics cannot be registered".to_owned())?;
    initialise_libcurl(settings.memory_manager)?;
    block_pool::create()
        .and_then(|()| scarcity::create())
        .map_err(|error| format!("no shared memory for queries: {error}"))?;
    workers::create(settings.workers as usize, settings.queue_size)
        .map_err(|error| format!("no queues for {} workers: {error}", settings.workers))?;
    process::register_workers(settings.workers)
        .map_err(|_| format!("{} worker processes cannot be registered", settings.workers))
}

/// When tm's timer is the shorter one, it ends the transaction before the answer can.
fn warn_of_late_answers(settings: &settings::Settings) {
    let Some(fr_timer) = transaction::fr_timer() else {
        return;
    };
    if settings.connection_timeout.as_millis() >= u128::from(fr_timer) {
        log::warning!(
            "connection_timeout ({} ms) is not below tm's fr_timer ({fr_timer} ms): a transaction may time out before \
             its query does",
            settings.connection_timeout.as_millis()
        );
    }
}

/// Without a word, every call would be refused.
fn warn_of_little_memory(settings: &settings::Settings) {
    let set_aside = SetAside::of(settings.workers as usize, settings.queue_size);
    if set_aside.is_too_much() {
        log::warning!("{set_aside}");
    }
}

fn initialise_libcurl(manager: MemoryManager) -> Result<(), String> {
    match global::initialise(manager) {
        Ok(true) => Ok(()),
        Ok(false) => {
            log::warning!(
                "memory_manager has no effect: another module has initialised libcurl; load http_async_client first"
            );
            Ok(())
        }
        Err(error) => Err(format!("libcurl cannot be initialised: {error}")),
    }
}

/// `child_init`: main forks the workers; a worker never returns from here.
///
/// # Errors
/// One line that says why the server must stop.
pub fn initialise_child(role: Role) -> Result<(), String> {
    if role != Role::Main {
        return Ok(());
    }
    for (index, queue) in workers::rings().iter().enumerate() {
        let held = termination::Held::begin();
        match process::fork_worker(WORKER_NAME) {
            Ok(Fork::Parent) => drop(held),
            Ok(Fork::Child) => http_worker::process::run(queue, held),
            Err(_) => return Err(format!("HTTP worker {index} cannot be started")),
        }
    }
    Ok(())
}

/// `mod_destroy`: main, after its children are gone; also when the start failed. Kamailio ends the workers itself, and
/// frees shared memory as a whole; what lies there is left alone, because a worker may have died inside the allocator.
pub fn destroy() {
    workers::close();
}
