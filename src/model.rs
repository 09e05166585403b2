//! Nouns of the field, without I/O: whatever is here can be built and compared in a test with nothing installed.

pub mod actor;
pub mod argocd;
pub mod backend;
pub mod change;
pub mod chart;
pub mod cluster;
pub mod credentials;
pub mod digest;
pub mod effect;
pub mod environment;
pub mod id;
pub mod kubeconfig;
pub mod name;
pub mod outcome;
pub mod plan;
pub mod region;
pub mod state;
pub mod target;

pub use actor::{Actor, Principal, Role};
pub use argocd::ArgoProject;
pub use backend::{Backend, TokenSource};
pub use change::{ChangeCounts, ChangeSet, ResourceChange};
pub use chart::{ChartAt, ChartSource};
pub use cluster::{Cluster, ClusterAccess, EksAccess, PodAccount};
pub use credentials::{AssumedRole, CredentialSource};
pub use digest::Digest;
pub use effect::{Action, Effect};
pub use environment::{Cloud, Environment, EnvironmentKey, Tier};
pub use id::{ApprovalId, OperationId, PlanId};
pub use kubeconfig::{ContextEntry, KubeconfigPlaces, Merged};
pub use outcome::{Outcome, Status};
pub use plan::{Binding, Difference, Intent, Meaning, PlanRecord, StateVersion, TerraformFacts};
pub use state::StateMark;
pub use target::Target;
