//! The catalogue as MCP tools: schemas, annotations, order.

use std::sync::OnceLock;

use rmcp::model::{Tool, ToolAnnotations};

use super::compact;
use crate::model::Effect;
use crate::operation::catalog;

/// All tools, made once.
pub fn listing() -> &'static [Tool] {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    TOOLS.get_or_init(|| catalog::TOOLS.iter().map(|tool| describe(tool)).collect())
}

fn describe(tool: &catalog::Tool) -> Tool {
    Tool::new(tool.name, tool.about, compact::input(&(tool.input)()))
        .with_title(tool.title)
        .with_raw_output_schema(compact::output(&(tool.output)()))
        .with_annotations(annotations(tool.effect))
}

/// All four hints, always: what is left out has a default that no tool of ours means.
fn annotations(effect: Effect) -> ToolAnnotations {
    let (read_only, destructive, idempotent, open_world) = match effect {
        Effect::Read => (true, false, true, true),
        Effect::Change | Effect::Destroy => (false, true, false, true),
        Effect::Control => (false, false, true, true),
        Effect::Local => (false, false, true, false),
    };
    ToolAnnotations::from_raw(
        None,
        Some(read_only),
        Some(destructive),
        Some(idempotent),
        Some(open_world),
    )
}
