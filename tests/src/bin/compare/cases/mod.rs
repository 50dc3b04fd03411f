//! The table of cases, a file a section of the document.

mod functions;
mod kemi;
mod keys;
mod mistakes;
mod parameters;
mod reasons;
mod responses;
mod routes;
mod scenarios;
mod tls;
mod variables;

use crate::case::Case;

/// Cases that belong together.
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// What its cases have in common.
    pub about: &'static str,
    /// Its cases, in the order of the document.
    pub cases: Vec<Case>,
}

impl Section {
    /// The cases with one of the words in their name; all when there are no words.
    pub fn only(mut self, words: &[String]) -> Self {
        self.cases.retain(|case| words.is_empty() || words.iter().any(|word| case.name.contains(word)));
        self
    }
}

/// All of them.
pub fn sections() -> Vec<Section> {
    vec![
        scenarios::section(),
        parameters::section(),
        tls::section(),
        functions::section(),
        kemi::section(),
        variables::section(),
        keys::section(),
        routes::section(),
        responses::section(),
        mistakes::section(),
    ]
}
