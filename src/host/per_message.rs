//! What a process keeps for the messages that its script is working on.
//!
//! Kamailio runs the script for one message inside the script of another (`event_route[tm:local-request]` for one), so
//! the messages form a stack: what was kept for the outer one is there again when the inner one is over. It does not
//! say when a message is over, so the oldest go when there are many.

use super::message::MessageId;

/// Deeper than scripts are nested.
const MAX_MESSAGES: usize = 8;

/// One `T` a message, the innermost last.
#[derive(Debug)]
pub struct PerMessage<T> {
    entries: Vec<(MessageId, T)>,
}

impl<T> PerMessage<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// What is kept for `message`.
    pub fn get(&self, message: MessageId) -> Option<&T> {
        self.entries.iter().rev().find(|(owner, _)| *owner == message).map(|(_, kept)| kept)
    }

    /// Keeps `value` for `message`, in the place of what was there.
    pub fn insert(&mut self, message: MessageId, value: T) {
        self.take(message);
        if self.entries.len() >= MAX_MESSAGES {
            self.entries.remove(0);
        }
        self.entries.push((message, value));
    }

    /// Takes what is kept for `message`. Messages inside it are over, and what they left goes with it.
    pub fn take(&mut self, message: MessageId) -> Option<T> {
        let place = self.entries.iter().position(|(owner, _)| *owner == message)?;
        self.entries.drain(place..).next().map(|(_, kept)| kept)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_message_leaves_the_outer_ones_value_alone() {
        let [outer, inner] = [1, 2].map(MessageId::numbered);
        let mut kept = PerMessage::new();
        kept.insert(outer, "outer");
        kept.insert(inner, "inner");
        assert_eq!((kept.get(outer), kept.get(inner)), (Some(&"outer"), Some(&"inner")));
        assert_eq!(kept.take(outer), Some("outer"));
        assert_eq!((kept.get(outer), kept.get(inner)), (None, None));
    }

    #[test]
    fn the_oldest_go_when_there_are_many() {
        let mut kept = PerMessage::new();
        for number in 0..=MAX_MESSAGES {
            kept.insert(MessageId::numbered(number as u32), number);
        }
        assert_eq!(kept.get(MessageId::numbered(0)), None);
        assert_eq!(kept.get(MessageId::numbered(1)), Some(&1));
        assert_eq!(kept.get(MessageId::numbered(MAX_MESSAGES as u32)), Some(&MAX_MESSAGES));
    }
}
