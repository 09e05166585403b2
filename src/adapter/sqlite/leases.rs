//! Leases: an operating system's file lock says who lives, a row says who was granted and with which fence.
//!
//! The file of a granted lease is inherited by children on purpose: the lock lasts as long as the holder *or any child
//! it left behind*. So three ways to let go differ: `release` unlocks for all of them, `block` only closes, and a
//! process that dies leaves lock and row as they are.
#![expect(clippy::disallowed_methods, reason = "the lock files are opened here and nowhere else")]

mod flock;
mod row;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread::sleep;

use async_trait::async_trait;
use rusqlite::{Transaction, params};
use rustix::fs::FlockOperation;
use rustix::io::{FdFlags, fcntl_setfd};

use self::flock::{LOOKS, PAUSE, patiently, plain, try_lock, unlock};
use self::row::{LeaseRow, blocked_by, find, held, json, let_go, lost};
use super::{Inner, Sqlite, Stop, lock, make_folder, not_written};
use crate::error::{Error, ErrorCode, Result};
use crate::lock::store::{Acquired, Blocked, Holder, LeaseRecord, LeaseStore};
use crate::model::OperationId;

/// A grant of this process.
pub(super) struct Held {
    operation: OperationId,
    file: File,
}

/// Looks before a lock that nobody claims is reported: about 200 ms.
const PATIENCE: u32 = 40;

#[async_trait]
impl LeaseStore for Sqlite {
    async fn acquire(&self, key: &str, holder: &Holder) -> Result<Acquired> {
        let (key, holder) = (key.to_owned(), holder.clone());
        self.off(move |store| store.acquire(&key, &holder)).await
    }

    async fn check(&self, key: &str, operation: OperationId, fence: u64) -> Result<()> {
        let key = key.to_owned();
        self.off(move |store| {
            let doing = format!("checking lock {key}");
            let row = store.read(&doing, None, |db| find(db, &key))?;
            match row {
                Some(row) if row.is_held_by(operation) && row.fence == fence => Ok(()),
                row => Err(lost(&doing, operation, fence, row.as_ref())),
            }
        })
        .await
    }

    async fn release(&self, key: &str, operation: OperationId, fence: u64) -> Result<()> {
        let key = key.to_owned();
        self.off(move |store| store.release(&key, operation, fence)).await
    }

    async fn clear(&self, key: &str, operation: OperationId) -> Result<()> {
        let key = key.to_owned();
        self.off(move |store| {
            let doing = format!("clearing lock {key}");
            store.when_idle(&doing, &key, ErrorCode::LockHeld, |tx| {
                match find(tx, &key)?.unwrap_or_default().holder {
                    Some(other) if other.operation != operation => Err(held(&doing, &other).into()),
                    Some(_) => let_go(tx, &key),
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn block(&self, key: &str, blocked: &Blocked) -> Result<()> {
        let (key, blocked) = (key.to_owned(), blocked.clone());
        self.off(move |store| store.block(&key, &blocked)).await
    }

    async fn unblock(&self, key: &str, operation: OperationId) -> Result<()> {
        let key = key.to_owned();
        self.off(move |store| {
            let doing = format!("unblocking {key}");
            store.when_idle(&doing, &key, ErrorCode::EnvironmentBlocked, |tx| {
                match find(tx, &key)?.unwrap_or_default().blocked {
                    Some(other) if other.operation != operation => {
                        Err(blocked_by(&doing, &other).into())
                    }
                    Some(_) => {
                        tx.prepare_cached("UPDATE leases SET blocked = NULL WHERE key = ?")?
                            .execute([&key])?;
                        Ok(())
                    }
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn lease(&self, key: &str) -> Result<Option<LeaseRecord>> {
        let key = key.to_owned();
        self.off(move |store| {
            let row = store.read("reading a lock", None, |db| find(db, &key))?;
            Ok(row.map(|row| store.judge(&key, row)))
        })
        .await
    }

    async fn leases(&self) -> Result<Vec<(String, LeaseRecord)>> {
        self.off(|store| {
            let rows = store.read("listing locks", Vec::new(), |db| {
                db.prepare_cached("SELECT * FROM leases ORDER BY key")?
                    .query_and_then([], |r| Ok((r.get("key")?, LeaseRow::parse(r)?)))?
                    .collect::<Result<Vec<(String, LeaseRow)>, Stop>>()
            })?;
            Ok(rows
                .into_iter()
                .map(|(key, row)| {
                    let record = store.judge(&key, row);
                    (key, record)
                })
                .collect())
        })
        .await
    }
}

impl Inner {
    fn acquire(&self, key: &str, holder: &Holder) -> Result<Acquired> {
        let doing = format!("acquiring lock {key}");
        for look in 1.. {
            if self.holds(key, holder.operation) {
                return Err(Error::internal(
                    &doing,
                    format!("operation {} has it already", holder.operation),
                ));
            }
            let file = self.lock_file(&doing, key)?;
            if try_lock(&file, FlockOperation::NonBlockingLockExclusive, &doing)? {
                return self.grant(&doing, key, holder, file);
            }
            let row = self.read(&doing, None, |db| find(db, key))?;
            let row = row.unwrap_or_default();
            match (row.blocked, row.holder) {
                (Some(blocked), _) => return Ok(Acquired::Blocked(blocked)),
                (None, Some(other)) if look >= LOOKS => return Ok(Acquired::Held(other)),
                (None, None) if look >= PATIENCE => break,
                _ => sleep(PAUSE),
            }
        }
        Err(Error::new(
            ErrorCode::LockHeld,
            format!("{doing}: a process that an earlier operation left behind keeps it"),
        )
        .detail("file", self.lock_path(key).display().to_string())
        .next("wait until that process has ended"))
    }

    /// With the file lock in hand: what the row says about it.
    fn grant(&self, doing: &str, key: &str, holder: &Holder, file: File) -> Result<Acquired> {
        let answer = self.write(doing, |tx| {
            let row = find(tx, key)?.unwrap_or_default();
            if let Some(blocked) = row.blocked {
                return Ok(Acquired::Blocked(blocked));
            }
            if let Some(dead) = row.holder.filter(|h| h.operation != holder.operation) {
                return Ok(Acquired::Abandoned(dead));
            }
            let fence = row.fence.saturating_add(1);
            tx.prepare_cached(
                "INSERT OR REPLACE INTO leases (key, fence, operation, holder) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![
                key,
                fence.cast_signed(),
                holder.operation.to_string(),
                json(holder)?
            ])?;
            Ok(Acquired::Granted(fence))
        });
        if matches!(answer, Ok(Acquired::Granted(_))) {
            // From here on children inherit the lock.
            fcntl_setfd(&file, FdFlags::empty()).map_err(|e| Error::internal(doing, e))?;
            let operation = holder.operation;
            lock(&self.held).insert(key.to_owned(), Held { operation, file });
        } else {
            unlock(&file);
        }
        answer
    }

    fn release(&self, key: &str, operation: OperationId, fence: u64) -> Result<()> {
        let doing = format!("releasing lock {key}");
        let give_back = |tx: &Transaction<'_>| {
            let row = find(tx, key)?.unwrap_or_default();
            if row.last != Some(operation) || row.fence != fence {
                return Err(lost(&doing, operation, fence, Some(&row)).into());
            }
            let_go(tx, key)
        };
        if !self.holds(key, operation) {
            let row = self.read(&doing, None, |db| find(db, key))?;
            let row = row.unwrap_or_default();
            if row.last != Some(operation) || row.fence != fence {
                return Err(lost(&doing, operation, fence, Some(&row)));
            }
            if row.holder.is_none() {
                return Ok(());
            }
            return self.when_idle(&doing, key, ErrorCode::LockHeld, give_back);
        }
        // The row first: in between, others see a lock that nobody claims and look again.
        self.write(&doing, give_back)?;
        if let Some(held) = lock(&self.held).remove(key) {
            unlock(&held.file);
        }
        Ok(())
    }

    fn block(&self, key: &str, blocked: &Blocked) -> Result<()> {
        let doing = format!("blocking {key}");
        self.write(&doing, |tx| {
            let row = find(tx, key)?.unwrap_or_default();
            if let Some(other) = row.holder.filter(|h| h.operation != blocked.operation) {
                return Err(held(&doing, &other).into());
            }
            match row.blocked {
                Some(other) if other.operation != blocked.operation => {
                    return Err(blocked_by(&doing, &other).into());
                }
                _ => {}
            }
            tx.prepare_cached(
                "INSERT INTO leases (key, fence, blocked) VALUES (?1, 0, ?2)
                 ON CONFLICT (key) DO UPDATE SET holder = NULL, blocked = ?2",
            )?
            .execute(params![key, json(blocked)?])?;
            Ok(())
        })?;
        let mut all = lock(&self.held);
        if all.get(key).is_some_and(|h| h.operation == blocked.operation) {
            // Closed, not unlocked: a child that lives on keeps the lock.
            all.remove(key);
        }
        Ok(())
    }

    /// A write that is refused while anybody, holder or child, has the file lock.
    fn when_idle(
        &self,
        doing: &str,
        key: &str,
        code: ErrorCode,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), Stop>,
    ) -> Result<()> {
        let file = self.lock_file(doing, key)?;
        if !patiently(&file, FlockOperation::NonBlockingLockExclusive, doing)? {
            return Err(Error::new(
                code,
                format!("{doing}: its operation, or a process which that left behind, is alive"),
            )
            .detail("file", self.lock_path(key).display().to_string())
            .next("wait until terraform and its plugins have ended, then try again"));
        }
        let answer = self.write(doing, work);
        unlock(&file);
        answer
    }

    fn judge(&self, key: &str, row: LeaseRow) -> LeaseRecord {
        let claimed = row.holder.is_some() || row.blocked.is_some();
        LeaseRecord {
            fence: row.fence,
            alive: claimed && self.is_locked(key),
            holder: row.holder,
            blocked: row.blocked,
        }
    }

    fn is_locked(&self, key: &str) -> bool {
        if lock(&self.held).contains_key(key) {
            return true;
        }
        let Ok(file) = File::open(self.lock_path(key)) else {
            return false;
        };
        let free = patiently(&file, FlockOperation::NonBlockingLockShared, "");
        unlock(&file);
        !free.unwrap_or(true)
    }

    fn holds(&self, key: &str, operation: OperationId) -> bool {
        lock(&self.held).get(key).is_some_and(|h| h.operation == operation)
    }

    fn lock_path(&self, key: &str) -> PathBuf {
        self.folder.join("locks").join(format!("{}.lock", plain(key)))
    }

    /// The lock file, closed in children until the lease is granted.
    fn lock_file(&self, doing: &str, key: &str) -> Result<File> {
        make_folder(doing, &self.folder.join("locks"))?;
        let path = self.lock_path(key);
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| not_written(doing, &path, &e))
    }
}
