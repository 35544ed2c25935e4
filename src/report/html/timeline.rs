//! All requests of a run over time, one lane for each system and each of the four agents. Adjacent requests share
//! one bar, so that the timeline stays small with any number of requests.

use bpconform_steps::evidence::{Exchange, Outcome};
use serde::Serialize;

use crate::record::Record;
use crate::report::view;

/// The width of the drawing, in SVG user units.
const WIDTH: f64 = 1000.0;

/// The minimum width of a bar that is still visible, in SVG user units.
const NARROWEST: f64 = 1.5;

const REFUSED: &str = "refused";
const LOST: &str = "lost";

/// All requests of a run over time.
#[derive(Serialize)]
pub(super) struct Timeline {
    requests: usize,
    took: String,
    half: String,
    lanes: Vec<Lane>,
}

#[derive(Serialize)]
struct Lane {
    name: &'static str,
    bars: Vec<Bar>,
    requests: usize,
    refused: usize,
    lost: usize,
    median: String,
    longest: String,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    w: f64,
    class: &'static str,
}

impl Timeline {
    /// The timeline; none when nothing was sent.
    pub(super) fn of(record: &Record) -> Option<Self> {
        // What was taken over from an earlier run was sent at another time.
        let own = record.scenarios.iter().filter(|one| one.run.is_none_or(|run| run == record.started));
        let all: Vec<&Exchange> = own.flat_map(view::exchanges).collect();
        let first = all.iter().map(|one| one.started_us).min()?;
        let last = all.iter().map(|one| one.started_us.saturating_add_unsigned(one.took_us)).max()?;
        let took = ms(last.saturating_sub(first).unsigned_abs()).max(0.001);
        let mut lanes: Vec<(&str, Vec<&Exchange>)> = view::LANES.iter().map(|name| (*name, Vec::new())).collect();
        for one in &all {
            let name = view::lane(one);
            if let Some((_, own)) = lanes.iter_mut().find(|(lane, _)| *lane == name) {
                own.push(one);
            }
        }
        let lanes = lanes.into_iter().filter(|(_, own)| !own.is_empty());
        let lanes = lanes.map(|(name, own)| lane(name, own, first, took)).collect();
        Some(Self { requests: all.len(), took: view::time(took), half: view::time(took / 2.0), lanes })
    }
}

fn lane(name: &'static str, mut own: Vec<&Exchange>, first: i64, took: f64) -> Lane {
    own.sort_by_key(|one| one.started_us);
    let mut bars: Vec<Bar> = Vec::new();
    for one in &own {
        let at = ms(one.started_us.saturating_sub(first).unsigned_abs());
        let w = (ms(one.took_us) / took * WIDTH).max(NARROWEST);
        add(&mut bars, Bar { x: at / took * WIDTH, w, class: class(one) });
    }
    for bar in &mut bars {
        bar.x = (bar.x.min(WIDTH - NARROWEST) * 10.0).round() / 10.0;
        bar.w = (bar.w.min(WIDTH - bar.x) * 10.0).round() / 10.0;
    }
    let mut times: Vec<u64> = own.iter().map(|one| one.took_us).collect();
    times.sort_unstable();
    Lane {
        name,
        bars,
        requests: own.len(),
        refused: own.iter().filter(|one| class(one) == REFUSED).count(),
        lost: own.iter().filter(|one| class(one) == LOST).count(),
        median: view::time(ms(times[times.len() / 2])),
        longest: view::time(ms(times[times.len() - 1])),
    }
}

/// Adds a bar, or extends the previous one if both touch and have the same style.
fn add(bars: &mut Vec<Bar>, bar: Bar) {
    match bars.last_mut().filter(|last| last.class == bar.class && bar.x <= last.x + last.w) {
        Some(last) => last.w = last.w.max(bar.x + bar.w - last.x),
        None => bars.push(bar),
    }
}

/// The style of a bar. Refusals (4xx) are often provoked on purpose; a missing answer never is, so it stands out.
const fn class(exchange: &Exchange) -> &'static str {
    match &exchange.outcome {
        Outcome::Response { status: ..400, .. } => "",
        Outcome::Response { status: 400..500, .. } => REFUSED,
        _ => LOST,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run's microseconds fit into 53 bits")]
fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}
