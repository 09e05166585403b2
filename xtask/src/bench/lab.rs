//! How long the lab takes to start: the emulator with what it is furnished with, then the cluster and Argo CD. Told, not held
//! to a bar: it is the tests that wait for it.

use std::time::Instant;

use anyhow::{Context, Result};

use super::figure::Figure;
use super::site::Site;
use crate::lab::Lab;

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    let folder = site.folder.join("another-lab");
    let started = Instant::now();
    let lab = Lab::start_private(&folder)?;
    let mut figures =
        vec![Figure::told("lab: emulator furnished", started.elapsed().as_secs_f64(), "s")];
    let steps = lab.start_cluster(&folder.join("cluster"))?;
    figures.extend(steps.iter().map(|(what, s)| Figure::told(&format!("lab: {what}"), *s, "s")));
    let (_, whole) = steps.last().context("the cluster took no step")?;
    let last = figures.pop().map(|figure| figure.note(format!("{whole:.1} s after the emulator")));
    figures.extend(last);
    Ok(figures)
}
