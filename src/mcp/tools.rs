//! The catalogue as MCP tools: schemas, annotations, order.

use std::sync::OnceLock;

use rmcp::model::{Tool, ToolAnnotations};

use super::compact;
use crate::model::Effect;
use crate::operation::catalog;

/// All tools as they are served: [`described`], written down when the references are made. To make the schemas anew at
/// each start would be most of the memory that an idle server holds.
pub fn listing() -> &'static [Tool] {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    const WRITTEN: &str = include_str!("../../tests/it/golden/tools.json");
    TOOLS.get_or_init(|| serde_json::from_str(WRITTEN).unwrap_or_else(|_| described()))
}

/// All tools, from the catalogue. A test compares them with what is served.
pub fn described() -> Vec<Tool> {
    catalog::TOOLS.iter().map(|tool| describe(tool)).collect()
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
