//! MCP over streamable HTTP, for clients on this machine. The protocol is the SDK's; ours are the doors in front of it:
//! loopback only, a token that only this user can read, known hosts and origins, JSON as strict as on standard input.
//!
//! TLS and sign-in are not there: off loopback it does not start.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rmcp::ServerHandler;
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, JsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::wire;
use crate::error::{Error, Result};
use crate::operation::strict;
use crate::secret::Secret;

/// Where the protocol is spoken.
pub const PATH: &str = "/mcp";
/// Pages that may call: those of this machine. A page of anywhere else that was led here by a name of its own is refused.
const ORIGINS: [&str; 3] = ["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"];
/// How long running answers may take once we are told to stop.
const FAREWELL: Duration = Duration::from_secs(4);

/// A socket on this machine that listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens; refuses what other machines could reach.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        if !address.ip().is_loopback() {
            return Err(Error::invalid(
                "http",
                address.to_string(),
                "can be reached from other machines, and TLS and sign-in are not there yet",
            )
            .allowed("a loopback address: 127.0.0.1:PORT or [::1]:PORT"));
        }
        let failed = |e| Error::internal(&format!("listening on {address}"), e);
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// Where a client connects to.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Serves until `stop`; answers that are on their way then have a few seconds.
    pub async fn serve(self, router: Router, stop: CancellationToken) -> Result<()> {
        let told = stop.clone();
        let serving =
            axum::serve(self.socket, router).with_graceful_shutdown(told.cancelled_owned());
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            served = async { serving.await } => served.map_err(|e| Error::internal("serving over HTTP", e)),
            () = late => Ok(()),
        }
    }
}

/// The protocol at [`PATH`], each session with a handler of its own, for callers that need no token. Checks host,
/// origin, size and JSON.
pub fn router<S: ServerHandler>(
    handler: impl Fn() -> S + Send + Sync + 'static,
    stop: &CancellationToken,
) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_origins(ORIGINS)
        .with_max_request_body_bytes(strict::MAX_BYTES)
        .with_cancellation_token(stop.child_token());
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(handler()), sessions, config);
    Router::new().route_service(PATH, service).layer(from_fn(strictly))
}

/// Lets only those through who show the token.
pub fn behind(token: &Secret, router: Router) -> Router {
    let expected: [u8; 32] = Sha256::digest(token.expose()).into();
    router.layer(from_fn_with_state(expected, known))
}

/// The caller shows the token, and shows it nowhere but in its header.
async fn known(State(expected): State<[u8; 32]>, request: Request, next: Next) -> Response {
    if request.uri().query().is_some() {
        return refuse(
            StatusCode::BAD_REQUEST,
            "a query is not taken; a token goes into Authorization",
        );
    }
    // Digests are compared: how long it takes says nothing about the token.
    if bearer(request.headers()).map(Sha256::digest).is_some_and(|shown| shown[..] == expected) {
        return next.run(request).await;
    }
    let mut answer = refuse(StatusCode::UNAUTHORIZED, "the token of this server is needed");
    let scheme = header::HeaderValue::from_static("Bearer realm=\"datamcp\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    answer
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// A message is one JSON-RPC message without repeated keys, as on standard input.
async fn strictly(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    // The only other cause is a client that went away, and nobody reads that answer.
    let Ok(bytes) = to_bytes(body, strict::MAX_BYTES).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "a message has at most 4 MiB");
    };
    match wire::understand(&bytes) {
        Ok(_) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Err(refusal) => answer(StatusCode::BAD_REQUEST, *refusal),
    }
}

fn refuse(status: StatusCode, why: &'static str) -> Response {
    answer(status, JsonRpcError::new(None, ErrorData::new(ErrorCode::INVALID_REQUEST, why, None)))
}

fn answer(status: StatusCode, error: JsonRpcError) -> Response {
    let message: JsonRpcMessage<Value, Value, Value> = JsonRpcMessage::Error(error);
    let body = serde_json::to_string(&message).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
