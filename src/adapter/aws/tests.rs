//! What an AWS emulator answers, played back: who we are, clusters that are there and not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use xtask::stubs::Stubs;

use super::{AwsIdentity, EksClusters};
use crate::error::ErrorCode;
use crate::model::{Backend, Cloud, CredentialSource, Environment, EnvironmentKey, Tier};
use crate::port::{ClusterFound, Clusters, Identity};

fn environment(endpoint: Option<&str>) -> Environment {
    Environment {
        organization: None,
        member_role: None,
        key: EnvironmentKey { cloud: Cloud::Aws, name: "dev".into() },
        tier: Tier {
            name: "dev".into(),
            auto_approve: vec![],
            approvers: vec![],
            approver_other_than_requester: false,
            mfa: false,
            typed_name: false,
            max_delete: None,
            protected: vec![],
        },
        tree: "/project/infra/aws".into(),
        root: "envs/dev".into(),
        account: "123456789012".into(),
        region: "eu-west-1".into(),
        backend: Backend::Local { path: "/state".into() },
        workspace: None,
        vars: BTreeMap::default(),
        secret_vars: std::collections::BTreeMap::new(),
        credentials: CredentialSource::Environment,
        role: None,
        session_duration_s: None,
        mfa: None,
        endpoint_url: endpoint.map(str::to_owned),
        ca_bundle: None,
        cluster: None,
        argocd: None,
    }
}

fn identity(overrides: &[&str]) -> AwsIdentity {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let variables =
        [("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "example")];
    let overrides = overrides.iter().map(|name| (*name).to_owned()).collect();
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    AwsIdentity::new(overrides, variables, super::SecondFactor::default())
}

async fn found(mappings: &str, name: &str) -> ClusterFound {
    let stubs = Stubs::start(&[mappings]).unwrap();
    let clusters = EksClusters::new(Arc::new(identity(&[])));
    let environment = environment(Some(stubs.url()));
    clusters.find(&environment, "test", "eu-west-1", name).await.unwrap()
}

#[tokio::test]
async fn who_we_are_is_asked_of_the_environments_endpoint() {
    let stubs = Stubs::start(&["aws/identity"]).unwrap();
    let caller = identity(&[]).caller(&environment(Some(stubs.url())), "test").await.unwrap();
    assert_eq!(caller.account, "123456789012");
    assert_eq!(caller.arn, "arn:aws:sts::123456789012:user/moto");
}

#[tokio::test]
async fn a_cluster_is_found_as_eks_describes_it() {
    let ClusterFound::Active(facts) = found("aws/clusters/there", "acme").await else {
        panic!("it is there");
    };
    assert_eq!(facts.arn, "arn:aws:eks:eu-west-1:123456789012:cluster/acme");
    assert_eq!((facts.account.as_str(), facts.version.as_str()), ("123456789012", "1.33"));
    assert_eq!(facts.endpoint, "https://EXAMPLE.gr7.eu-west-1.eks.amazonaws.com");
    assert!(!facts.private_only && !facts.certificate_authority.is_empty());
}

#[tokio::test]
async fn bad_input_69_a_cluster_that_is_not_there_names_those_that_are() {
    assert_eq!(found("aws/clusters/absent", "acme").await, ClusterFound::Absent(vec![]));
    let others = ClusterFound::Absent(vec!["acme".to_owned()]);
    assert_eq!(found("aws/clusters/others", "other").await, others);
}

/// Nothing is asked of an endpoint that only the surroundings name; named by settings too, it is.
#[tokio::test]
async fn security_14_an_endpoint_that_was_inherited_is_refused_unless_settings_name_one() {
    let inherited = identity(&["AWS_ENDPOINT_URL_STS"]);
    let error = inherited.caller(&environment(None), "test").await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("AWS_ENDPOINT_URL_STS"), "{error:?}");
    assert_ne!(error.code, ErrorCode::Internal);
    let stubs = Stubs::start(&["aws/identity"]).unwrap();
    inherited.caller(&environment(Some(stubs.url())), "test").await.unwrap();
}
