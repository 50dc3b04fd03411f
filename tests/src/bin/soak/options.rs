//! What is asked for, from the environment: `make soak NAME=value` sets it.

use std::env;
use std::str::FromStr;
use std::time::Duration;

/// Queries a second when their number is not given.
const DEFAULT_RATE: u64 = 400;

/// One run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the load lasts, the warm-up before it aside (`MINUTES`).
    pub duration: Duration,
    /// Queries in that time, at least (`QUERIES`).
    pub queries: u64,
    /// HTTP worker processes (`WORKERS`).
    pub workers: usize,
    /// `memory_manager` of the module (`MEMORY_MANAGER`).
    pub memory_manager: String,
    /// The same seed makes the same calls (`SEED`).
    pub seed: u64,
    /// Whether `doc/soak.md` is written (`DOCUMENT=1`).
    pub document: bool,
}

impl Options {
    /// # Errors
    /// A value that makes no sense, with its name.
    pub fn from_environment() -> Result<Self, String> {
        Self::from(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(value: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let minutes: f64 = number(&value, "MINUTES", 1.0, |minutes| (0.5..=1440.0).contains(minutes))?;
        let duration = Duration::from_secs_f64(minutes * 60.0);
        let memory_manager = value("MEMORY_MANAGER").unwrap_or_else(|| "shm".to_owned());
        if !["shm", "sys"].contains(&memory_manager.as_str()) {
            return Err(format!("MEMORY_MANAGER is {memory_manager:?}, and neither shm nor sys"));
        }
        Ok(Self {
            duration,
            queries: number(&value, "QUERIES", DEFAULT_RATE * duration.as_secs(), |queries| *queries > 0)?,
            workers: number(&value, "WORKERS", 1, |workers| (1..=8).contains(workers))?,
            memory_manager,
            seed: number(&value, "SEED", 1, |_| true)?,
            document: number(&value, "DOCUMENT", 0_u8, |_| true)? != 0,
        })
    }

    /// Queries a second.
    pub fn rate(&self) -> f64 {
        self.queries as f64 / self.duration.as_secs_f64()
    }
}

fn number<T: FromStr>(
    value: impl Fn(&str) -> Option<String>,
    name: &str,
    default: T,
    is_allowed: impl Fn(&T) -> bool,
) -> Result<T, String> {
    let Some(text) = value(name) else { return Ok(default) };
    let refused = || format!("{name} is {text:?}, which is not possible here");
    text.parse().ok().filter(is_allowed).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(set: &[(&str, &str)]) -> Result<Options, String> {
        Options::from(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_million_queries_in_twenty_minutes() {
        let options = options(&[("MINUTES", "20"), ("QUERIES", "1000000"), ("DOCUMENT", "1")]).unwrap();
        assert_eq!((options.duration.as_secs(), options.queries, options.document), (1200, 1_000_000, true));
        assert_eq!(options.rate().round(), 833.0);
    }

    #[test]
    fn nothing_set_is_a_trial_of_a_minute() {
        let options = options(&[]).unwrap();
        assert_eq!((options.duration.as_secs(), options.queries, options.workers), (60, 24_000, 1));
        assert_eq!((options.memory_manager.as_str(), options.document), ("shm", false));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (name, value) in [("MINUTES", "0"), ("QUERIES", "many"), ("WORKERS", "0"), ("MEMORY_MANAGER", "heap")] {
            assert!(options(&[(name, value)]).unwrap_err().contains(name));
        }
    }
}
