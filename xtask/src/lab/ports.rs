//! Ports for the lab's processes, below the range from which outgoing connections are given theirs:
//! nothing else gets one of these by chance.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// Below the ephemeral range of every system we know.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// Free ports, one after another, each given once.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    next: u16,
}

impl Ports {
    /// Begins at a place that depends on this process: labs that start at once look at different ports.
    pub(super) fn new() -> Self {
        Self { next: RANGE.start + (std::process::id() % 10_007) as u16 }
    }

    /// The next port on which nobody listens.
    pub(super) fn take(&mut self) -> Result<u16> {
        let from = if RANGE.contains(&self.next) { self.next } else { RANGE.start };
        let port = (from..RANGE.end)
            .chain(RANGE.start..from)
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .with_context(|| format!("no free port in {RANGE:?}"))?;
        self.next = port + 1;
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let first = Ports { next: RANGE.start }.take().unwrap();
        let _taken = TcpListener::bind(("127.0.0.1", first)).unwrap();
        let next = Ports { next: first }.take().unwrap();
        assert_ne!(first, next);
        assert!(RANGE.contains(&Ports { next: u16::MAX }.take().unwrap()));
    }

    #[test]
    fn a_port_is_given_once() {
        let mut ports = Ports::new();
        let (first, second) = (ports.take().unwrap(), ports.take().unwrap());
        assert_ne!(first, second);
    }
}
