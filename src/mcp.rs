//! The MCP server: tools of the catalogue on stdio, for both generations of the protocol. Only this module knows MCP.

mod compact;
mod server;
mod stdio;
mod tools;

pub use tools::listing;

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;

use crate::error::{Error, Result};
use crate::operation::World;
use crate::run::adopt::settle_all;

/// What is left behind by dead supervisors is looked after once the client has its first answers.
const ADOPT_AFTER: Duration = Duration::from_secs(1);

/// Serves on standard input and output until the client closes its end or the system stops us (SIGTERM). Running
/// operations go on in their own processes.
pub async fn serve_stdio(world: Arc<World>, os_user: String) -> Result<()> {
    let stores = world.stores();
    tokio::spawn(async move {
        tokio::time::sleep(ADOPT_AFTER).await;
        if let Err(error) = settle_all(&stores).await {
            tracing::warn!(%error, "taking over what dead supervisors left");
        }
    });
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|e| Error::internal("listening for SIGTERM", e))?;
    let transport = stdio::Stdio::new(tokio::io::stdin(), tokio::io::stdout());
    let service = tokio::select! {
        service = server::Server::new(world, os_user).serve(transport) => service,
        _ = terminated.recv() => return Ok(()),
    };
    let service = match service {
        Ok(service) => service,
        // A client that goes away before it said hello is no fault of anybody.
        Err(error) => {
            tracing::info!(%error, "the client left before the session began");
            return Ok(());
        }
    };
    let stop = service.cancellation_token();
    tokio::select! {
        ended = service.waiting() => drop(ended),
        _ = terminated.recv() => stop.cancel(),
    }
    Ok(())
}
