//! `datamcp doctor`: the checks of `preflight`, all of them however many, and how an MCP client is told of this server.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::exit::Exit;
use super::view::View;
use crate::config::Surroundings;
use crate::model::Actor;
use crate::operation::World;
use crate::operation::preflight::{self, PreflightAnswer};

/// Checks every environment.
pub(super) async fn run(
    world: &World,
    actor: &Actor,
    surroundings: &Surroundings,
    view: View,
) -> ExitCode {
    let answer = preflight::look(world, actor, None).await;
    let client = json!({
        "command": surroundings.program.display().to_string(),
        "args": ["--config", world.settings_path, "serve"],
    });
    show(&answer, Some(&client), view)
}

/// Shows what was found. Failed checks are exit code 1.
pub(super) fn show(answer: &PreflightAnswer, client: Option<&Value>, view: View) -> ExitCode {
    let mut shown = serde_json::to_value(answer).unwrap_or_default();
    if let (Some(client), Some(fields)) = (client, shown.as_object_mut()) {
        fields.insert("mcp_server".into(), client.clone());
    }
    view.answer("preflight", &shown);
    if answer.ok { Exit::Done } else { Exit::Failed }.into()
}
