//! The plot of a run: panels above each other, all over the time of the load.

use crate::quantity::Quantity;
use crate::samples::{Column, Samples};
use end_to_end::plot::{self, Line, Panel};

/// The plot as SVG.
///
/// # Errors
/// plotters' own.
pub fn svg(samples: &Samples) -> Result<String, String> {
    plot::svg(&panels(samples), "s")
}

fn panels(samples: &Samples) -> Vec<Panel> {
    let of = |title: &str, quantities: &[Quantity], unit| Panel {
        title: title.to_owned(),
        lines: lines(samples, quantities, unit),
    };
    let mega = 1e6;
    vec![
        Panel { title: "queries ended, per second".to_owned(), lines: rates(samples) },
        of("shared memory used, MB", &[Quantity::SharedMemory], mega),
        of("private memory used, kB", &[Quantity::PrivateMemory], 1e3),
        of("resident memory, MB", &[Quantity::ResidentMemory], mega),
        of("descriptors, and events of the HTTP workers", &[Quantity::Descriptors, Quantity::Events], 1.0),
        of("connections of the HTTP workers", &[Quantity::Established, Quantity::CloseWait], 1.0),
        of("under way", &[Quantity::Transactions, Quantity::InFlight], 1.0),
    ]
}

/// The columns of these quantities that belong to the server or to a worker.
fn lines(samples: &Samples, quantities: &[Quantity], unit: f64) -> Vec<Line> {
    let is_shown = |column: &&Column| {
        let is_of_worker = column.process.as_ref().is_none_or(|process| process.contains("worker"));
        quantities.contains(&column.quantity) && is_of_worker
    };
    let line = |column: &Column| {
        let points = samples.series(column).into_iter().map(|(at, value)| (at, value as f64 / unit));
        Line { name: column.name().replace(" (bytes)", ""), points: points.collect() }
    };
    samples.columns().iter().filter(is_shown).map(line).collect()
}

fn rates(samples: &Samples) -> Vec<Line> {
    let counters = [Quantity::Replies, Quantity::Errors, Quantity::Timeouts];
    let rate = |quantity: Quantity| {
        let series = samples.series(&Column { quantity, process: None });
        let points = series.windows(2).filter_map(|pair| {
            let [(before, first), (after, second)] = pair else { return None };
            Some((*after, (second - first) as f64 / (after - before).max(1e-3)))
        });
        Line { name: quantity.name().to_owned(), points: points.collect() }
    };
    counters.map(rate).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_quantity_has_a_line_in_the_plot() {
        let mut samples = Samples::default();
        for second in 0..3 {
            let worker = Column { quantity: Quantity::Events, process: Some("HTTP worker 1".to_owned()) };
            let replies = Column { quantity: Quantity::Replies, process: None };
            samples.add(Duration::from_secs(second), vec![(worker, 7), (replies, second as i64 * 100)]);
        }
        let svg = svg(&samples).unwrap();
        assert!(svg.contains("events, HTTP worker 1") && svg.contains("replies"), "{svg}");
        assert_eq!(rates(&samples)[0].points, [(1.0, 100.0), (2.0, 100.0)]);
    }
}
