//! The log: a chain of events (`chain`) and its projection, `mcp_ops_log` (`rows`), written in one transaction.

mod chain;
mod rows;

use async_trait::async_trait;
use rusqlite::Transaction;

use super::{Sqlite, Stop};
use crate::audit::event::{Body, EventRecord, NewEvent};
use crate::audit::store::{AuditStore, OperationRow, Page, Query, project};
use crate::error::{Error, Result};
use crate::model::OperationId;

#[cfg(test)]
pub(super) use chain::STATE;
#[cfg(test)]
pub(super) use rows::select;

#[async_trait]
impl AuditStore for Sqlite {
    async fn append(&self, event: NewEvent) -> Result<EventRecord> {
        self.off(move |store| store.write("appending to the log", |tx| append(tx, event))).await
    }

    async fn row(&self, id: OperationId) -> Result<Option<OperationRow>> {
        self.off(move |store| store.read("reading an operation", None, |db| rows::row(db, id)))
            .await
    }

    async fn rows(&self, query: &Query) -> Result<Page> {
        let query = query.clone();
        self.off(move |store| {
            store.read("listing operations", Page::default(), |db| rows::rows(db, &query))
        })
        .await
    }

    async fn by_key(&self, user: &str, key: &str) -> Result<Option<OperationRow>> {
        let (user, key) = (user.to_owned(), key.to_owned());
        self.off(move |store| {
            store.read("reading an operation", None, |db| rows::by_key(db, &user, &key))
        })
        .await
    }

    async fn chains(&self) -> Result<Vec<String>> {
        self.off(|store| store.read("listing chains", Vec::new(), chain::chains)).await
    }

    async fn events(&self, chain: &str, after: u64, limit: usize) -> Result<Vec<EventRecord>> {
        let chain = chain.to_owned();
        self.off(move |store| chain::events(store, &chain, after, limit)).await
    }

    async fn history(&self, id: OperationId) -> Result<Vec<EventRecord>> {
        self.off(move |store| chain::history(store, id)).await
    }

    async fn state(
        &self,
        chain: &str,
        backend: &str,
        workspace: &str,
    ) -> Result<Option<EventRecord>> {
        let [chain, backend, workspace] = [chain, backend, workspace].map(str::to_owned);
        self.off(move |store| chain::state(store, &chain, &backend, &workspace)).await
    }
}

fn append(tx: &Transaction<'_>, mut event: NewEvent) -> Result<EventRecord, Stop> {
    let id = event.operation;
    event.ts = chain::newest(tx, id)?.map_or(event.ts, |newest| newest.max(event.ts));
    let before = rows::row(tx, id)?;
    if let Body::Received { idempotency_key: Some(key), .. } = &event.body
        && let Some(first) = rows::by_key(tx, &event.actor.principal.0, key)?
    {
        return Err(Error::invalid(
            "idempotency_key",
            key,
            format!("belongs to operation {}", first.id),
        )
        .detail("operation", first.id.to_string())
        .next(format!("ask for it with get_operation {}", first.id))
        .into());
    }
    let last = chain::last(tx, &event.chain)?;
    let record = EventRecord::link(event, last.as_ref().map(|(seq, hash)| (*seq, hash.as_str())));
    let strays = before.as_ref().is_some_and(|b| b.chain != record.event.chain);
    let Some(after) = project(before.as_ref(), &record).filter(|_| !strays) else {
        let stands = before.map_or("was never received".to_owned(), |b| {
            format!("is {} in chain {}", b.status, b.chain)
        });
        return Err(Error::internal(
            "appending to the log",
            format!("{} does not fit operation {id}, which {stands}", record.event.body.word()),
        )
        .into());
    };
    chain::insert(tx, &record)?;
    rows::put(tx, &after)?;
    Ok(record)
}

fn unreadable(why: &dyn std::fmt::Display) -> Error {
    Error::internal("reading the log", format!("a record is damaged: {why}"))
        .next("run `datamcp ops verify`")
}
