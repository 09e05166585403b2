//! The straight path with real stores and a played world: what may run, what may not, and what is left when any step
//! of it fails.

mod accounts;
mod applications;
mod approvals;
mod argo;
mod binding;
mod clock;
mod clusters;
mod drift;
mod faults;
mod google;
mod google_environment;
mod helm;
mod injection;
mod known;
mod kubeconfig;
mod locks;
mod organizations;
mod path;
mod preflight;
mod programs;
mod projects;
mod releases;
mod secrets;
mod site;
mod stages;
mod state;
mod store;
mod terraform;
