//! The GitHub workflows: lint and security checks.

use std::process::Command;

use super::{Lane, Run};
use crate::tools::Tool;

pub(super) fn lane(run: &mut Run<'_>) {
    let lane = Lane::Infra;
    let Some([actionlint, zizmor]) = run.tools(lane, [Tool::Actionlint, Tool::Zizmor]) else {
        return;
    };
    let mut command = Command::new(actionlint.path);
    command.current_dir(run.checkout.top()).arg("-no-color");
    run.command(lane, "actionlint", command);
    let mut command = Command::new(zizmor.path);
    command.current_dir(run.checkout.top());
    command.args(["--offline", "--no-progress", "--color", "never", ".github"]);
    run.command(lane, "zizmor", command);
}
