//! What we ask of the world, each trait named for our need. Methods that change infrastructure take a
//! [`Permit`](crate::permit::Permit); adapters implement, `app` joins.

pub mod cluster_tokens;
pub mod credentials;
pub mod identity;
pub mod launcher;
pub mod plans;
pub mod provisioner;
pub mod runs;
pub mod state_backend;

pub use cluster_tokens::{ClusterToken, ClusterTokens};
pub use credentials::{CredentialDesk, DeskGuard};
pub use identity::{Caller, ChildCredentials, Identity};
pub use launcher::Launcher;
pub use plans::Plans;
pub use provisioner::{
    Applied, Job, JobFacts, Module, Output, PlanFile, Planned, Provisioner, StateLock, ToolVersion,
    VariableDecl, Watch, check_variables,
};
pub use runs::{JournalLine, Runs};
pub use state_backend::{Findings, Setting, StateBackend};
