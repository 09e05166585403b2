//! The MCP server: tools of the catalogue on stdio or loopback HTTP, for both generations of the protocol. Only this
//! module knows MCP.

mod compact;
pub mod http;
mod server;
mod stdio;
mod tools;
mod wire;

pub use tools::{described, listing};

use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::operation::World;
use crate::run::adopt::settle_all;
use crate::secret::Secret;

/// What is left behind by dead supervisors is looked after once the client has its first answers.
const ADOPT_AFTER: Duration = Duration::from_secs(1);

/// Serves on standard input and output until the client closes its end or the system stops us (SIGTERM). Running
/// operations go on in their own processes.
pub async fn serve_stdio(world: Arc<World>, os_user: String) -> Result<()> {
    adopt(&world);
    let mut terminated = terminated()?;
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

/// Serves over HTTP on this machine until the system stops us (SIGTERM) or a person does (Ctrl-C). Whoever shows the
/// token is the operating system's user: nobody else can read it.
pub async fn serve_http(
    world: Arc<World>,
    os_user: String,
    listener: http::Listener,
    token: &Secret,
) -> Result<()> {
    adopt(&world);
    let mut terminated = terminated()?;
    let stop = CancellationToken::new();
    let server = server::Server::new(world, os_user);
    let router = http::router(move || server.clone(), &stop);
    let serving = listener.serve(http::behind(token, router), stop.clone());
    let told = async {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = serving => ended,
        () = told => Ok(()),
    }
}

/// Looks, a little later, after what dead supervisors left behind.
fn adopt(world: &World) {
    let stores = world.stores();
    tokio::spawn(async move {
        tokio::time::sleep(ADOPT_AFTER).await;
        if let Err(error) = settle_all(&stores).await {
            tracing::warn!(%error, "taking over what dead supervisors left");
        }
    });
}

fn terminated() -> Result<Signal> {
    signal(SignalKind::terminate()).map_err(|e| Error::internal("listening for SIGTERM", e))
}
