//! Integration tests, hermetic lane: nothing installed, no network beyond loopback, no processes but ours.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read, write and start what they need: doors are the crate's"
)]

#[cfg(test)]
mod alone;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod embed;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod pipeline;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod server;
