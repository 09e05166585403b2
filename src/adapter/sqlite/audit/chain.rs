//! Events as they are stored: canonical JSON with sequence number and hashes beside it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::{Inner, Stop};
use super::unreadable;
use crate::audit::event::EventRecord;
use crate::error::Result;
use crate::model::OperationId;
use crate::model::digest::canonical;

/// Sequence number and hash of a chain's newest event.
pub(super) fn last(tx: &Transaction<'_>, chain: &str) -> Result<Option<(u64, String)>, Stop> {
    Ok(tx
        .prepare_cached("SELECT seq, hash FROM events WHERE chain = ? ORDER BY seq DESC LIMIT 1")?
        .query_row([chain], |r| Ok((r.get::<_, i64>(0)?.cast_unsigned(), r.get(1)?)))
        .optional()?)
}

/// When the newest event of an operation was.
pub(super) fn newest(tx: &Transaction<'_>, id: OperationId) -> Result<Option<Timestamp>, Stop> {
    let text: Option<String> = tx
        .prepare_cached(
            "SELECT json_extract(event, '$.ts') FROM events WHERE operation = ? ORDER BY number DESC LIMIT 1",
        )?
        .query_row([id.to_string()], |r| r.get(0))
        .optional()?;
    text.map(|text| text.parse().map_err(|e| unreadable(&e).into())).transpose()
}

/// Writes an event.
pub(super) fn insert(tx: &Transaction<'_>, record: &EventRecord) -> Result<(), Stop> {
    let event = serde_json::to_value(&record.event).map_err(|e| unreadable(&e))?;
    tx.prepare_cached(
        "INSERT INTO events (chain, seq, event, prev_hash, hash) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        record.event.chain,
        record.seq.cast_signed(),
        canonical(&event),
        record.prev_hash,
        record.hash
    ])?;
    Ok(())
}

/// Names of chains by one look at the index each, not one an event.
pub(super) fn chains(db: &Connection) -> Result<Vec<String>, Stop> {
    let mut next = db.prepare_cached("SELECT min(chain) FROM events WHERE chain > ?")?;
    let mut all: Vec<String> = Vec::new();
    loop {
        let last = all.last().map_or("", String::as_str);
        match next.query_row([last], |r| r.get::<_, Option<String>>(0))? {
            Some(chain) => all.push(chain),
            None => return Ok(all),
        }
    }
}

/// What is stored of one event, before anybody looks into it.
struct Raw {
    seq: i64,
    event: Vec<u8>,
    prev_hash: String,
    hash: String,
}

impl Raw {
    const FIELDS: &str = "SELECT seq, CAST(event AS BLOB), prev_hash, hash FROM events";

    fn new(r: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { seq: r.get(0)?, event: r.get(1)?, prev_hash: r.get(2)?, hash: r.get(3)? })
    }

    fn parse(self, about: &str) -> Result<EventRecord> {
        let seq = self.seq.cast_unsigned();
        let event = serde_json::from_slice(&self.event)
            .map_err(|e| unreadable(&format!("event {seq} of {about}: {e}")).detail("seq", seq))?;
        Ok(EventRecord { seq, event, prev_hash: self.prev_hash, hash: self.hash })
    }
}

/// Events of a chain up to the first that cannot be read; when that is the very first, the error names it.
pub(super) fn events(
    store: &Inner,
    chain: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<EventRecord>> {
    let text = format!("{} WHERE chain = ? AND seq > ? ORDER BY seq LIMIT ?", Raw::FIELDS);
    let raw = store.read("reading a chain", Vec::new(), |db| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        db.prepare_cached(&text)?
            .query_map(params![chain, after, limit], Raw::new)?
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(Stop::from)
    })?;
    let mut whole = Vec::with_capacity(raw.len());
    for event in raw {
        match event.parse(&format!("chain {chain}")) {
            Ok(event) => whole.push(event),
            Err(error) if whole.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(whole)
}

pub(super) fn history(store: &Inner, id: OperationId) -> Result<Vec<EventRecord>> {
    let text = format!("{} WHERE operation = ? ORDER BY number", Raw::FIELDS);
    store
        .read("reading an operation", Vec::new(), |db| {
            db.prepare_cached(&text)?
                .query_map([id.to_string()], Raw::new)?
                .collect::<rusqlite::Result<Vec<_>>>()
                .map_err(Stop::from)
        })?
        .into_iter()
        .map(|event| event.parse(&format!("operation {id}")))
        .collect()
}

/// The newest event that tells of the state of one place; the terms are those of the index `events_by_state`.
pub(super) fn state(
    store: &Inner,
    chain: &str,
    backend: &str,
    workspace: &str,
) -> Result<Option<EventRecord>> {
    let text = format!("{} {STATE}", Raw::FIELDS);
    let raw = store.read("reading a chain", None, |db| {
        db.prepare_cached(&text)?
            .query_row(params![chain, backend, workspace], Raw::new)
            .optional()
            .map_err(Stop::from)
    })?;
    raw.map(|event| event.parse(&format!("chain {chain}"))).transpose()
}

/// What is asked of `events` for the state of one place.
pub(in crate::adapter::sqlite) const STATE: &str = "WHERE chain = ? \
    AND json_extract(event, '$.body.state.backend') = ? \
    AND json_extract(event, '$.body.state.workspace') = ? \
    AND json_extract(event, '$.body.state') IS NOT NULL ORDER BY seq DESC LIMIT 1";
