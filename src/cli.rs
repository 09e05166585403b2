//! The command line: every tool from the catalogue, and what only people do.

pub mod args;
pub mod exec_credential;
mod people;
pub mod reference;
mod terminal;
pub mod view;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use self::args::{Command, Parsed};
use crate::config::Surroundings;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Status};
use crate::operation::{Called, Tool, World, call, catalog, strict};

/// Exit codes besides 0 (done) and 2 (usage).
const FAILED: u8 = 1;
const APPROVAL_REQUIRED: u8 = 3;
const STILL_RUNNING: u8 = 4;

/// Runs one command.
pub async fn dispatch(world: Arc<World>, parsed: Parsed, surroundings: &Surroundings) -> ExitCode {
    let actor = Actor {
        principal: world.config.principal(&surroundings.os_user).name,
        os_user: surroundings.os_user.clone(),
        agent: None,
    };
    let view = view::View::new(parsed.json, surroundings.no_color);
    let result = match parsed.command {
        Command::Serve => serve(world, surroundings).await,
        Command::Call { tool, json } => {
            match input(&json).await.and_then(|text| strict::parse(&text)) {
                Ok(request) => tool_call(&world, &actor, &tool, request, &view).await,
                Err(error) => Err(error),
            }
        }
        Command::Tool { tool, request } => match resolve(request).await {
            Ok(request) => show_call(&world, &actor, tool, request, &view).await,
            Err(error) => Err(error),
        },
        Command::Doctor => {
            tool_call(&world, &actor, "preflight", Value::Object(serde_json::Map::new()), &view)
                .await
        }
        Command::People(command) => people::run(&world, &actor, command, &view).await,
    };
    result.unwrap_or_else(|error| view.fail(&error))
}

#[cfg(feature = "mcp")]
async fn serve(world: Arc<World>, surroundings: &Surroundings) -> Result<ExitCode> {
    crate::mcp::serve_stdio(world, surroundings.os_user.clone()).await.map(|()| ExitCode::SUCCESS)
}

#[cfg(not(feature = "mcp"))]
#[expect(clippy::unused_async, reason = "the same shape as with the feature")]
async fn serve(_world: Arc<World>, _surroundings: &Surroundings) -> Result<ExitCode> {
    Err(Error::new(ErrorCode::ToolMissing, "serving MCP: this build has no MCP server")
        .next("build datamcp with the feature `mcp`"))
}

/// A text given on the command line; `-` reads standard input, so that no secret has to be an argument.
async fn input(text: &str) -> Result<String> {
    use tokio::io::AsyncReadExt;
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut read = String::new();
    let limit = strict::MAX_BYTES as u64 + 1;
    tokio::io::stdin()
        .take(limit)
        .read_to_string(&mut read)
        .await
        .map_err(|e| Error::invalid("json", "-", format!("cannot be read: {e}")))?;
    Ok(read)
}

/// Reads what the flags of a tool left to standard input.
async fn resolve(mut request: Value) -> Result<Value> {
    if let Some(map) = request.as_object_mut() {
        for value in map.values_mut() {
            if let Some(text) = value.get(args::DOCUMENT).and_then(Value::as_str) {
                *value = strict::parse(&input(text).await?)?;
            }
        }
    }
    Ok(request)
}

async fn tool_call(
    world: &World,
    actor: &Actor,
    name: &str,
    request: Value,
    view: &view::View,
) -> Result<ExitCode> {
    let Some(tool) = catalog::find(name) else {
        let known: Vec<&str> = catalog::TOOLS.iter().map(|tool| tool.name).collect();
        let error = Error::new(ErrorCode::InvalidRequest, "there is no such tool")
            .field("tool")
            .given(name)
            .allowed(known.join(", "));
        return Err(error);
    };
    show_call(world, actor, tool, request, view).await
}

async fn show_call(
    world: &World,
    actor: &Actor,
    tool: &'static Tool,
    request: Value,
    view: &view::View,
) -> Result<ExitCode> {
    let bar = view.progress();
    let Called { answer, failed } =
        call(world, actor, tool, request, &mut |progress| bar.show(progress)).await;
    bar.clear();
    view.answer(tool.name, &answer);
    Ok(code(&answer, failed))
}

fn code(answer: &Value, failed: bool) -> ExitCode {
    let status = answer.get("status").and_then(Value::as_str).and_then(Status::from_word);
    let unwell = answer.get("ok") == Some(&Value::Bool(false));
    match status {
        _ if failed || unwell => ExitCode::from(FAILED),
        Some(Status::ApprovalRequired) => ExitCode::from(APPROVAL_REQUIRED),
        Some(Status::Queued | Status::Running) => ExitCode::from(STILL_RUNNING),
        _ => ExitCode::SUCCESS,
    }
}
