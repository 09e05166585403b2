//! What an operation asks of the world: settings, stores and ports, joined by `app`.

use std::sync::Arc;

use crate::approval::ApprovalStore;
use crate::audit::Log;
use crate::clock::Clock;
use crate::config::Config;
use crate::lock::LeaseStore;
use crate::port::{
    Accounts, Applications, Clusters, CredentialDesk, Identity, Kubeconfigs, Launcher,
    MemberAccount, Plans, Premises, Projects, Provisioner, Releases, Runs, Secrets, SignIn,
    StateBackend,
};
use crate::run::Stores;

/// What an operation asks of the world.
#[derive(Clone)]
pub struct World {
    /// Settings.
    pub config: Arc<Config>,
    /// How a person names this configuration on the command line: the path of the settings file.
    pub settings_path: String,
    /// Host name, for people.
    pub host: String,
    /// The log.
    pub log: Log,
    /// Leases.
    pub leases: Arc<dyn LeaseStore>,
    /// Approvals.
    pub approvals: Arc<dyn ApprovalStore>,
    /// Sealed plans.
    pub plans: Arc<dyn Plans>,
    /// Run folders.
    pub runs: Arc<dyn Runs>,
    /// Starts supervisors.
    pub launcher: Arc<dyn Launcher>,
    /// Accounts of organizations.
    pub accounts: Arc<dyn Accounts>,
    /// Projects of organizations.
    pub projects: Arc<dyn Projects>,
    /// What is in one account.
    pub member_account: Arc<dyn MemberAccount>,
    /// Applications of Argo CD.
    pub applications: Arc<dyn Applications>,
    /// Where clusters are.
    pub clusters: Arc<dyn Clusters>,
    /// Kubeconfig files of the user.
    pub kubeconfigs: Arc<dyn Kubeconfigs>,
    /// Who we are.
    pub identity: Arc<dyn Identity>,
    /// A person with a second factor.
    pub sign_in: Arc<dyn SignIn>,
    /// Credentials for children.
    pub credentials: Arc<dyn CredentialDesk>,
    /// Terraform.
    pub provisioner: Arc<dyn Provisioner>,
    /// Helm.
    pub releases: Arc<dyn Releases>,
    /// Where state is kept.
    pub state_backend: Arc<dyn StateBackend>,
    /// Secrets that settings refer to.
    pub secrets: Arc<dyn Secrets>,
    /// The machine that we are on.
    pub premises: Arc<dyn Premises>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("settings_path", &self.settings_path).finish_non_exhaustive()
    }
}

impl World {
    /// The part that waiting and taking over need.
    pub fn stores(&self) -> Stores {
        Stores {
            log: self.log.clone(),
            leases: Arc::clone(&self.leases),
            runs: Arc::clone(&self.runs),
            clock: Arc::clone(&self.clock),
        }
    }
}
