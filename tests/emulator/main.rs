//! Integration tests, emulator lane: the real binary, real terraform and the AWS emulator. `DATAMCP_LAB` names the
//! description of a running lab (`lab.json`); without one every test fails. Processes are looked at in `/proc`: Linux.
//!
//! Tests start in the order of their names, so what waits longest stands in `ageing`.
#![expect(
    clippy::disallowed_methods,
    reason = "a test plays user, operator and vandal: it starts programs and handles files itself"
)]

#[cfg(test)]
mod harness;

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod ageing;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod begin;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod embed;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod google;
#[cfg(test)]
mod google_state;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod mfa;
#[cfg(test)]
mod outlives;
#[cfg(test)]
mod path;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod state;
#[cfg(test)]
mod store;
#[cfg(test)]
mod switched;
