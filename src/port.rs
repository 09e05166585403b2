//! What we ask of the world, each trait named for our need. Methods that change infrastructure take a
//! [`Permit`](crate::permit::Permit); adapters implement, `app` joins.

pub mod accounts;
pub mod applications;
pub mod cluster_tokens;
pub mod clusters;
pub mod credentials;
pub mod identity;
pub mod kubeconfigs;
pub mod launcher;
pub mod mfa;
pub mod plans;
pub mod premises;
pub mod projects;
pub mod provisioner;
pub mod releases;
pub mod runs;
pub mod secrets;
pub mod state_backend;
pub mod state_object;

pub use accounts::{
    Account, AccountOrder, Accounts, Answered, Contact, Creation, MemberAccount, OrganizationFacts,
};
pub use applications::{
    Application, Applications, Asked, Bounds, Deployed, Managed, ResourceState, SyncOrder,
    SyncState,
};
pub use cluster_tokens::{ClusterToken, ClusterTokens, GoogleTokens, KeptTokens};
pub use clusters::{
    ClusterFacts, ClusterFound, ClusterOperation, ClusterUser, Clusters, GivenUser, UserProof,
};
pub use credentials::{CredentialDesk, DeskGuard, Refusal};
pub use identity::{Advice, Caller, ChildCredentials, ChildKeys, Identity, Origin};
pub use kubeconfigs::Kubeconfigs;
pub use launcher::Launcher;
pub use mfa::{Alone, Device, MfaSession, MfaSessions, NoSessions, SignIn, SignedIn};
pub use plans::Plans;
pub use premises::{GoogleFile, Premises, StateFolder};
pub use projects::Projects;
pub use provisioner::{
    Applied, Job, JobFacts, Module, Output, PlanFile, Planned, Provisioner, StateLock, ToolVersion,
    VariableDecl, Watch, check_variables,
};
pub use releases::{
    Chart, Filled, Hook, Listed, Patience, Ran, Release, ReleaseJob, Releases, Rendered, Revision,
};
pub use runs::{JournalLine, Runs};
pub use secrets::{CloudSecrets, Fetched, NoSecrets, Secrets};
pub use state_backend::{Findings, Setting, StateBackend};
pub use state_object::{LockObject, ObjectVersion, OwnOrphan};
