//! After a sync has succeeded: whether the application is as the repository says, and whether it works. Both come from
//! another part of Argo CD than the sync, and later: what it said before is worth nothing.

use crate::port::{Application, SyncState};

/// What is said of an application after its sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It was not looked at since, or something still moves.
    Not,
    /// All is as it should be.
    Well,
    /// As well as this sync could make it: objects that were to be left are left.
    AsAsked,
}

/// How it stands.
pub(super) fn settled(app: &Application, sync: &SyncState, prune: bool) -> Settled {
    let (Some(reconciled), Some(finished)) = (app.reconciled, sync.finished) else {
        return Settled::Not;
    };
    let works = matches!(app.health.as_str(), "Healthy" | "Suspended");
    if reconciled <= finished || app.busy || !works {
        return Settled::Not;
    }
    if app.sync == "Synced" {
        return Settled::Well;
    }
    let out = || app.resources.iter().filter(|r| r.status == "OutOfSync" && !r.hook);
    let only_strays = !prune && out().count() > 0 && out().all(|r| r.stray);
    let another = sync.revision.is_some() && sync.revision != app.revision;
    if only_strays || another { Settled::AsAsked } else { Settled::Not }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::port::ResourceState;

    fn app(sync: &str, health: &str, reconciled: i64) -> Application {
        Application {
            name: "a".into(),
            uid: "u".into(),
            spec: Value::Null,
            sync: sync.into(),
            revision: Some("one".into()),
            health: health.into(),
            reconciled: jiff::Timestamp::from_second(reconciled).ok(),
            busy: false,
            last: None,
            resources: vec![],
            history: vec![],
            conditions: vec![],
            automatic: false,
            deleting: false,
        }
    }

    fn sync(revision: &str) -> SyncState {
        SyncState {
            phase: "Succeeded".into(),
            message: String::new(),
            started: None,
            finished: jiff::Timestamp::from_second(100).ok(),
            by: String::new(),
            ours: None,
            revision: Some(revision.into()),
            results: vec![],
        }
    }

    #[test]
    fn fault_50_health_from_before_the_end_of_the_sync_is_not_believed() {
        let at =
            |health, reconciled| settled(&app("Synced", health, reconciled), &sync("one"), false);
        assert_eq!(at("Healthy", 99), Settled::Not);
        assert_eq!(at("Healthy", 100), Settled::Not);
        assert_eq!(at("Healthy", 101), Settled::Well);
        assert_eq!(at("Degraded", 101), Settled::Not);
        assert_eq!(at("Progressing", 101), Settled::Not);
        assert_eq!(at("Unknown", 101), Settled::Not);
    }

    #[test]
    fn what_was_to_be_left_is_no_reason_to_wait() {
        let mut left = app("OutOfSync", "Healthy", 101);
        assert_eq!(settled(&left, &sync("one"), false), Settled::Not);
        assert_eq!(settled(&left, &sync("two"), false), Settled::AsAsked);
        left.resources = vec![ResourceState {
            kind: "ConfigMap".into(),
            namespace: "apps".into(),
            name: "old".into(),
            status: "OutOfSync".into(),
            text: String::new(),
            hook: false,
            stray: true,
        }];
        assert_eq!(settled(&left, &sync("one"), false), Settled::AsAsked);
        assert_eq!(settled(&left, &sync("one"), true), Settled::Not);
    }
}
