//! The table of samples: a row a moment, a column a quantity of a process or of the server.

use crate::quantity::Quantity;
use std::time::Duration;

/// So long it takes until as many transactions end as begin: tm keeps an answered one for a while.
const START: Duration = Duration::from_secs(5);

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What is measured.
    pub quantity: Quantity,
    /// The process it is measured in; `None` for the whole server.
    pub process: Option<String>,
}

impl Column {
    /// Its heading.
    pub fn name(&self) -> String {
        match &self.process {
            Some(process) => format!("{}, {process}", self.quantity.name()),
            None => self.quantity.name().to_owned(),
        }
    }
}

/// All columns at one moment.
pub type Sample = Vec<(Column, i64)>;

/// Samples in the order of their time.
#[derive(Debug, Default)]
pub struct Samples {
    columns: Vec<Column>,
    rows: Vec<(Duration, Vec<i64>)>,
}

impl Samples {
    /// Adds what was seen `at` that time since the load began.
    ///
    /// # Panics
    /// It has other columns than the samples before it: a process came or went.
    pub fn add(&mut self, at: Duration, sample: Sample) {
        let (columns, values): (Vec<Column>, Vec<i64>) = sample.into_iter().unzip();
        if self.rows.is_empty() {
            self.columns = columns;
        } else {
            assert_eq!(self.columns, columns, "processes came or went");
        }
        self.rows.push((at, values));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// All columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Seconds and values of a column.
    pub fn series(&self, column: &Column) -> Vec<(f64, i64)> {
        let Some(place) = self.columns.iter().position(|known| known == column) else { return Vec::new() };
        self.rows.iter().filter_map(|(at, values)| Some((at.as_secs_f64(), *values.get(place)?))).collect()
    }

    /// Medians of the first and the last quarter of a column, without the start.
    pub fn first_and_last_quarter(&self, column: &Column) -> (i64, i64) {
        let steady = self.series(column).into_iter().filter(|(at, _)| *at >= START.as_secs_f64());
        let values: Vec<i64> = steady.map(|(_, value)| value).collect();
        let quarter = values.len().div_ceil(4);
        (median(&values[..quarter]), median(&values[values.len() - quarter..]))
    }

    /// The table as CSV (RFC 4180): seconds, then the columns.
    pub fn csv(&self) -> String {
        let names = self.columns.iter().map(|column| format!("\"{}\"", column.name()));
        let mut text = format!("seconds,{}\n", names.collect::<Vec<_>>().join(","));
        for (at, values) in &self.rows {
            let values: Vec<String> = values.iter().map(i64::to_string).collect();
            text.push_str(&format!("{:.1},{}\n", at.as_secs_f64(), values.join(",")));
        }
        text
    }
}

/// The middle one, the upper of two; 0 of none.
fn median(values: &[i64]) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(process: Option<&str>) -> Column {
        Column { quantity: Quantity::Descriptors, process: process.map(str::to_owned) }
    }

    fn samples(values: &[i64]) -> Samples {
        let mut samples = Samples::default();
        for (place, value) in values.iter().enumerate() {
            samples.add(Duration::from_millis(4500 + place as u64 * 500), vec![(column(Some("main")), *value)]);
        }
        samples
    }

    #[test]
    fn quarters_by_their_medians() {
        let samples = samples(&[77, 1, 90, 2, 4, 5, 6, 7, 8, 9, 10, 99, 11]);
        assert_eq!(samples.first_and_last_quarter(&column(Some("main"))), (2, 11));
    }

    #[test]
    fn a_table_with_a_heading() {
        assert_eq!(samples(&[3, 4]).csv(), "seconds,\"descriptors, main\"\n4.5,3\n5.0,4\n");
    }

    #[test]
    #[should_panic(expected = "processes came or went")]
    fn a_process_that_went_is_noticed() {
        samples(&[3]).add(Duration::from_secs(9), vec![(column(None), 3)]);
    }
}
