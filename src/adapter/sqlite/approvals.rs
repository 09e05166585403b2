//! Approvals: one record a plan, each step of its life a conditional write.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{Sqlite, Stop};
use crate::approval::store::{ApprovalRecord, ApprovalState, ApprovalStore};
use crate::error::{Error, Result};
use crate::model::{ApprovalId, OperationId, PlanId};

#[async_trait]
impl ApprovalStore for Sqlite {
    async fn request(&self, record: &ApprovalRecord) -> Result<ApprovalRecord> {
        let record = record.clone();
        self.off(move |store| {
            store.write("asking for an approval", |tx| {
                if let Some(first) = find(tx, "plan", &record.plan.to_string())? {
                    return Ok(first);
                }
                tx.prepare_cached(
                    "INSERT INTO approvals (id, plan, expires, record) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![
                    record.id.to_string(),
                    record.plan.to_string(),
                    sortable(record.expires),
                    text(&record)?
                ])?;
                Ok(record)
            })
        })
        .await
    }

    async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalRecord>> {
        self.off(move |store| {
            store.read("reading an approval", None, |db| find(db, "id", &id.to_string()))
        })
        .await
    }

    async fn for_plan(&self, plan: PlanId) -> Result<Option<ApprovalRecord>> {
        self.off(move |store| {
            store.read("reading an approval", None, |db| find(db, "plan", &plan.to_string()))
        })
        .await
    }

    async fn open(&self, now: Timestamp) -> Result<Vec<ApprovalRecord>> {
        self.off(move |store| {
            store.read("listing approvals", Vec::new(), |db| {
                let mut all = db
                    .prepare_cached(
                        "SELECT record FROM approvals
                         WHERE state IN ('requested', 'granted') AND expires > ?",
                    )?
                    .query_and_then([sortable(now)], |r| parse(&r.get::<_, String>(0)?))?
                    .collect::<Result<Vec<_>, Stop>>()?;
                all.sort_by_key(|record| (record.created, record.id));
                Ok(all)
            })
        })
        .await
    }

    async fn decide(&self, id: ApprovalId, state: &ApprovalState) -> Result<bool> {
        const DOING: &str = "deciding about an approval";
        if !matches!(state, ApprovalState::Granted(_) | ApprovalState::Rejected(_)) {
            return Err(Error::internal(DOING, "the state is not a decision"));
        }
        let state = state.clone();
        self.off(move |store| {
            store.write(DOING, |tx| {
                let Some(mut record) = find(tx, "id", &id.to_string())? else {
                    let error = Error::invalid("approval", id.to_string(), "is not known");
                    return Err(error.next("list what waits with `datamcp approvals`").into());
                };
                if record.state != ApprovalState::Requested {
                    return Ok(false);
                }
                record.state = state;
                put(tx, &record)?;
                Ok(true)
            })
        })
        .await
    }

    async fn spend(&self, id: ApprovalId, operation: OperationId) -> Result<bool> {
        self.off(move |store| {
            store.write("spending an approval", |tx| {
                let Some(mut record) = find(tx, "id", &id.to_string())? else {
                    return Ok(false);
                };
                let ApprovalState::Granted(evidence) = record.state else {
                    return Ok(false);
                };
                record.state = ApprovalState::Spent { operation, evidence };
                put(tx, &record)?;
                Ok(true)
            })
        })
        .await
    }
}

fn sortable(ts: Timestamp) -> String {
    format!("{ts:.9}")
}

fn text(record: &ApprovalRecord) -> Result<String, Stop> {
    serde_json::to_string(record).map_err(|e| Error::internal("storing an approval", e).into())
}

fn parse(text: &str) -> Result<ApprovalRecord, Stop> {
    serde_json::from_str(text).map_err(|e| Error::internal("reading an approval", e).into())
}

/// By `id` or by `plan`; both are unique.
fn find(db: &Connection, column: &str, value: &str) -> Result<Option<ApprovalRecord>, Stop> {
    db.prepare_cached(&format!("SELECT record FROM approvals WHERE {column} = ?"))?
        .query_and_then([value], |r| parse(&r.get::<_, String>(0)?))?
        .next()
        .transpose()
}

fn put(tx: &Transaction<'_>, record: &ApprovalRecord) -> Result<(), Stop> {
    tx.prepare_cached("UPDATE approvals SET record = ? WHERE id = ?")?
        .execute(params![text(record)?, record.id.to_string()])?;
    Ok(())
}
