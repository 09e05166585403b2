//! Starts the HTTP server: joins the token's file, the socket and the protocol.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;

use crate::adapter::file::http_token;
use crate::cli::view;
use crate::config::Surroundings;
use crate::error::{Error, Result};
use crate::mcp::{self, http::Listener};
use crate::operation::World;

/// Serves until it is told to stop; says first where, and where the token lies. The token itself is never shown.
pub(super) async fn over_http(
    world: World,
    address: SocketAddr,
    json: bool,
    surroundings: &Surroundings,
) -> Result<()> {
    let listener = Listener::bind(address).await?;
    let (file, token) = http_token(world.config.state()).await?;
    let (url, file) = (listener.url(), file.display().to_string());
    let line = if json {
        json!({ "url": url, "token_file": file }).to_string()
    } else {
        format!("serving {url}; the bearer token is in {file}")
    };
    writeln!(view::out(), "{line}").map_err(|e| Error::internal("saying where it serves", e))?;
    mcp::serve_http(Arc::new(world), surroundings.os_user.clone(), listener, &token).await
}
