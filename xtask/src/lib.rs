//! The project's own tasks, as a library: what `cargo xtask` runs and what integration tests reuse.
//!
//! Tests take [`lab::Lab`] (what is running and where), [`lab::PrivateLab`] (an emulator of their own),
//! [`mcp::Client`] (a raw MCP client over stdio) and [`person::Person`] (somebody at a terminal).
//! This crate knows nothing of the cloud SDKs and nothing of the crate `datamcp` but its command line.

pub mod bench;
pub mod cache;
pub mod child;
pub mod demo;
pub mod lab;
pub mod manifest;
pub mod mcp;
pub mod person;
pub mod pins;
pub mod place;
pub mod record;
pub mod report;
pub mod stubs;
pub mod suite;
pub mod tools;
pub mod values;
