//! The plot of a run: panels above each other, all over the time of the load.

use crate::quantity::Quantity;
use crate::samples::{Column, Samples};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

const WIDTH: u32 = 1000;
const PANEL_HEIGHT: u32 = 240;
/// The axis of time goes on beyond the load, to have room for the legend.
const LEGEND_ROOM: f64 = 1.35;
const COLOURS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(214, 39, 40),
    RGBColor(148, 103, 189),
    RGBColor(120, 120, 120),
];

/// A line of a panel.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

struct Panel {
    title: &'static str,
    lines: Vec<Line>,
}

type Area<'plot> = DrawingArea<SVGBackend<'plot>, Shift>;

/// The plot as SVG.
///
/// # Errors
/// plotters' own.
pub fn svg(samples: &Samples) -> Result<String, String> {
    let mut text = String::new();
    draw(samples, &mut text).map_err(|error| format!("the plot: {error}"))?;
    Ok(text)
}

fn draw(samples: &Samples, text: &mut String) -> Result<(), Box<dyn Error>> {
    let panels = panels(samples);
    let height = PANEL_HEIGHT * panels.len() as u32;
    let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, place) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        draw_panel(panel, &place)?;
    }
    area.present()?;
    Ok(())
}

fn panels(samples: &Samples) -> Vec<Panel> {
    let of = |title, quantities: &[Quantity], unit| Panel { title, lines: lines(samples, quantities, unit) };
    let mega = 1e6;
    vec![
        Panel { title: "queries ended, per second", lines: rates(samples) },
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

fn draw_panel(panel: &Panel, area: &Area) -> Result<(), Box<dyn Error>> {
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let last = points().map(|(at, _)| *at).fold(1.0, f64::max);
    let top = points().map(|(_, value)| *value).fold(1e-3, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..last * LEGEND_ROOM, 0.0..top)?;
    chart.configure_mesh().light_line_style(WHITE).x_label_formatter(&|at| format!("{at:.0} s")).draw()?;
    for (line, colour) in panel.lines.iter().zip(COLOURS.iter().cycle()) {
        let series = LineSeries::new(line.points.iter().copied(), colour);
        chart
            .draw_series(series)?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(())
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
