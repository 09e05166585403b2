//! Tools that ask by their result (revision 2026-07-28): what is asked, in rounds, and the sealed state between them.

use std::time::Duration;

use rmcp::model::{ErrorData, InputRequests, InputRequiredResult, InputResponses};
use rmcp::model::{RequestStateCodec, SealOptions};
use serde_json::{Value, json};

/// What a round comes to.
pub(crate) enum Round {
    /// The client is asked.
    Ask(InputRequiredResult),
    /// This is the answer.
    Done(String),
}

fn form(message: &str, field: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message,
        "requestedSchema": {
            "type": "object", "properties": { field: { "type": kind } }, "required": [field],
        },
    } })
}

fn sample(text: &str) -> Value {
    json!({ "method": "sampling/createMessage", "params": { "maxTokens": 100, "messages": [
        { "role": "user", "content": { "type": "text", "text": text } },
    ] } })
}

/// What a tool asks in its round; nothing when it asks nothing (more).
fn questions(tool: &str, round: usize) -> Option<Value> {
    let roots = json!({ "method": "roots/list", "params": {} });
    Some(match (tool, round) {
        ("test_input_required_result_elicitation" | "test_streaming_elicitation", 0) => {
            json!({ "user_name": form("What is your name?", "name", "string") })
        }
        ("test_input_required_result_sampling" | "test_input_required_result_capabilities", 0) => {
            json!({ "capital_question": sample("What is the capital of France?") })
        }
        ("test_input_required_result_list_roots", 0) => json!({ "client_roots": roots }),
        (
            "test_input_required_result_request_state"
            | "test_input_required_result_tampered_state",
            0,
        ) => json!({ "confirm": form("Please confirm", "ok", "boolean") }),
        ("test_input_required_result_multiple_inputs", 0) => json!({
            "user_name": form("What is your name?", "name", "string"),
            "greeting": sample("Generate a greeting"),
            "client_roots": roots,
        }),
        ("test_input_required_result_multi_round", 0) => {
            json!({ "step1": form("Step 1: What is your name?", "name", "string") })
        }
        ("test_input_required_result_multi_round", 1) => {
            json!({ "step2": form("Step 2: What is your favorite color?", "color", "string") })
        }
        ("test_input_required_result_prompt", 0) => {
            json!({ "user_context": form("What context should the prompt use?", "context", "string") })
        }
        _ => return None,
    })
}

/// Takes a tool one round further; nothing when it never asks.
pub(crate) fn play(
    codec: &RequestStateCodec,
    tool: &str,
    answers: Option<&InputResponses>,
    state: Option<&str>,
) -> Result<Option<Round>, ErrorData> {
    if questions(tool, 0).is_none() {
        return Ok(None);
    }
    let round = match state {
        Some(sealed) => opened(codec, tool, sealed)?,
        None => 0,
    };
    let Some(asked) = questions(tool, round) else { return Ok(Some(done(answers))) };
    let whole = answers.is_some_and(|answers| {
        let keys = asked.as_object().into_iter().flatten();
        keys.into_iter().all(|(key, _)| answers.get(key).is_some_and(Value::is_object))
    });
    let next = if whole { round + 1 } else { round };
    match questions(tool, next) {
        Some(asked) => ask(codec, tool, next, asked).map(Some),
        None => Ok(Some(done(answers))),
    }
}

fn ask(
    codec: &RequestStateCodec,
    tool: &str,
    round: usize,
    asked: Value,
) -> Result<Round, ErrorData> {
    let requests: InputRequests = serde_json::from_value(asked)
        .map_err(|e| ErrorData::internal_error(e.to_string(), None))?;
    // Sealed for this tool alone, and not for long.
    let options = SealOptions::new().associated_data(tool.as_bytes()).ttl(Duration::from_mins(5));
    let state = codec.seal_with(round.to_string().as_bytes(), &options);
    Ok(Round::Ask(InputRequiredResult::new(Some(requests), Some(state))))
}

fn opened(codec: &RequestStateCodec, tool: &str, sealed: &str) -> Result<usize, ErrorData> {
    let refused = || ErrorData::invalid_params("requestState is not ours, or has expired", None);
    let bytes = codec.open_with(sealed, tool.as_bytes()).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    text.parse().map_err(|_| refused())
}

fn done(answers: Option<&InputResponses>) -> Round {
    Round::Done(format!("state-ok; answered: {}", json!(answers)))
}
