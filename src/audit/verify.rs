//! Finds any edit, deletion, reordering or truncation of the log.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::anchor::Head;
use super::entry::Log;
use super::event::EventRecord;
use super::store::{OperationRow, Query, project};
use crate::error::Result;
use crate::model::OperationId;

/// The first thing that is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Chain.
    pub chain: String,
    /// Sequence number of the first bad event, or of the first that is missing.
    pub seq: u64,
    /// Operation of that event, when there is one.
    pub operation: Option<OperationId>,
    /// What is wrong.
    pub what: String,
}

/// What a verification saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Chains looked at.
    pub chains: usize,
    /// Events looked at.
    pub events: u64,
    /// Rows compared with their projection.
    pub operations: usize,
    /// One fault per bad chain, and one per row that its events do not tell.
    pub faults: Vec<Fault>,
}

const PAGE: usize = 500;

/// Reads every chain from its first event, recomputes hashes and rows, and compares heads with the second place.
pub async fn verify(log: &Log) -> Result<Report> {
    let mut report = Report::default();
    let anchored: HashMap<String, Head> = log.anchor().heads().await?.into_iter().collect();
    let mut chains = log.store().chains().await?;
    chains.extend(anchored.keys().filter(|c| !chains.contains(c)).cloned().collect::<Vec<_>>());
    for chain in chains {
        report.chains += 1;
        let mut rows = HashMap::new();
        if let Some(fault) =
            walk(log, &chain, anchored.get(&chain), &mut rows, &mut report.events).await?
        {
            report.faults.push(fault);
            continue;
        }
        for (id, row) in rows {
            report.operations += 1;
            let stored = log.store().row(id).await;
            let same = matches!(&stored, Ok(Some(stored)) if *stored == row);
            if !same && !tells(log, id, stored.ok().flatten().as_ref()).await {
                report.faults.push(bad_row(&chain, Some(id), "is not what the events tell"));
            }
        }
    }
    strays(log, &mut report).await;
    Ok(report)
}

fn bad_row(chain: &str, operation: Option<OperationId>, what: &str) -> Fault {
    Fault {
        chain: chain.to_owned(),
        seq: 0,
        operation,
        what: format!("the row of mcp_ops_log {what}"),
    }
}

/// Whether the events as they are now tell this row: one may have come in since the chain was walked.
async fn tells(log: &Log, id: OperationId, row: Option<&OperationRow>) -> bool {
    let Ok(events) = log.store().history(id).await else {
        return false;
    };
    let told = events
        .iter()
        .try_fold(None, |row: Option<OperationRow>, event| project(row.as_ref(), event).map(Some));
    matches!((told, row), (Some(Some(told)), Some(row)) if told == *row)
}

/// Rows that no event tells of.
async fn strays(log: &Log, report: &mut Report) {
    let mut query = Query { limit: PAGE, ..Query::default() };
    loop {
        let Ok(page) = log.store().rows(&query).await else {
            report.faults.push(bad_row("", None, "cannot be read"));
            return;
        };
        for row in &page.rows {
            let events = log.store().history(row.id).await;
            if events.is_ok_and(|e| e.is_empty()) {
                let fault = bad_row(&row.chain, Some(row.id), "has no event");
                report.faults.push(fault);
            }
        }
        match page.rows.last() {
            Some(last) if page.more => query.before = Some(last.id),
            _ => return,
        }
    }
}

async fn walk(
    log: &Log,
    chain: &str,
    anchored: Option<&Head>,
    rows: &mut HashMap<OperationId, OperationRow>,
    seen: &mut u64,
) -> Result<Option<Fault>> {
    let mut last: Option<(u64, String)> = None;
    let fault = |seq, operation, what: &str| {
        Some(Fault { chain: chain.to_owned(), seq, operation, what: what.to_owned() })
    };
    loop {
        let after = last.as_ref().map_or(0, |(seq, _)| *seq);
        let events = match log.store().events(chain, after, PAGE).await {
            Err(error) if error.details.contains_key("seq") => {
                return Ok(fault(after + 1, None, "the event cannot be read"));
            }
            other => other?,
        };
        for event in &events {
            *seen += 1;
            if let Some(what) = broken(event, chain, last.as_ref(), anchored) {
                return Ok(fault(
                    last.as_ref().map_or(1, |(seq, _)| seq + 1),
                    Some(event.event.operation),
                    what,
                ));
            }
            let id = event.event.operation;
            match project(rows.get(&id), event) {
                Some(row) => drop(rows.insert(id, row)),
                None => {
                    return Ok(fault(
                        event.seq,
                        Some(id),
                        "the event does not follow from the ones before it",
                    ));
                }
            }
            last = Some((event.seq, event.hash.clone()));
        }
        if events.is_empty() {
            break;
        }
    }
    let end = last.map_or(0, |(seq, _)| seq);
    match anchored {
        Some(head) if head.seq > end => Ok(fault(
            end + 1,
            None,
            "events are missing at the end: the second place knows a newer head",
        )),
        None if end > 1 => Ok(fault(1, None, "the second place does not know this chain")),
        _ => Ok(None),
    }
}

fn broken(
    event: &EventRecord,
    chain: &str,
    last: Option<&(u64, String)>,
    anchored: Option<&Head>,
) -> Option<&'static str> {
    let (seq, hash) = last.map_or((0, ""), |(seq, hash)| (*seq, hash.as_str()));
    if event.event.chain != chain {
        return Some("the event belongs to another chain");
    }
    if event.seq != seq + 1 {
        return Some("an event is missing or out of order");
    }
    if event.prev_hash != hash {
        return Some("the event does not follow from the one before it");
    }
    if event.computed_hash() != event.hash {
        return Some("the event was edited");
    }
    if anchored.is_some_and(|head| head.seq == event.seq && head.hash != event.hash) {
        return Some("the second place knows another event here");
    }
    None
}
