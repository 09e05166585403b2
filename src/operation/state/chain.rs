//! After an apply: whether the state went on in one line. Terraform's writes carry no condition, so somebody who took the
//! lock away and applied beside us is overwritten, or overwrites us, and both end well by their own word.

use serde_json::{Value, json};

use super::super::Scene;
use crate::error::{Error, ErrorCode, Result};
use crate::model::StateVersion;
use crate::port::{Applied, ObjectVersion};
use crate::run::adopt::FORKED;

/// What was seen after an apply.
#[derive(Debug, Default)]
pub(in crate::operation) struct Looked {
    /// Somebody else wrote, and what is known of it.
    pub(in crate::operation) incident: Option<Error>,
    /// The stored version in which the apply left the state.
    pub(in crate::operation) object: Option<String>,
    /// What could not be looked at.
    pub(in crate::operation) warning: Option<String>,
}

/// The newest stored version before an apply, to know later what was written since.
pub(in crate::operation) async fn newest(scene: &Scene<'_>) -> Result<Option<String>> {
    scene.world.state_backend.newest(&scene.job).await
}

/// Looks at the line of the state from `before` on; `newest` was the newest stored version then.
pub(in crate::operation) async fn look(
    scene: &Scene<'_>,
    before: &StateVersion,
    newest: Result<Option<String>>,
    applied: &Applied,
) -> Looked {
    let mut looked = Looked::default();
    let seen = async {
        // Without knowing where it began, older versions could not be told from new ones.
        let newest = newest?;
        let written = scene.world.state_backend.written(&scene.job, newest.as_deref()).await?;
        Ok::<_, Error>((newest, written))
    };
    let (newest, written) = match seen.await {
        Ok(seen) => seen,
        Err(error) => {
            let missing = error.details.get("action").and_then(Value::as_str);
            let missing = missing.map_or_else(String::new, |a| format!(" ({a} is missing)"));
            let warning = format!(
                "the versions of the state could not be looked at: {}{missing}",
                error.message
            );
            looked.warning = Some(warning);
            (None, Vec::new())
        }
    };
    let left = written.iter().rev().find(|v| applied.state.as_ref() == Some(&v.state));
    let unwritten = newest.filter(|_| written.is_empty());
    looked.object = left.map(|v| v.id.clone()).or(unwritten);
    if let Some(fork) = fork(before, applied, &written) {
        looked.incident = Some(incident(scene, before, applied, &fork));
    }
    looked
}

/// Where the line is broken.
#[derive(Debug, PartialEq, Eq)]
struct Fork {
    why: String,
    versions: Vec<ObjectVersion>,
}

fn fork(before: &StateVersion, applied: &Applied, written: &[ObjectVersion]) -> Option<Fork> {
    let follows = |was: &StateVersion, is: &StateVersion| {
        was.lineage.is_empty() || (was.lineage == is.lineage && was.serial < is.serial)
    };
    for pair in written.windows(2) {
        if let [one, two] = pair
            && !follows(&one.state, &two.state)
        {
            let why = if one.state.lineage == two.state.lineage {
                let (a, b) = (one.state.serial, two.state.serial);
                format!(
                    "version {} with serial {b} was written over version {} with serial {a}",
                    two.id, one.id
                )
            } else {
                format!("versions {} and {} are of different lineages", one.id, two.id)
            };
            return Some(Fork { why, versions: pair.to_vec() });
        }
    }
    let broken = |why: String| Some(Fork { why, versions: written.to_vec() });
    if let Some(first) = written.first().filter(|first| !follows(before, &first.state)) {
        let (text, is) = (line(before), line(&first.state));
        return broken(format!("version {} ({is}) does not follow on {text}", first.id));
    }
    let after = applied.state.as_ref()?;
    let same_line = before.lineage.is_empty()
        || (after.lineage == before.lineage && after.serial >= before.serial);
    if !same_line {
        return broken(format!("it was {}, it is {}", line(before), line(after)));
    }
    // Later ones may be there already: who comes after us does no harm.
    if !written.is_empty() && !written.iter().any(|v| v.state == *after) {
        return broken(format!("terraform reads {}, which no version is", line(after)));
    }
    if let Some(first) = applied.missing.first() {
        return broken(format!(
            "{} of what was made is not in it, {first} for one",
            applied.missing.len()
        ));
    }
    None
}

fn line(state: &StateVersion) -> String {
    match &*state.lineage {
        "" => "no state".to_owned(),
        lineage => format!("serial {} of lineage {lineage}", state.serial),
    }
}

fn incident(scene: &Scene<'_>, before: &StateVersion, applied: &Applied, fork: &Fork) -> Error {
    let versions: Vec<Value> = fork.versions.iter().map(|v| json!(v)).collect();
    let key = &scene.environment.key;
    Error::new(
        ErrorCode::EnvironmentBlocked,
        format!("applying the plan of {key}: {FORKED}: {}", fork.why),
    )
    .detail(
        "incident",
        json!({
            "kind": "lost_update",
            "before": before,
            "after": applied.state,
            "versions": versions,
            "missing": applied.missing.iter().take(100).collect::<Vec<_>>(),
        }),
    )
    .next(format!(
        "a person compares the versions of {} with what is there, brings the state in order, then runs `datamcp reconcile {}`",
        scene.environment.backend.identity(),
        scene.run.operation
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Outcome;

    fn version(id: &str, lineage: &str, serial: u64) -> ObjectVersion {
        let state = StateVersion { lineage: lineage.into(), serial };
        ObjectVersion { id: id.into(), written: String::new(), state }
    }

    fn applied(lineage: &str, serial: u64, missing: &[&str]) -> Applied {
        Applied {
            outcome: Outcome::Succeeded,
            returncode: Some(0),
            done: Vec::new(),
            failed: BTreeMap::new(),
            not_started: Vec::new(),
            text: String::new(),
            state: Some(StateVersion { lineage: lineage.into(), serial }),
            resources: 1,
            missing: missing.iter().map(|m| (*m).to_owned()).collect(),
            error: None,
            outputs: serde_json::Map::new(),
        }
    }

    #[test]
    fn bar_28_every_way_to_write_beside_us_is_found() {
        let before = StateVersion { lineage: "a".into(), serial: 1 };
        let v = version;
        for (after, written, names) in [
            (applied("a", 2, &[]), vec![v("x", "a", 2), v("y", "a", 2)], vec!["x", "y"]),
            (
                applied("a", 2, &[]),
                vec![v("x", "a", 2), v("f", "a", 3), v("y", "a", 3)],
                vec!["f", "y"],
            ),
            (applied("a", 2, &[]), vec![v("x", "a", 3), v("y", "a", 2)], vec!["x", "y"]),
            (applied("b", 1, &[]), vec![v("x", "a", 2), v("y", "b", 1)], vec!["x", "y"]),
            (applied("a", 1, &[]), vec![v("x", "a", 1)], vec!["x"]),
            (applied("b", 2, &[]), vec![], vec![]),
            (applied("a", 0, &[]), vec![], vec![]),
            (applied("a", 3, &[]), vec![v("x", "a", 2)], vec!["x"]),
            (applied("a", 2, &["t.lost"]), vec![v("x", "a", 2)], vec!["x"]),
            (applied("a", 2, &["t.lost"]), vec![], vec![]),
        ] {
            let fork = fork(&before, &after, &written).expect("found");
            let ids: Vec<_> = fork.versions.iter().map(|v| v.id.as_str()).collect();
            assert_eq!(ids, names, "{}", fork.why);
        }
    }

    #[test]
    fn bar_28_one_line_raises_no_alarm() {
        let (none, one) =
            (StateVersion::default(), StateVersion { lineage: "a".into(), serial: 1 });
        let v = version;
        for (before, after, written) in [
            (&none, applied("a", 1, &[]), vec![v("x", "a", 1)]),
            (&none, applied("a", 3, &[]), vec![v("x", "a", 1), v("y", "a", 2), v("z", "a", 3)]),
            (&one, applied("a", 4, &[]), vec![v("x", "a", 2), v("y", "a", 4)]),
            (&one, applied("a", 2, &[]), vec![v("x", "a", 2), v("later", "a", 3)]),
            (&one, applied("a", 1, &[]), vec![]),
            (&one, applied("a", 2, &[]), vec![]),
            (&none, applied("a", 1, &[]), vec![]),
        ] {
            assert_eq!(fork(before, &after, &written), None);
        }
    }
}
