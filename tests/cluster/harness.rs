//! What the tests share: the lab, names of their own, waiting.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use xtask::lab::{ArgoCd, Kubernetes, Lab};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The lab that `DATAMCP_LAB` names.
pub(crate) fn lab() -> Lab {
    let record = std::env::var_os("DATAMCP_LAB")
        .expect("DATAMCP_LAB names no lab: `cargo xtask test --lanes cluster` starts one");
    Lab::read(Path::new(&record)).unwrap()
}

/// Its Kubernetes.
pub(crate) fn kubernetes(lab: &Lab) -> &Kubernetes {
    &lab.cluster.as_ref().expect("the lab has no cluster: `cargo xtask lab up --all`").kubernetes
}

/// Its Argo CD.
pub(crate) fn argocd(lab: &Lab) -> &ArgoCd {
    let cluster = lab.cluster.as_ref().expect("the lab has no cluster");
    cluster.argocd.as_ref().expect("the lab has no Argo CD: `cargo xtask lab up --all`")
}

/// A name that no other test, and no earlier run on the same lab, has.
pub(crate) fn fresh(what: &str) -> String {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{count}", std::process::id())
}

/// The sequence names its release of Argo CD itself, and the tests share a namespace: one walks at a time.
pub(crate) fn walks_alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for an answer; the deadline is for machines that do three things at once.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_mins(2), "waited two minutes for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Makes a node that takes pods which ask for one of this name (`lab/for`), and no others.
pub(crate) fn node_for(lab: &Lab, name: &str) {
    let node = format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  name: {name}\n  annotations: {{ kwok.x-k8s.io/node: fake }}\n  \
         labels: {{ lab/for: {name} }}\nspec:\n  taints: [{{ key: lab/for, effect: NoSchedule }}]\n\
         status:\n  allocatable: &size {{ cpu: \"4\", memory: 8Gi, pods: \"10\", ephemeral-storage: 1Ti }}\n  capacity: *size\n"
    );
    kubernetes(lab).as_admin().unwrap().apply(&node).unwrap();
}
