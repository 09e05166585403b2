//! Applications on the real thing: a real Argo CD, its project's token, a real API server behind it.

mod between;
mod path;
pub(crate) mod project;
mod refusals;
mod shared;
