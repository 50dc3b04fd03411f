//! Names of the script that a process has warned of: once each, and not without end. Script processes.

use super::heap;
use std::cell::RefCell;
use std::collections::HashSet;

/// Most names that are warned of in one process, for each kind of warning.
const MOST: usize = 100;

/// The names of one kind of warning.
#[derive(Debug, Default)]
pub struct WarnedNames(RefCell<HashSet<String>>);

impl WarnedNames {
    /// Whether to warn of `name` now: nobody has yet of one that a log line shows alike, and there is room to remember it.
    pub fn is_new(&self, name: &[u8]) -> bool {
        let mut names = self.0.borrow_mut();
        names.len() < MOST && names.insert(heap::shown(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_new_once_and_only_so_many_are() {
        let names = WarnedNames::default();
        assert_eq!([names.is_new(b"a"), names.is_new(b"b"), names.is_new(b"a")], [true, true, false]);
        let others = (0..2 * MOST).filter(|number| names.is_new(format!("name {number}").as_bytes()));
        assert_eq!(others.count(), MOST - 2);
    }
}
