//! What was measured: named lists of numbers, one a round, and facts about the machine. Written as JSON, because one of the two
//! runs of a document happens in another root.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What was measured on one machine.
#[derive(Debug, Default, PartialEq)]
pub struct Figures {
    facts: Vec<(String, String)>,
    samples: BTreeMap<String, Vec<f64>>,
}

impl Figures {
    /// Adds a fact about the machine.
    pub fn fact(&mut self, name: &str, value: &str) {
        self.facts.push((name.to_owned(), value.to_owned()));
    }

    /// Facts in their order.
    pub fn facts(&self) -> &[(String, String)] {
        &self.facts
    }

    /// Adds the sample of one more round.
    pub fn add(&mut self, subject: &str, quantity: &str, value: f64) {
        self.samples.entry(format!("{subject}: {quantity}")).or_default().push(value);
    }

    /// The samples of all rounds; none where it was not measured.
    pub fn samples(&self, subject: &str, quantity: &str) -> &[f64] {
        self.samples.get(&format!("{subject}: {quantity}")).map_or(&[], Vec::as_slice)
    }

    /// The median of a quantity.
    pub fn median(&self, subject: &str, quantity: &str) -> Option<f64> {
        median(self.samples(subject, quantity).to_vec())
    }

    /// The median of what `combine` makes of two subjects in each round, so that what a machine does meanwhile meets both.
    pub fn median_of(
        &self,
        (subject, quantity): (&str, &str),
        (other, other_quantity): (&str, &str),
        combine: fn(f64, f64) -> f64,
    ) -> Option<f64> {
        let pairs = self.samples(subject, quantity).iter().zip(self.samples(other, other_quantity));
        median(pairs.map(|(one, other)| combine(*one, *other)).collect())
    }

    /// Writes them.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), String> {
        let facts: Vec<Value> = self.facts.iter().map(|(name, value)| json!([name, value])).collect();
        let text = format!("{:#}\n", json!({ "facts": facts, "samples": self.samples }));
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).and_then(|()| fs::write(file, text)).map_err(|error| format!("{file:?}: {error}"))
    }

    /// Reads what [`Figures::write`] wrote.
    ///
    /// # Errors
    /// There is no such file, or it holds something else.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map_err(|error| format!("{file:?}: {error}"))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("{file:?}: {error}"))?;
        Self::from_json(&value).ok_or_else(|| format!("{file:?} holds no figures"))
    }

    fn from_json(value: &Value) -> Option<Self> {
        let fact = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()));
        let numbers = |values: &Value| values.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<_>>>();
        let samples = value["samples"].as_object()?.iter();
        Some(Self {
            facts: value["facts"].as_array()?.iter().map(fact).collect::<Option<_>>()?,
            samples: samples.map(|(name, values)| Some((name.clone(), numbers(values)?))).collect::<Option<_>>()?,
        })
    }
}

/// The median; of an even number the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_stands_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut figures = Figures::default();
        for (one, other) in [(10.0, 5.0), (100.0, 50.0), (30.0, 10.0)] {
            figures.add("ours", "time", one);
            figures.add("floor", "time", other);
        }
        assert_eq!(figures.median_of(("ours", "time"), ("floor", "time"), |one, other| one / other), Some(2.0));
        assert_eq!(figures.median("ours", "memory"), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut figures = Figures::default();
        figures.fact("Kamailio", "5.6.3");
        figures.add("ours", "time", 1.5);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("figures/host.json");
        figures.write(&file).unwrap();
        assert_eq!(Figures::read(&file), Ok(figures));
        fs::write(&file, "{}").unwrap();
        assert!(Figures::read(&file).is_err());
    }
}
