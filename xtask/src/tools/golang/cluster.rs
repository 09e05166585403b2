//! The modules of the lab's cluster: a control plane, nodes without machines, Argo CD.

use super::{Extras, Module};

pub(in crate::tools) const KUBELAB: Module = Module {
    name: "kubelab",
    path: "k8s.io/kubernetes",
    package: ".",
    go_mod: include_str!("../../../../tests/lab/kubelab/go.mod"),
    go_sum: include_str!("../../../../tests/lab/kubelab/go.sum"),
    about: "about 6 min",
};
/// Without its version clients cannot read what the server says it is.
pub(in crate::tools) const KUBELAB_EXTRAS: Extras = Extras {
    main_go: include_str!("../../../../tests/lab/kubelab/main.go"),
    files: &[],
    variables: "-X k8s.io/component-base/version.gitVersion=v1.34.3 \
                -X k8s.io/component-base/version.gitMajor=1 \
                -X k8s.io/component-base/version.gitMinor=34",
    share: &[],
};
pub(in crate::tools) const KWOK: Module = Module {
    name: "kwok",
    path: "sigs.k8s.io/kwok",
    package: "sigs.k8s.io/kwok/cmd/kwok",
    go_mod: include_str!("../../../../tests/lab/kwok/go.mod"),
    go_sum: include_str!("../../../../tests/lab/kwok/go.sum"),
    about: "about 3 min",
};
/// How a node and a pod come to live and end: the program itself has none of it.
pub(in crate::tools) const KWOK_EXTRAS: Extras = Extras {
    main_go: "",
    files: &[],
    variables: "",
    share: &[
        "kustomize/stage/node/fast/node-initialize.yaml",
        "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "kustomize/stage/pod/fast/pod-ready.yaml",
        "kustomize/stage/pod/fast/pod-complete.yaml",
        "kustomize/stage/pod/fast/pod-delete.yaml",
    ],
};
pub(in crate::tools) const ARGOLAB: Module = Module {
    name: "argolab",
    path: "github.com/argoproj/argo-cd/v3",
    package: ".",
    go_mod: include_str!("../../../../tests/lab/argolab/go.mod"),
    go_sum: include_str!("../../../../tests/lab/argolab/go.sum"),
    about: "about 6 min",
};
pub(in crate::tools) const ARGOLAB_EXTRAS: Extras = Extras {
    main_go: include_str!("../../../../tests/lab/argolab/main.go"),
    files: &[],
    variables: "",
    share: &[
        "manifests/crds/application-crd.yaml",
        "manifests/crds/applicationset-crd.yaml",
        "manifests/crds/appproject-crd.yaml",
    ],
};

/// Built with what serves files alone: its own command brings the clients of three clouds.
pub(in crate::tools) const REGISTRY: Module = Module {
    name: "registry",
    path: "github.com/distribution/distribution/v3",
    package: ".",
    go_mod: include_str!("../../../../tests/lab/registry/go.mod"),
    go_sum: include_str!("../../../../tests/lab/registry/go.sum"),
    about: "about 1 min",
};
pub(in crate::tools) const REGISTRY_EXTRAS: Extras = Extras {
    main_go: include_str!("../../../../tests/lab/registry/main.go"),
    files: &[],
    variables: "",
    share: &[],
};
