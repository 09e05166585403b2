//! No secret leaves: canaries are planted where secrets come from, and looked for wherever texts go.

pub(crate) mod canary;
mod credentials;
mod environment;
mod factor;
mod made;
mod references;
