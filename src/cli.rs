//! The command line: every tool from the catalogue, and what only people do.

pub mod args;
mod doctor;
pub mod exec_credential;
pub mod exit;
mod people;
mod poc;
pub mod reference;
mod terminal;
pub mod view;

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use self::args::{Command, Parsed};
use self::exit::Exit;
use crate::config::Surroundings;
use crate::error::{Error, ErrorCode, Result};
use crate::model::Actor;
use crate::operation::{Called, Tool, World, call, catalog, preflight, strict};

/// Runs one command.
pub async fn dispatch(world: Arc<World>, parsed: Parsed, surroundings: &Surroundings) -> ExitCode {
    let actor = Actor {
        principal: world.config.principal(&surroundings.os_user).name,
        os_user: surroundings.os_user.clone(),
        agent: None,
    };
    let view = view::View::new(parsed.json, surroundings.no_color);
    let result = match parsed.command {
        Command::Serve { .. } => serve(world, surroundings).await,
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
        Command::Doctor => Ok(doctor::run(&world, &actor, surroundings, view).await),
        Command::Poc(sequence) => poc::run(&world, &actor, &sequence, view).await,
        Command::Init(_) => Err(Error::internal("filling a folder", "it needs no settings")),
        Command::People(command) => people::run(&world, &actor, command, &view).await,
    };
    result.unwrap_or_else(|error| view.fail(&error))
}

/// The end of a command whose settings cannot be read: for `doctor` that is a finding like any other.
pub fn without_settings(parsed: &Parsed, error: Error, surroundings: &Surroundings) -> ExitCode {
    let view = view::View::new(parsed.json, surroundings.no_color);
    match parsed.command {
        Command::Doctor => doctor::show(&preflight::without_settings(error), None, view),
        _ => view.fail(&error),
    }
}

/// Shows the answer of a command that needed no settings.
pub fn show(
    kind: &str,
    parsed: &Parsed,
    answer: Result<Value>,
    surroundings: &Surroundings,
) -> ExitCode {
    let view = view::View::new(parsed.json, surroundings.no_color);
    match answer {
        Ok(answer) => {
            view.answer(kind, &answer);
            ExitCode::SUCCESS
        }
        Err(error) => view.fail(&error),
    }
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
    Ok(Exit::of_answer(&answer, failed).into())
}
