//! A server of fixtures for the MCP conformance suites: the tools, prompts and resources that their scenarios want, on
//! the product's own HTTP transport. It is never part of the product, and it changes nothing.
//!
//! It listens on a free port of this machine, prints its URL, and ends with its standard input.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test program: it says where it listens, or dies"
)]

mod content;
mod fixture;
mod rounds;

use datamcp::mcp::http::{Listener, router};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = Listener::bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    println!("{}", listener.url());
    let stop = CancellationToken::new();
    let fixture = Fixture::new();
    let router = router(move || fixture.clone(), &stop);
    let gone = stop.clone();
    tokio::spawn(async move {
        drop(tokio::io::stdin().read(&mut [0]).await);
        gone.cancel();
    });
    listener.serve(router, stop).await.expect("serving");
}
