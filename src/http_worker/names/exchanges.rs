//! Exchanges with name servers that are under way, and when each is looked at again. HTTP workers.

use super::lookup::{Verdict, verdict};
use super::servers::{Failure, ServerId};
use crate::shared::clock::Instant;
use crate::transport::error::LoopError;
use crate::transport::event_loop::EventLoop;
use crate::transport::name_server::{Answer, Exchange, Kind, ServerAddress};
use std::collections::{BTreeSet, HashMap};

/// One exchange.
pub struct Asked {
    exchange: Exchange,
    /// The look-up that it is for; `None` where that does without it.
    pub lookup: Option<u64>,
    /// Whether it is a copy of a question, which only tells whether the server answers.
    pub is_copy: bool,
    /// Who is asked.
    pub server: ServerId,
    /// The name that is asked for.
    pub name: String,
    /// Whether in mixed case.
    pub in_mixed_case: bool,
    /// Whether the next server has been asked meanwhile.
    pub is_passed_over: bool,
    /// Whether the addresses of one kind have been handed out without the other's.
    pub is_used: bool,
    /// When it ends without an answer.
    pub until: Instant,
    /// When it began.
    pub began: Instant,
    answers: Vec<(Kind, Option<Answer>)>,
    due: Instant,
}

impl Asked {
    /// Notes what came of a question.
    pub fn note(&mut self, kind: Kind, answer: Answer) {
        for (other, place) in &mut self.answers {
            if *other == kind {
                *place = Some(answer);
                return;
            }
        }
    }

    /// Whether nothing is outstanding.
    pub fn is_complete(&self) -> bool {
        self.answers.iter().all(|(_, answer)| answer.is_some())
    }

    /// Whether the server has answered anything.
    pub fn is_answered(&self) -> bool {
        self.answers.iter().any(|(_, answer)| answer.as_ref().is_some_and(Answer::is_of_server))
    }

    /// How the server failed, where it did.
    pub fn failure(&self) -> Option<Failure> {
        let has = |what: &Answer| self.answers.iter().any(|(_, answer)| answer.as_ref() == Some(what));
        match () {
            () if self.is_answered() => None,
            () if has(&Answer::Refused) => Some(Failure::Refused),
            () if has(&Answer::Silent) => Some(Failure::Silent),
            () => None,
        }
    }

    /// Whether addresses have come.
    pub fn has_addresses(&self) -> bool {
        matches!(self.verdict(), Verdict::Addresses(..))
    }

    /// What the answers come to.
    pub fn verdict(&self) -> Verdict {
        verdict(&self.name, &self.answers)
    }
}

/// What to ask whom.
pub struct Question<'a> {
    /// The look-up that it is for; `None` for a copy of its question.
    pub lookup: Option<u64>,
    /// Who is asked.
    pub server: ServerId,
    /// Where that is.
    pub address: &'a ServerAddress,
    /// See [`Exchange::begin`].
    pub name: &'a str,
    /// See [`Exchange::begin`].
    pub kinds: &'a [Kind],
    /// See [`Exchange::begin`].
    pub in_mixed_case: bool,
    /// When it is looked at again.
    pub due: Instant,
    /// See [`Asked::until`].
    pub until: Instant,
    /// See [`Asked::began`].
    pub began: Instant,
}

/// All that are under way.
pub struct Exchanges {
    event_loop: EventLoop,
    last: u64,
    all: HashMap<u64, Asked>,
    due: BTreeSet<(Instant, u64)>,
}

impl Exchanges {
    /// None.
    pub fn new(event_loop: &EventLoop) -> Self {
        Self { event_loop: event_loop.clone(), last: 0, all: HashMap::new(), due: BTreeSet::new() }
    }

    /// Begins one; its number.
    ///
    /// # Errors
    /// As [`Exchange::begin`].
    pub fn begin(&mut self, question: &Question<'_>) -> Result<u64, LoopError> {
        self.last += 1;
        let Question { lookup, server, address, name, kinds, in_mixed_case, due, until, began } = *question;
        let exchange = Exchange::begin(&self.event_loop, self.last, address, name, kinds, in_mixed_case)?;
        let answers = kinds.iter().map(|kind| (*kind, None)).collect();
        let asked = Asked {
            exchange,
            lookup,
            is_copy: lookup.is_none(),
            server,
            name: name.to_owned(),
            in_mixed_case,
            is_passed_over: lookup.is_none(),
            is_used: false,
            until,
            began,
            answers,
            due,
        };
        self.all.insert(self.last, asked);
        self.due.insert((due, self.last));
        Ok(self.last)
    }

    /// One of them, unless it is over.
    pub fn get(&mut self, number: u64) -> Option<&mut Asked> {
        self.all.get_mut(&number)
    }

    /// Lets one read and write.
    ///
    /// # Errors
    /// As [`Exchange::socket_ready`].
    pub fn socket_ready(
        &mut self,
        number: u64,
        descriptor: i32,
        readable: bool,
        writable: bool,
    ) -> Result<(), LoopError> {
        let asked = self.all.get_mut(&number);
        asked.map_or(Ok(()), |asked| asked.exchange.socket_ready(descriptor, readable, writable))
    }

    /// Has one looked at again at `at`, or earlier where that was planned and `only_earlier` is set.
    pub fn look_at(&mut self, number: u64, at: Instant, only_earlier: bool) {
        let Some(asked) = self.all.get_mut(&number) else {
            return;
        };
        if only_earlier && asked.due <= at {
            return;
        }
        self.due.remove(&(asked.due, number));
        asked.due = at;
        self.due.insert((at, number));
    }

    /// When the next is to be looked at.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes out the next that is to be looked at.
    pub fn take_due(&mut self, now: Instant) -> Option<u64> {
        self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.pop_first().map(|(_, number)| number)
    }

    /// Ends one.
    pub fn end(&mut self, number: u64) -> Option<Asked> {
        let asked = self.all.remove(&number)?;
        self.due.remove(&(asked.due, number));
        Some(asked)
    }
}
