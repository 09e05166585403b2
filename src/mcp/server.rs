//! Answers MCP requests. A call that is cancelled or whose client goes away ends the waiting only.

use std::sync::Arc;

use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, Implementation,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProgressToken,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{Peer, RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::mpsc;

use super::tools::listing;
use crate::model::Actor;
use crate::model::name::nearest;
use crate::operation::{World, call, catalog};
use crate::run::Progress;

/// Teaches a model the order of things.
const INSTRUCTIONS: &str = "datamcp changes infrastructure in three steps: plan, approval, apply. \
1. Call a mutating tool with its defaults: nothing changes, you get a plan_id and a summary; show them to the person. \
2. Call it again with plan_id and dry_run=false. If a person has to approve, the answer is status approval_required and \
approval.how says what the person does; you cannot approve. 3. After the approval make the same call once more: exactly \
the reviewed plan runs. Long work answers with status running: follow it with get_operation (wait_s). Cancelling a call \
does not stop the work; cancel_operation does. Begin with list_environments and preflight.";

/// The server.
#[derive(Clone)]
pub(super) struct Server {
    world: Arc<World>,
    os_user: String,
}

impl Server {
    /// A server for this operating system's user.
    pub(super) fn new(world: Arc<World>, os_user: String) -> Self {
        Self { world, os_user }
    }

    fn actor(&self, context: &RequestContext<RoleServer>) -> Actor {
        let agent = context.client_info().map(|client| {
            let clean =
                |text: &str| text.chars().filter(|c| !c.is_control()).take(60).collect::<String>();
            format!("{} {}", clean(&client.name), clean(&client.version))
        });
        Actor {
            principal: self.world.config.principal(&self.os_user).name,
            os_user: self.os_user.clone(),
            agent,
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new("datamcp", env!("CARGO_PKG_VERSION")).with_title("DataMCP"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listing().to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        listing().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = catalog::find(&request.name).ok_or_else(|| unknown(&request.name))?;
        let actor = self.actor(&context);
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let shown =
            context.meta.get_progress_token().map(|token| show(context.peer.clone(), token));
        let mut see = |progress: &Progress| {
            if let Some(shown) = &shown {
                drop(shown.send(progress.clone()));
            }
        };
        let answered = tokio::select! {
            answered = call(&self.world, &actor, tool, arguments, &mut see) => answered,
            () = context.ct.cancelled() => {
                return Err(ErrorData::internal_error("the call was cancelled; an operation it started goes on", None));
            }
        };
        let result = if answered.failed {
            CallToolResult::structured_error(answered.answer)
        } else {
            CallToolResult::structured(answered.answer)
        };
        Ok(result.into())
    }
}

/// Sends progress in order, each with a number above the one before it.
fn show(peer: Peer<RoleServer>, token: ProgressToken) -> mpsc::UnboundedSender<Progress> {
    let (send, mut receive) = mpsc::unbounded_channel::<Progress>();
    tokio::spawn(async move {
        let mut ticks = 0.0;
        while let Some(progress) = receive.recv().await {
            ticks += 1.0;
            let message = match progress.total {
                0 => progress.message,
                total => format!("{} ({}/{total})", progress.message, progress.done),
            };
            let note = ProgressNotificationParam::new(token.clone(), ticks).with_message(message);
            if peer.notify_progress(note).await.is_err() {
                break;
            }
        }
    });
    send
}

fn unknown(name: &str) -> ErrorData {
    let near = nearest(name, catalog::TOOLS.iter().map(|tool| tool.name));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}"));
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    ErrorData::invalid_params(format!("unknown tool {shown}{hint}"), None)
}
