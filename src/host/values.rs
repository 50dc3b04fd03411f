//! The values of a script function's parameters. Script processes.
//!
//! Two values may lie in one buffer of the core's, so each is copied before the next is read: one behind the other, into
//! a buffer that is kept for the next call.

use std::cell::Cell;
use std::ops::Range;

/// Most parameters of a function.
const MOST: usize = 3;

/// Most bytes that are kept for the next call.
const MOST_KEPT: usize = 16 * 1024;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Copies of some texts.
pub(super) struct Values {
    bytes: Vec<u8>,
    places: [Range<usize>; MOST],
    count: usize,
}

/// There is no memory for a copy, or there are more values than any function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Values {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { bytes: KEPT.take(), places: [const { 0..0 }; MOST], count: 0 }
    }

    /// Adds a copy of `text`.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub(super) fn push(&mut self, text: &[u8]) -> Result<(), NoRoom> {
        let place = self.places.get_mut(self.count).ok_or(NoRoom)?;
        self.bytes.try_reserve(text.len()).map_err(|_| NoRoom)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        *place = start..self.bytes.len();
        self.count += 1;
        Ok(())
    }

    /// Hands all of them to `act`.
    pub(super) fn with<R>(&self, act: impl FnOnce(&[&[u8]]) -> R) -> R {
        let values = self.places.each_ref().map(|place| self.bytes.get(place.clone()).unwrap_or_default());
        act(values.get(..self.count).unwrap_or_default())
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        if self.bytes.capacity() <= MOST_KEPT {
            self.bytes.clear();
            KEPT.set(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts_of(values: &Values) -> Vec<Vec<u8>> {
        values.with(|texts| texts.iter().map(|text| text.to_vec()).collect())
    }

    #[test]
    fn values_keep_their_order_and_the_next_call_begins_with_none() {
        let mut outer = Values::new();
        assert_eq!((outer.push(b"one"), outer.push(b"")), (Ok(()), Ok(())));
        let mut inner = Values::new();
        assert_eq!(inner.push(b"other"), Ok(()));
        assert_eq!(outer.push(b"three"), Ok(()));
        assert_eq!(texts_of(&outer), [b"one".to_vec(), b"".to_vec(), b"three".to_vec()]);
        assert_eq!(texts_of(&inner), [b"other".to_vec()]);
        assert_eq!(outer.push(b"one too many"), Err(NoRoom));
        drop(inner);
        drop(outer);
        assert_eq!(texts_of(&Values::new()), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_long_value_is_not_kept_in_memory() {
        let mut values = Values::new();
        assert_eq!(values.push(&vec![b'a'; MOST_KEPT + 1]), Ok(()));
        drop(values);
        assert!(Values::new().bytes.capacity() <= MOST_KEPT);
    }
}
