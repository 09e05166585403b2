//! The fixtures as a server: answers come from `content`, questions from `rounds`.

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams,
    ReadResourceResponse, RequestStateCodec, ServerConfig, SubscribeRequestParams,
    UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::content;
use crate::rounds::{Round, play};

/// The server.
#[derive(Clone)]
pub(crate) struct Fixture {
    codec: Arc<RequestStateCodec>,
}

impl Fixture {
    /// With a key that nobody else has.
    pub(crate) fn new() -> Self {
        let key: Vec<u8> = (0..3).flat_map(|_| *datamcp::clock::fresh_uuid().as_bytes()).collect();
        Self { codec: Arc::new(RequestStateCodec::try_new(key).expect("a key of 48 bytes")) }
    }
}

/// A value of the protocol from what goes over the wire.
fn of<T: DeserializeOwned>(wire: Value) -> Result<T, ErrorData> {
    serde_json::from_value(wire).map_err(|e| ErrorData::internal_error(e.to_string(), None))
}

/// A result of the protocol: whole, as no more rounds follow.
fn result<T: DeserializeOwned>(mut wire: Value) -> Result<T, ErrorData> {
    if let Some(fields) = wire.as_object_mut() {
        fields.insert("resultType".to_owned(), json!("complete"));
    }
    of(wire)
}

fn text(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

type Context = RequestContext<RoleServer>;

async fn progress(context: &Context) {
    let Some(token) = context.meta.get_progress_token() else { return };
    for done in [0.0, 50.0, 100.0] {
        let note = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
        drop(context.peer.notify_progress(note).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The older way to ask: a request of ours in the middle of theirs.
async fn ask(context: &Context, question: Value) -> Result<CallToolResult, ErrorData> {
    let able = context.client_capabilities().is_some_and(|able| able.elicitation.is_some());
    if !able {
        let why = "this client cannot be asked";
        return result(json!({ "isError": true, "content": [{ "type": "text", "text": why }] }));
    }
    let asked = context
        .peer
        .create_elicitation(of(question)?)
        .await
        .map_err(|e| ErrorData::internal_error(e.to_string(), None))?;
    let said = json!(asked);
    let field = |name: &str| said.get(name).cloned().unwrap_or_default();
    let action = field("action").as_str().unwrap_or_default().to_owned();
    result(text(&format!("Elicitation completed: action={action}, content={}", field("content"))))
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = of(json!({
            "tools": {}, "prompts": {}, "completions": {}, "resources": { "subscribe": true },
        }));
        ServerConfig::new(capabilities.unwrap_or_default())
            .with_server_info(Implementation::new("datamcp-fixture", env!("CARGO_PKG_VERSION")))
    }

    async fn discover(&self, _: Context) -> Result<DiscoverResult, ErrorData> {
        let mut info = self.get_info();
        // Of the older revisions alone: the newest has another way, and nothing here ever changes.
        if let Some(resources) = &mut info.capabilities.resources {
            resources.subscribe = None;
        }
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, info))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        result(content::tools())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = request.name.as_ref();
        let given = Value::Object(request.arguments.unwrap_or_default());
        let able = context.client_capabilities().unwrap_or_default();
        match tool {
            "test_tool_with_progress" => progress(&context).await,
            "test_reconnection" => tokio::time::sleep(Duration::from_millis(300)).await,
            "test_missing_capability" if able.sampling.is_none() => {
                let needed = of(json!({ "sampling": {} }))?;
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            "test_missing_capability" => return Ok(result::<CallToolResult>(text("able"))?.into()),
            _ => {}
        }
        let (answers, state) = (request.input_responses.as_ref(), request.request_state.as_deref());
        match play(&self.codec, tool, answers, state)? {
            Some(Round::Ask(asked)) => return Ok(asked.into()),
            Some(Round::Done(said)) => return Ok(result::<CallToolResult>(text(&said))?.into()),
            None => {}
        }
        if let Some(question) = content::question(tool, &given) {
            return ask(&context, question).await.map(Into::into);
        }
        let answer = content::answer(tool)
            .ok_or_else(|| ErrorData::invalid_params(format!("unknown tool {tool}"), None))?;
        Ok(result::<CallToolResult>(answer)?.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        result(content::resources())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        result(content::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri;
        let held = content::resource(&uri).ok_or_else(|| {
            ErrorData::invalid_params("resource not found", Some(json!({ "uri": uri })))
        })?;
        Ok(ReadResourceResponse::Complete(result(held)?))
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        result(content::prompts())
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (answers, state) = (request.input_responses.as_ref(), request.request_state.as_deref());
        match play(&self.codec, &request.name, answers, state)? {
            Some(Round::Ask(asked)) => return Ok(asked.into()),
            Some(Round::Done(said)) => {
                let content = json!({ "type": "text", "text": said });
                let said = json!({ "messages": [{ "role": "user", "content": content }] });
                return Ok(result::<GetPromptResult>(said)?.into());
            }
            None => {}
        }
        let given = Value::Object(request.arguments.unwrap_or_default());
        let said = content::prompt(&request.name, &given).ok_or_else(|| {
            ErrorData::invalid_params(format!("unknown prompt {}", request.name), None)
        })?;
        Ok(result::<GetPromptResult>(said)?.into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        result(
            json!({ "completion": { "values": ["paris", "park", "party"], "total": 3, "hasMore": false } }),
        )
    }
}
