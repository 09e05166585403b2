//! Integration tests, cluster lane: the real binary, a real Kubernetes, a real Argo CD and the AWS emulator beside them.
//! `DATAMCP_LAB` names the description of a running lab (`lab.json`); without one every test fails.
#![expect(
    clippy::disallowed_methods,
    reason = "a test plays user and operator: it starts programs and handles files itself"
)]

#[cfg(test)]
mod argocd;
#[cfg(test)]
mod eks_token;
#[cfg(test)]
mod gitops;
#[cfg(test)]
mod gke;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod helm;
#[cfg(test)]
mod kubeconfig;
#[cfg(test)]
mod kubernetes;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod poc;
#[cfg(test)]
mod poc_gcp;
