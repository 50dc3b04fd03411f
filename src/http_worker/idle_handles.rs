//! Easy handles between two transfers. One that comes back keeps the options that the next query of its kind has too.
//!
//! As many are kept as were lately in use at once, and a few in any case; the others are given back within seconds.

use super::response::Response;
use super::setup::Setup;
use crate::module::settings::Settings;
use crate::shared::clock::Instant;
use crate::shared::scarcity;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use std::time::Duration;

/// Handles that are kept in any case; each takes some 6 kB.
const FEW: usize = 64;

/// libcurl keeps the head of a response with its handle until the next transfer, even through a reset.
const MOST_HEAD_BYTES: usize = 8 * 1024;

/// For how long a handle is kept that nobody needs.
const PERIOD: Duration = Duration::from_secs(2);

/// Handles that are looked at for one of the same kind. The last ones that came back are the likeliest.
const LOOKED_AT: usize = 8;

/// The handles, and how many are worth keeping.
pub struct IdleHandles {
    handles: Vec<(Easy<Response>, Option<Setup>)>,
    most: usize,
    /// The most that were in use at once, in the present period and the one before it.
    peaks: [usize; 2],
    period_ends: Instant,
}

impl IdleHandles {
    /// None yet, `most` at most.
    pub fn new(most: usize) -> Self {
        Self { handles: Vec::new(), most, peaks: [0; 2], period_ends: Instant::now().after(PERIOD) }
    }

    /// A handle with these options, made where there is none; `in_use` others are in use.
    ///
    /// # Errors
    /// No memory, or libcurl refused an option.
    pub fn take(&mut self, setup: &Setup, in_use: usize, settings: &Settings) -> Result<Easy<Response>, TransferError> {
        let [present, _] = &mut self.peaks;
        *present = (*present).max(in_use);
        let same = self.handles.iter().rev().take(LOOKED_AT).position(|(_, kept)| kept.as_ref() == Some(setup));
        let taken = match same {
            Some(from_end) => Some(self.handles.swap_remove(self.handles.len() - 1 - from_end)),
            None => self.handles.pop(),
        };
        let (mut easy, kept) = match taken {
            Some(taken) => taken,
            None => (Easy::new(Response::default())?, None),
        };
        if same.is_some() {
            return Ok(easy);
        }
        if kept.is_some() {
            easy.reset(Response::default())?;
        }
        setup.apply(&easy, settings)?;
        Ok(easy)
    }

    /// Takes a handle back that was made for `setup`, and has received heads of so many bytes.
    pub fn keep(&mut self, mut easy: Easy<Response>, head_bytes: usize, setup: Setup) {
        if head_bytes > MOST_HEAD_BYTES || self.handles.len() >= self.worth_keeping() || scarcity::is_scarce() {
            return;
        }
        let setup = Some(setup).filter(Setup::may_stay);
        let emptied = match setup {
            Some(_) => easy.rest(Response::default()),
            None => easy.reset(Response::default()),
        };
        if emptied.is_ok() {
            self.handles.push((easy, setup));
        }
    }

    fn worth_keeping(&self) -> usize {
        let [present, last] = self.peaks;
        present.max(last).max(FEW).min(self.most)
    }

    /// When [`IdleHandles::give_back`] has something to do; `None` while few handles are idle.
    pub fn next_look(&self) -> Option<Instant> {
        (self.handles.len() > FEW).then_some(self.period_ends)
    }

    /// Gives back what has not been needed for a while; `in_use` handles are in use now. To be called in each turn.
    pub fn give_back(&mut self, in_use: usize, now: impl Fn() -> Instant) {
        if self.handles.len() <= FEW && self.peaks == [0; 2] {
            return;
        }
        let now = now();
        if now < self.period_ends {
            return;
        }
        let [present, _] = self.peaks;
        self.peaks = [in_use, present];
        self.period_ends = now.after(PERIOD);
        self.handles.truncate(self.worth_keeping());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_worker::setup::PLAIN;

    fn kept_of(handles: &mut IdleHandles, count: usize) -> usize {
        let many: Vec<_> = (0..count).map(|_| Easy::new(Response::default()).expect("there is memory")).collect();
        many.into_iter().for_each(|easy| handles.keep(easy, 0, PLAIN));
        handles.handles.len()
    }

    fn period_later(handles: &mut IdleHandles, in_use: usize) -> usize {
        let end = handles.period_ends;
        handles.give_back(in_use, || end);
        handles.handles.len()
    }

    #[test]
    fn as_many_are_kept_as_were_lately_in_use_and_a_few_in_any_case() {
        let mut handles = IdleHandles::new(1000);
        assert_eq!(kept_of(&mut handles, FEW + 1), FEW);
        handles.peaks = [FEW + 20, 0];
        assert_eq!(kept_of(&mut handles, 40), FEW + 20);
        assert!(handles.next_look().is_some());
        assert_eq!(period_later(&mut handles, 0), FEW + 20, "they were in use in the last period");
        assert_eq!(period_later(&mut handles, 0), FEW);
        assert!(handles.next_look().is_none(), "nothing is left to do");
    }

    #[test]
    fn a_handle_whose_response_had_a_long_head_is_not_kept() {
        let mut handles = IdleHandles::new(1000);
        for (head_bytes, kept) in [(MOST_HEAD_BYTES + 1, 0), (MOST_HEAD_BYTES, 1)] {
            let easy = Easy::new(Response::default()).expect("there is memory");
            handles.keep(easy, head_bytes, PLAIN);
            assert_eq!(handles.handles.len(), kept, "{head_bytes} bytes");
        }
    }

    #[test]
    fn no_more_are_kept_than_the_parameter_allows() {
        let mut handles = IdleHandles::new(3);
        assert_eq!(kept_of(&mut handles, 5), 3);
    }
}
