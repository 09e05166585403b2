//! JSON-RPC lines on standard input and output. Unlike the SDK's own transport it answers what is not JSON (-32700),
//! batches and malformed messages (-32600) instead of dropping them, and refuses repeated keys.

use std::sync::Arc;

use rmcp::model::JsonRpcMessage;
use rmcp::service::{RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::wire;
use crate::operation::strict;

/// The transport.
pub(super) struct Stdio<R, W> {
    read: BufReader<R>,
    line: Vec<u8>,
    /// What comes up to the next line feed is the rest of a line that was refused for its length.
    skipping: bool,
    write: Arc<Mutex<W>>,
    /// A refusal that is being written. A task of its own: whoever calls `receive` may drop it at any await.
    refusing: Option<JoinHandle<std::io::Result<()>>>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stdio<R, W> {
    /// Over these ends.
    pub(super) fn new(read: R, write: W) -> Self {
        Self {
            read: BufReader::new(read),
            line: Vec::new(),
            skipping: false,
            write: Arc::new(Mutex::new(write)),
            refusing: None,
        }
    }

    /// The next line; `None` at the end of the stream. Of one that is too long only the beginning comes, which is refused;
    /// its rest is skipped, so that nothing in it is ever taken for a message. May be dropped at any await and called again.
    async fn next_line(&mut self) -> Option<Vec<u8>> {
        while self.skipping {
            let rest = self.read.fill_buf().await.ok().filter(|rest| !rest.is_empty())?;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(rest.len(), |end| end + 1);
            self.skipping = end.is_none();
            self.read.consume(length);
        }
        let limit = strict::MAX_BYTES as u64 + 2;
        let room = limit.saturating_sub(self.line.len() as u64);
        let read = (&mut self.read).take(room).read_until(b'\n', &mut self.line).await.ok()?;
        // End of the stream: what has no line feed was cut off.
        if read == 0 && self.line.is_empty() {
            return None;
        }
        self.skipping = !self.line.ends_with(b"\n") && self.line.len() as u64 >= limit;
        Some(std::mem::take(&mut self.line))
    }
}

async fn put<W: AsyncWrite + Unpin>(
    write: &Mutex<W>,
    message: &impl Serialize,
) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut write = write.lock().await;
    write.write_all(&line).await?;
    write.flush().await
}

impl<R, W> Transport<RoleServer> for Stdio<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = std::io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let write = Arc::clone(&self.write);
        async move { put(&write, &item).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(refusing) = &mut self.refusing {
                let written = refusing.await;
                self.refusing = None;
                written.ok()?.ok()?;
            }
            let line = self.next_line().await?;
            if !self.skipping && line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let understood = if self.skipping {
                Err(Box::new(wire::too_long()))
            } else {
                wire::understand(&line)
            };
            match understood {
                Ok(message) => return Some(message),
                Err(refusal) => {
                    let answer: JsonRpcMessage<Value, Value, Value> =
                        JsonRpcMessage::Error(*refusal);
                    let write = Arc::clone(&self.write);
                    self.refusing = Some(tokio::spawn(async move { put(&write, &answer).await }));
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.write.lock().await.flush().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answers(input: &str) -> Vec<Value> {
        let (client, server) = tokio::io::duplex(1 << 16);
        let mut transport = Stdio::new(std::io::Cursor::new(input.as_bytes().to_vec()), server);
        while transport.receive().await.is_some() {}
        drop(transport);
        let mut text = String::new();
        let mut client = client;
        client.read_to_string(&mut text).await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn bad_inputs_37_99_and_108_are_answered_and_the_server_lives_on() {
        let input = concat!(
            "this is not json\n",
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]\n",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}\n",
            "{\"id\":7}\n",
            "\n",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n",
        );
        let codes: Vec<i64> =
            answers(input).await.iter().map(|a| a["error"]["code"].as_i64().unwrap()).collect();
        assert_eq!(codes, [-32700, -32600, -32700, -32600]);
    }
}
