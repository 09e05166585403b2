//! The Terraform state against what the log knows of it: a lost, replaced or older state is found before a plan that was
//! computed against it can do harm. What is known comes from the log alone; nothing here is asked of the caller.

pub(super) mod chain;
pub(super) mod orphan;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Scene, World};
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Environment, OperationId, StateMark, StateVersion};
use crate::port::{Applied, Watch};
use crate::run::adopt;

/// Name of the detail of an error that holds both states; the people's desk reads it.
pub(super) const DETAIL: &str = "state";

/// What the log knows of a state.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// The operation that left it so, or for which a person said so.
    operation: OperationId,
    /// When.
    since: Timestamp,
    mark: StateMark,
}

/// The state that the log expects at a place, when it knows one.
pub(super) async fn known(
    world: &World,
    chain: &str,
    backend: &str,
    workspace: &str,
) -> Result<Option<Known>> {
    let event = world.log.store().state(chain, backend, workspace).await?;
    Ok(event.and_then(|record| {
        let mark = record.event.body.state()?.clone();
        Some(Known { operation: record.event.operation, since: record.event.ts, mark })
    }))
}

/// Checks the state that a plan was just computed against, or is about to be carried out on. The answer is what a user
/// should know about it.
pub(super) async fn check(
    scene: &Scene<'_>,
    doing: &str,
    found: &StateVersion,
) -> Result<Option<String>> {
    let (backend, workspace) = (scene.environment.backend.identity(), &scene.job.workspace);
    let chain = scene.run.target.to_string();
    let Some(known) = known(scene.world, &chain, &backend, workspace).await? else {
        return Ok(None);
    };
    let confirm = format!("`datamcp reconcile {} --state`", scene.run.operation);
    judge(doing, &known, found, &confirm)
}

/// Notes in the journal how an apply left the state: from there it goes into the log, also when this process dies.
pub(super) async fn note(
    scene: &Scene<'_>,
    applied: &Applied,
    object: Option<String>,
) -> Result<()> {
    // A state that is not there says nothing; whoever deleted it is found at the next look.
    let Some(version) = applied.state.as_ref().filter(|v| !v.lineage.is_empty()) else {
        return Ok(());
    };
    let mark = StateMark {
        backend: scene.environment.backend.identity(),
        workspace: scene.job.workspace.clone(),
        version: version.clone(),
        resources: applied.resources,
        object,
    };
    scene.journal.note(adopt::STATE, json!(mark)).await
}

/// Refuses where this identity may not use the state, before terraform meets that in the middle of its work. What cannot be
/// asked is left to terraform.
pub(super) async fn permitted(world: &World, environment: &Environment, write: bool) -> Result<()> {
    let lacking = match world.state_backend.lacks(environment, write).await {
        Ok(lacking) if lacking.is_empty() => return Ok(()),
        Ok(lacking) => lacking.join(", "),
        Err(error) => {
            tracing::warn!(%error, "asking what may be done with the state");
            return Ok(());
        }
    };
    let (key, place) = (&environment.key, environment.backend.identity());
    let why = format!("looking at the state of {key}: this identity has no {lacking} in {place}");
    Err(Error::new(ErrorCode::UpstreamDenied, why)
        .detail("permission", lacking.clone())
        .next(format!("have {lacking} granted to this identity on the bucket")))
}

/// Names the lock that a child left behind whose end nobody saw, where it can still be seen.
pub(super) async fn name_lock(scene: &Scene<'_>, error: Error) -> Error {
    if error.details.contains_key("state_lock") {
        return error;
    }
    match scene.world.state_backend.lock(&scene.job).await {
        Ok(Some(left)) => error
            .detail("unlock", format!("terraform force-unlock {}", left.lock.id))
            .detail("state_lock", left.lock.id)
            .detail("state_lock_who", left.lock.who)
            .detail("state_lock_created", left.lock.created),
        Ok(None) => error,
        Err(unseen) => error.detail("state_lock_unseen", Value::String(unseen.message)),
    }
}

/// Refuses a state that is not a later one of the known line; tells of one that others brought further. `confirm` is what
/// a person does when the state is right nevertheless.
pub(super) fn judge(
    doing: &str,
    known: &Known,
    found: &StateVersion,
    confirm: &str,
) -> Result<Option<String>> {
    let Known { operation, since, mark } = known;
    let (was, place) = (&mark.version, &mark.backend);
    let absent = found.lineage.is_empty();
    // Nothing was expected, or nothing was in it: nothing can have been lost.
    if was.lineage.is_empty() || (absent && mark.resources == 0) {
        return Ok(None);
    }
    let why = if absent {
        format!("the state is gone, {} resources were in it", mark.resources)
    } else if found.lineage != was.lineage {
        "the state is another one: its lineage differs".to_owned()
    } else if found.serial < was.serial {
        format!("the state is an older one: serial {}→{}", was.serial, found.serial)
    } else if found.serial > was.serial {
        return Ok(Some(format!(
            "the state has serial {}, operation {operation} left it at {}: somebody worked on it outside of datamcp, or an \
             operation ended unseen",
            found.serial, was.serial
        )));
    } else {
        return Ok(None);
    };
    let seen = StateMark {
        version: found.clone(),
        resources: 0,
        object: None,
        backend: place.clone(),
        workspace: mark.workspace.clone(),
    };
    let restore = match &mark.object {
        Some(id) => format!("restores version {id} of {place}"),
        None => format!("restores {place}"),
    };
    Err(Error::new(
        ErrorCode::EnvironmentBlocked,
        format!("{doing}: {why}; operation {operation} left it otherwise at {since}"),
    )
    .given(seen.text())
    .allowed(mark.text())
    .detail(
        DETAIL,
        json!({ "expected": mark, "found": seen, "operation": operation, "since": since }),
    )
    .next(format!(
        "a person looks at {place} and {restore}; or, when the state as it is now is right, confirms that: {confirm}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(lineage: &str, serial: u64) -> StateVersion {
        StateVersion { lineage: lineage.into(), serial }
    }

    fn judged(
        left: &StateVersion,
        resources: usize,
        found: &StateVersion,
    ) -> Result<Option<String>> {
        let mark = StateMark {
            backend: "s3://b/k@r".into(),
            workspace: "default".into(),
            version: left.clone(),
            resources,
            object: Some("v9".into()),
        };
        let known = Known { operation: OperationId::fresh(), since: Timestamp::UNIX_EPOCH, mark };
        judge("planning aws/dev", &known, found, "`datamcp reconcile ID --state`")
    }

    #[test]
    fn security_20_lost_other_and_older_states_are_refused_saying_what_was_expected() {
        let left = version("a", 5);
        for (found, word) in
            [(version("", 0), "gone"), (version("b", 9), "lineage"), (version("a", 4), "older")]
        {
            let error = judged(&left, 3, &found).unwrap_err();
            assert_eq!(error.code, ErrorCode::EnvironmentBlocked);
            assert!(error.message.contains(word), "{error}");
            assert!(error.allowed.unwrap().contains("serial 5, version v9"));
            let next = error.next.unwrap();
            assert!(next.contains("restores version v9 of s3://b/k@r"), "{next}");
            assert!(next.contains("reconcile ID --state"), "{next}");
            assert_eq!(error.details[DETAIL]["found"]["serial"], found.serial);
        }
    }

    #[test]
    fn security_20_a_later_state_of_the_line_is_fine_but_said() {
        assert_eq!(judged(&version("a", 5), 3, &version("a", 5)).unwrap(), None);
        let said = judged(&version("a", 5), 3, &version("a", 7)).unwrap().unwrap();
        assert!(said.contains("serial 7") && said.contains("at 5"), "{said}");
    }

    #[test]
    fn security_20_where_nothing_was_left_nothing_is_missed() {
        assert_eq!(judged(&version("", 0), 0, &version("b", 1)).unwrap(), None);
        assert_eq!(judged(&version("a", 5), 0, &version("", 0)).unwrap(), None, "after a destroy");
        assert!(judged(&version("a", 5), 0, &version("b", 1)).is_err(), "another line is another");
    }
}
