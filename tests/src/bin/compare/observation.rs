//! What one run of a case showed: facts with a name and a value, without anything that must differ from run to run.

use crate::wire;
use std::collections::BTreeMap;

/// The facts of one run.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    facts: BTreeMap<String, String>,
    /// What Kamailio logged, to explain a difference; not compared.
    pub log: String,
    /// The script used a name that the module does not have.
    pub lacks_a_name: bool,
}

impl Observation {
    /// Forgets facts.
    pub fn leave_out(&mut self, names: &[&str]) {
        self.facts.retain(|name, _| !names.contains(&name.as_str()));
    }

    /// Notes a fact.
    pub fn note(&mut self, name: &str, value: impl Into<String>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// Notes what each of several calls showed; nothing where none of them showed anything.
    pub fn note_all(&mut self, name: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.note(name, wire::collapsed(values));
        }
    }

    /// Puts names in place of what differs from run to run.
    pub fn replace(&mut self, changing: &[(&str, &str)]) {
        for value in self.facts.values_mut() {
            *value = changing.iter().fold(value.clone(), |value, (text, name)| value.replace(text, name));
        }
    }

    /// The value of a fact; a fact that was not noted is "-".
    pub fn value(&self, name: &str) -> &str {
        self.facts.get(name).map_or("-", String::as_str)
    }

    /// Names of facts whose values differ. A fact that only one side has is none: another tells why, as "start", "Kamailio" or
    /// "SIP answer", which both have.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let both = self.facts.iter().filter_map(|(name, value)| Some((name, value, other.facts.get(name)?)));
        both.filter(|(_, value, others)| value != others).map(|(name, ..)| name.clone()).collect()
    }

    /// All facts, by name.
    pub fn facts(&self) -> impl Iterator<Item = (&String, &String)> {
        self.facts.iter()
    }
}
