//! Plots as SVG: panels above each other, each with lines over one axis.

use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

const WIDTH: u32 = 1000;
const PANEL_HEIGHT: u32 = 240;
/// The horizontal axis goes on beyond the last point, to have room for the legend.
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
#[derive(Clone, Debug)]
pub struct Line {
    /// As the legend calls it.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A panel of a plot.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What the vertical axis shows, with its unit.
    pub title: String,
    /// At most six can be told apart.
    pub lines: Vec<Line>,
}

type Area<'plot> = DrawingArea<SVGBackend<'plot>, Shift>;

/// The plot as SVG. `unit` follows each number of the horizontal axis.
///
/// # Errors
/// plotters' own.
pub fn svg(panels: &[Panel], unit: &str) -> Result<String, String> {
    let mut text = String::new();
    draw(panels, unit, &mut text).map_err(|error| format!("the plot: {error}"))?;
    Ok(text)
}

fn draw(panels: &[Panel], unit: &str, text: &mut String) -> Result<(), Box<dyn Error>> {
    let height = PANEL_HEIGHT * panels.len() as u32;
    let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, place) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        draw_panel(panel, unit, &place)?;
    }
    area.present()?;
    Ok(())
}

fn draw_panel(panel: &Panel, unit: &str, area: &Area) -> Result<(), Box<dyn Error>> {
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let last = points().map(|(at, _)| *at).fold(1.0, f64::max);
    let top = points().map(|(_, value)| *value).fold(1e-3, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..last * LEGEND_ROOM, 0.0..top)?;
    chart.configure_mesh().light_line_style(WHITE).x_label_formatter(&|at| format!("{at:.0} {unit}")).draw()?;
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

    #[test]
    fn every_panel_and_line_is_named_in_the_plot() {
        let line = |name: &str| Line { name: name.to_owned(), points: vec![(0.0, 1.0), (10.0, 2.0)] };
        let panels =
            ["memory", "time"].map(|title| Panel { title: title.to_owned(), lines: vec![line(&title.repeat(2))] });
        let svg = svg(&panels, "s").unwrap();
        for text in ["memory", "time", "memorymemory", "timetime", "10 s"] {
            assert!(svg.contains(&format!("\n{text}\n")), "no {text} in {svg}");
        }
    }
}
