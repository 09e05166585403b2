//! How far one object of Kubernetes is: what its own status says (Kubernetes API reference, by kind).

use serde_json::Value;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Kind and name.
    pub name: String,
    /// Whether nothing is left to wait for.
    pub ready: bool,
    /// In words.
    pub text: String,
}

/// How far this object is. Kinds without a status of their own are ready when they are there.
pub fn readiness(object: &Value) -> Readiness {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let number = |at: &str| object.pointer(at).and_then(Value::as_u64);
    let kind = text("/kind");
    let of = |ready: Option<u64>, wanted: u64| {
        let ready = ready.unwrap_or(0);
        (ready >= wanted, format!("{ready} of {wanted} ready"))
    };
    let replicas = || number("/spec/replicas").unwrap_or(1);
    // A status that is older than the object says nothing about it.
    let seen = number("/status/observedGeneration").unwrap_or(u64::MAX)
        >= number("/metadata/generation").unwrap_or(0);
    let (ready, said) = match kind {
        "Deployment" => {
            let updated = number("/status/updatedReplicas").unwrap_or(0);
            of(number("/status/availableReplicas").map(|n| n.min(updated)), replicas())
        }
        "StatefulSet" | "ReplicaSet" => of(number("/status/readyReplicas"), replicas()),
        "DaemonSet" => {
            of(number("/status/numberReady"), number("/status/desiredNumberScheduled").unwrap_or(0))
        }
        "Job" => of(number("/status/succeeded"), number("/spec/completions").unwrap_or(1)),
        "PersistentVolumeClaim" => {
            let phase = text("/status/phase");
            (phase == "Bound", phase.to_lowercase())
        }
        _ => (true, "there".to_owned()),
    };
    Readiness {
        name: format!("{kind} {}", text("/metadata/name")),
        ready: ready && seen,
        text: said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_as_ready_as_they_say() {
        let deployment = |generation: u64, updated: u64| {
            json!({
                "kind": "Deployment",
                "metadata": { "name": "web", "generation": generation },
                "spec": { "replicas": 2 },
                "status": { "observedGeneration": 2, "availableReplicas": 2, "updatedReplicas": updated },
            })
        };
        assert!(readiness(&deployment(2, 2)).ready);
        assert!(!readiness(&deployment(3, 2)).ready, "an old status");
        assert_eq!(readiness(&deployment(2, 1)).text, "1 of 2 ready");
        let there = readiness(&json!({ "kind": "ConfigMap", "metadata": { "name": "c" } }));
        assert_eq!((there.ready, there.name.as_str()), (true, "ConfigMap c"));
        assert!(!readiness(&json!({ "kind": "Job", "status": {} })).ready);
    }
}
