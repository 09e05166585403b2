//! `argo_sync`: an application of Argo CD, brought to one commit.

use super::ChangeAnswer;
use super::argo::{ApplicationChange, SyncRequest};
use super::catalog::{self, Kind, Tool};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "argo_sync",
    title: "Sync application",
    about: "Brings an application of Argo CD to a commit. With defaults it shows which, and what would change, object by object. \
            Works like apply_terraform. Waits; sync and health apart.",
    effect: Effect::Change,
    input: catalog::change::<SyncRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&ApplicationChange::Sync),
};
