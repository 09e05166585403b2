//! One JSON-RPC message out of bytes, the same for every transport: careful where the SDK is lenient.

use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, RequestId};
use rmcp::service::{RoleServer, RxJsonRpcMessage};

use crate::operation::strict;

/// The answer to a message that is longer than is read.
pub(super) fn too_long() -> JsonRpcError {
    let why = format!("the message is longer than {} MiB", strict::MAX_BYTES >> 20);
    JsonRpcError::new(None, ErrorData::new(ErrorCode::PARSE_ERROR, why, None))
}

/// A message, or the answer to what is none.
pub(super) fn understand(line: &[u8]) -> Result<RxJsonRpcMessage<RoleServer>, Box<JsonRpcError>> {
    let refuse = |id: Option<RequestId>, code: ErrorCode, why: String| {
        Box::new(JsonRpcError::new(id, ErrorData::new(code, why, None)))
    };
    let text = std::str::from_utf8(line)
        .map_err(|e| refuse(None, ErrorCode::PARSE_ERROR, e.to_string()))?;
    let value =
        strict::parse(text.trim()).map_err(|e| refuse(None, ErrorCode::PARSE_ERROR, e.message))?;
    if !value.is_object() {
        return Err(refuse(
            None,
            ErrorCode::INVALID_REQUEST,
            "one JSON-RPC message at a time; batches are not taken".into(),
        ));
    }
    let id = value.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
    serde_json::from_value::<RxJsonRpcMessage<RoleServer>>(value).map_err(|e| {
        refuse(id, ErrorCode::INVALID_REQUEST, format!("not a JSON-RPC 2.0 message: {e}"))
    })
}
