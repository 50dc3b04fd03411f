//! The plots of the document.

use crate::counts::Counts;
use crate::figures::Figures;
use crate::subject::{FLOOR, ORIGINAL_SHM, ORIGINAL_SYS, OURS_SHM, OURS_SYS};
use crate::{memory, rates, throughput};
use end_to_end::plot::{self, Line, Panel};

/// A plot: its file, what stands for it where it is not shown, and the SVG.
pub struct Plot {
    /// In `doc/`.
    pub file: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// SVG.
    pub svg: String,
}

/// All plots, of both releases.
///
/// # Errors
/// plotters' own.
pub fn all(releases: &[(&str, &Figures)]) -> Result<Vec<Plot>, String> {
    let counts = Counts::full();
    Ok(vec![
        Plot {
            file: "performance-processor.svg",
            title: "Processor time of the HTTP worker per query, by the number in flight",
            svg: plot::svg(&processor(&counts, releases), "")?,
        },
        Plot {
            file: "performance-memory.svg",
            title: "Memory of a hanging transfer, by their number",
            svg: plot::svg(&memory(&counts, releases), "")?,
        },
        Plot {
            file: "performance-latency.svg",
            title: "Latency of SIP calls, by their rate",
            svg: plot::svg(&latency(&counts, releases), "/s")?,
        },
    ])
}

/// A line over numbers, of those of them that were measured.
fn line<Number: Copy + Into<f64>>(
    figures: &Figures,
    (name, subject): (&str, &str),
    over: &[Number],
    unit: f64,
    quantity: impl Fn(Number) -> String,
) -> Option<Line> {
    let point = |number: &Number| Some(((*number).into(), figures.median(subject, &quantity(*number))? / unit));
    let points: Vec<(f64, f64)> = over.iter().filter_map(point).collect();
    (!points.is_empty()).then(|| Line { name: name.to_owned(), points })
}

/// As numbers that plotters takes.
fn small(numbers: &[u64]) -> Vec<u32> {
    numbers.iter().filter_map(|number| u32::try_from(*number).ok()).collect()
}

fn processor(counts: &Counts, releases: &[(&str, &Figures)]) -> Vec<Panel> {
    let numbers = small(counts.in_flight);
    let subjects = [FLOOR, OURS_SHM, OURS_SYS, ORIGINAL_SHM, ORIGINAL_SYS];
    let panel = |(release, figures): &(&str, &Figures)| Panel {
        title: format!("{release}: µs of the HTTP worker per query, by the number in flight"),
        lines: subjects
            .iter()
            .filter_map(|name| line(figures, (name, name), &numbers, 1.0, |number| throughput::quantity(number.into())))
            .collect(),
    };
    releases.iter().map(panel).collect()
}

fn memory(counts: &Counts, releases: &[(&str, &Figures)]) -> Vec<Panel> {
    let numbers = small(counts.hanging);
    let shared = |number: u32| memory::quantities(number.into())[0].clone();
    let resident = |number: u32| memory::quantities(number.into())[1].clone();
    let panel = |(release, figures): &(&str, &Figures)| Panel {
        title: format!("{release}: MB in all, by the number of hanging transfers"),
        lines: [
            in_all(line(figures, ("ours, shm: shared", OURS_SHM), &numbers, 1e6, shared)),
            in_all(line(figures, ("ours, sys: resident", OURS_SYS), &numbers, 1e6, resident)),
            in_all(line(figures, ("C module, shm: shared", ORIGINAL_SHM), &numbers, 1e6, shared)),
            in_all(line(figures, ("C module, sys: resident", ORIGINAL_SYS), &numbers, 1e6, resident)),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    releases.iter().map(panel).collect()
}

/// Of what is per transfer, the sum.
fn in_all(line: Option<Line>) -> Option<Line> {
    line.map(|line| Line {
        points: line.points.iter().map(|(number, each)| (*number, number * each)).collect(),
        ..line
    })
}

fn latency(counts: &Counts, releases: &[(&str, &Figures)]) -> Vec<Panel> {
    let mut panels = Vec::new();
    for (release, figures) in releases {
        for workers in counts.workers {
            for percentile in ["p50", "p99"] {
                let of = |name: &str, subject: &str, script: &str| {
                    line(figures, (name, subject), counts.rates, 1e3, |rate| {
                        rates::quantity(percentile, script, rate, *workers)
                    })
                };
                let lines = [
                    of("without a query", OURS_SHM, "reply"),
                    of("ours", OURS_SHM, "query"),
                    of("C module", ORIGINAL_SHM, "query"),
                ];
                panels.push(Panel {
                    title: format!("{release}, workers {workers}: {percentile} in ms, by the rate of SIP calls"),
                    lines: lines.into_iter().flatten().collect(),
                });
            }
        }
    }
    panels
}
