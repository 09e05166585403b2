//! The catalogue as MCP tools: schemas, annotations, order.

use std::sync::{Arc, OnceLock};

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use schemars::Schema;
use serde_json::Value;

use super::schema::{Side, lean};
use crate::model::Effect;
use crate::operation::catalog;

/// All tools, made once.
pub fn listing() -> &'static [Tool] {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    TOOLS.get_or_init(|| catalog::TOOLS.iter().map(|tool| describe(tool)).collect())
}

fn describe(tool: &catalog::Tool) -> Tool {
    Tool::new(tool.name, tool.about, object((tool.input)(), Side::Input))
        .with_title(tool.title)
        .with_raw_output_schema(object((tool.output)(), Side::Output))
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

/// A schema as a JSON object; the tool's own text says what the whole is.
fn object(schema: Schema, side: Side) -> Arc<JsonObject> {
    let Value::Object(mut map) = lean(schema.to_value(), side) else {
        return Arc::new(JsonObject::new());
    };
    map.remove("description");
    Arc::new(map)
}
