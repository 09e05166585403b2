//! What the scenarios expect to find, as it goes over the wire.

use serde_json::{Value, json};

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";
/// A sound without samples.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// Tools without arguments, with what they are for.
const PLAIN: [(&str, &str); 21] = [
    ("test_simple_text", "answers with text"),
    ("test_image_content", "answers with an image"),
    ("test_audio_content", "answers with a sound"),
    ("test_embedded_resource", "answers with a resource"),
    ("test_multiple_content_types", "answers with text, image and resource"),
    ("test_error_handling", "always fails"),
    ("test_tool_with_progress", "reports progress"),
    ("test_reconnection", "answers after a moment"),
    ("test_logging_tool", "sends no log messages"),
    ("test_elicitation_sep1034_defaults", "asks with defaults"),
    ("test_elicitation_sep1330_enums", "asks with choices"),
    ("test_missing_capability", "needs a client that can sample"),
    ("test_streaming_elicitation", "asks by its result"),
    ("test_input_required_result_elicitation", "asks for a name"),
    ("test_input_required_result_sampling", "asks the client's model"),
    ("test_input_required_result_list_roots", "asks for roots"),
    ("test_input_required_result_request_state", "asks, with state"),
    ("test_input_required_result_multiple_inputs", "asks three things at once"),
    ("test_input_required_result_multi_round", "asks twice"),
    ("test_input_required_result_tampered_state", "asks, with state that is checked"),
    ("test_input_required_result_capabilities", "asks only what the client can answer"),
];

/// The list of tools.
pub(crate) fn tools() -> Value {
    let mut tools: Vec<Value> = PLAIN
        .iter()
        .map(|(name, about)| {
            json!({ "name": name, "description": about, "inputSchema": { "type": "object" } })
        })
        .collect();
    let text = json!({ "type": "string" });
    tools.push(json!({
        "name": "test_elicitation", "description": "asks for a name and an address",
        "inputSchema": { "type": "object", "properties": { "message": text }, "required": ["message"] },
    }));
    tools.push(json!({
        "name": "json_schema_2020_12_tool", "description": "a schema with newer keywords",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": { "address": {
                "$anchor": "addressDef", "type": "object", "properties": { "street": text, "city": text },
            } },
            "properties": {
                "name": text, "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": text, "email": text,
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false,
        },
    }));
    json!({ "tools": tools, "ttlMs": 60_000, "cacheScope": "public" })
}

/// What a tool answers that only answers.
pub(crate) fn answer(tool: &str) -> Option<Value> {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let image = json!({ "type": "image", "data": PNG, "mimeType": "image/png" });
    let parts = match tool {
        "test_simple_text" => vec![text("This is a simple text response for testing.")],
        "test_reconnection" | "test_logging_tool" | "test_tool_with_progress" => vec![text("done")],
        "json_schema_2020_12_tool" => vec![text("the schema is what counts")],
        "test_image_content" => vec![image],
        "test_audio_content" => {
            vec![json!({ "type": "audio", "data": WAV, "mimeType": "audio/wav" })]
        }
        "test_embedded_resource" => vec![json!({ "type": "resource", "resource": {
            "uri": "test://embedded-resource", "mimeType": "text/plain",
            "text": "This is an embedded resource content.",
        } })],
        "test_multiple_content_types" => vec![
            text("Multiple content types test:"),
            image,
            json!({ "type": "resource", "resource": {
                "uri": "test://mixed-content-resource", "mimeType": "application/json",
                "text": "{\"test\":\"data\",\"value\":123}",
            } }),
        ],
        "test_error_handling" => {
            let why = "This tool intentionally returns an error for testing";
            return Some(json!({ "isError": true, "content": [text(why)] }));
        }
        _ => return None,
    };
    Some(json!({ "content": parts }))
}

/// The list of resources.
pub(crate) fn resources() -> Value {
    let one = |uri: &str, kind: &str| json!({ "uri": uri, "name": uri, "description": "a fixture", "mimeType": kind });
    json!({ "ttlMs": 60_000, "cacheScope": "public", "resources": [
        one("test://static-text", "text/plain"),
        one("test://static-binary", "image/png"),
        one("test://watched-resource", "text/plain"),
    ] })
}

/// The list of resource templates.
pub(crate) fn templates() -> Value {
    json!({ "ttlMs": 60_000, "cacheScope": "public", "resourceTemplates": [{
        "uriTemplate": "test://template/{id}/data", "name": "template",
        "description": "a fixture", "mimeType": "application/json",
    }] })
}

/// What a resource holds.
pub(crate) fn resource(uri: &str) -> Option<Value> {
    let held = match uri {
        "test://static-text" => json!({
            "uri": uri, "mimeType": "text/plain",
            "text": "This is the content of the static text resource.",
        }),
        "test://static-binary" => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
        "test://watched-resource" => json!({ "uri": uri, "mimeType": "text/plain", "text": "-" }),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let text =
                json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            json!({ "uri": uri, "mimeType": "application/json", "text": text.to_string() })
        }
    };
    Some(json!({ "contents": [held], "ttlMs": 60_000, "cacheScope": "public" }))
}

/// The list of prompts.
pub(crate) fn prompts() -> Value {
    let one = |name: &str, needed: &[&str]| {
        let arguments: Vec<Value> = needed
            .iter()
            .map(|name| json!({ "name": name, "description": "a fixture", "required": true }))
            .collect();
        json!({ "name": name, "description": "a fixture", "arguments": arguments })
    };
    json!({ "ttlMs": 60_000, "cacheScope": "public", "prompts": [
        one("test_simple_prompt", &[]),
        one("test_prompt_with_arguments", &["arg1", "arg2"]),
        one("test_prompt_with_embedded_resource", &["resourceUri"]),
        one("test_prompt_with_image", &[]),
        one("test_input_required_result_prompt", &[]),
    ] })
}

/// What a prompt says.
pub(crate) fn prompt(name: &str, given: &Value) -> Option<Value> {
    let said = |content: Value| json!({ "role": "user", "content": content });
    let text = |text: &str| said(json!({ "type": "text", "text": text }));
    let field = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    let messages = match name {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => vec![text(&format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            field("arg1"),
            field("arg2")
        ))],
        "test_prompt_with_embedded_resource" => vec![
            said(json!({ "type": "resource", "resource": {
                "uri": field("resourceUri"), "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            } })),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image" => vec![
            said(json!({ "type": "image", "data": PNG, "mimeType": "image/png" })),
            text("Please analyze the image above."),
        ],
        _ => return None,
    };
    Some(json!({ "messages": messages }))
}

/// What older clients are asked in the middle of a call.
pub(crate) fn question(tool: &str, given: &Value) -> Option<Value> {
    let (message, properties, required) = match tool {
        "test_elicitation" => (
            given.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
            json!({
                "username": { "type": "string", "description": "User's response" },
                "email": { "type": "string", "description": "User's email address" },
            }),
            json!(["username", "email"]),
        ),
        "test_elicitation_sep1034_defaults" => ("with defaults".to_owned(), defaults(), json!([])),
        "test_elicitation_sep1330_enums" => ("with choices".to_owned(), choices(), json!([])),
        _ => return None,
    };
    Some(json!({ "mode": "form", "message": message, "requestedSchema": {
        "type": "object", "properties": properties, "required": required,
    } }))
}

fn defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    })
}

fn choices() -> Value {
    let titled = |word: &str| {
        let one = |n: &str, nth: &str| json!({ "const": format!("value{n}"), "title": format!("{nth} {word}") });
        json!([one("1", "First"), one("2", "Second"), one("3", "Third")])
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "untitledSingle": { "type": "string", "enum": plain },
        "titledSingle": { "type": "string", "oneOf": titled("Option") },
        "legacyEnum": {
            "type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
    })
}
