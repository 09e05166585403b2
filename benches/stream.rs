//! How fast terraform's event stream is parsed, and whether memory grows with it. Prints one line of JSON.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads its own memory from /proc")]
#![expect(clippy::cast_precision_loss, reason = "sizes of megabytes")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use datamcp::adapter::terraform::stream::Parser;

/// As the supervisor reads the file that terraform writes.
const PIECE: usize = 256 * 1024;
/// Bytes in all.
const TOTAL: usize = 100_000_000;

fn main() {
    let block = block();
    let mut parser = Parser::default();
    let (mut events, mut characters, mut bytes) = (0_u64, 0, 0);
    let before = memory("VmRSS:");
    let started = Instant::now();
    while bytes < TOTAL {
        for piece in block.as_bytes().chunks(PIECE) {
            parser.push(piece, &mut |parsed| {
                events += 1;
                characters += parsed.text.len();
            });
        }
        bytes += block.len();
    }
    parser.finish(&mut |_| events += 1);
    let seconds = started.elapsed().as_secs_f64();
    let growth = memory("VmHWM:").zip(before).map(|(after, before)| after - before);
    let answer = serde_json::json!({
        "megabytes": bytes as f64 / 1e6,
        "seconds": seconds,
        "events": events,
        "characters": characters,
        "growth_megabytes": growth,
    });
    drop(writeln!(std::io::stdout(), "{answer}"));
}

/// About 1 MB of a stream: plan, apply with progress, provisioner output, a diagnostic now and then.
fn block() -> String {
    let mut text = String::new();
    for i in 0..650 {
        let resource = format!(
            r#""resource":{{"addr":"module.network.aws_subnet.private[\"zone-{i}\"]","module":"module.network","resource":"aws_subnet.private[\"zone-{i}\"]","implied_provider":"aws","resource_type":"aws_subnet","resource_name":"private","resource_key":"zone-{i}"}}"#
        );
        let mut line = |message: &str, rest: &str| {
            _ = writeln!(
                text,
                r#"{{"@level":"info","@message":"module.network.aws_subnet.private[\"zone-{i}\"]: {message}","@module":"terraform.ui","@timestamp":"2026-11-22T10:00:00.000000Z",{rest}}}"#
            );
        };
        line(
            "Plan to create",
            &format!(r#""change":{{{resource},"action":"create"}},"type":"planned_change""#),
        );
        line(
            "Creating...",
            &format!(r#""hook":{{{resource},"action":"create"}},"type":"apply_start""#),
        );
        line(
            "Still creating... [10s elapsed]",
            &format!(
                r#""hook":{{{resource},"action":"create","elapsed_seconds":10}},"type":"apply_progress""#
            ),
        );
        if i % 50 == 0 {
            line(
                "Warning",
                r#""diagnostic":{"severity":"warning","summary":"Argument is deprecated","detail":"Use another one.\nIt will be removed.","range":{"filename":"main.tf","start":{"line":7,"column":3,"byte":90},"end":{"line":7,"column":9,"byte":96}}},"type":"diagnostic""#,
            );
        }
        line(
            "Creation complete after 12s [id=subnet-0123456789abcdef0]",
            &format!(
                r#""hook":{{{resource},"action":"create","id_key":"id","id_value":"subnet-0123456789abcdef0","elapsed_seconds":12}},"type":"apply_complete""#
            ),
        );
    }
    text
}

/// A figure of this process in megabytes, where the system tells it.
fn memory(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
