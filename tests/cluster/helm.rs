//! Releases on the real thing: real helm, a real API server, tokens that the cluster checks.

mod failures;
mod path;
mod project;
mod refusals;
