//! Heads of the log's chains in one text file a chain, lines only ever added: `SEQ HASH`. Worth as much as its place:
//! on another disk or another host than the log it tells a cut or rewritten log from a whole one.
#![expect(clippy::disallowed_methods, reason = "this adapter keeps files; it is the door to them")]

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rustix::fs::{FlockOperation, flock};

use super::{failed, make_folder, off, original, plain, sync_folder};
use crate::audit::anchor::{Anchor, Head};
use crate::error::{Error, ErrorCode, Result};

const DOING: &str = "anchoring the log";
const SUFFIX: &str = ".heads";
/// Begins the line about an event that differs from the anchored one of its number.
const FORK: &str = "differs";
/// How far back an older head is compared with what was anchored.
const TAIL: u64 = 64 * 1024;

/// Heads in a folder.
#[derive(Debug, Clone)]
pub struct FileAnchor {
    folder: PathBuf,
}

impl FileAnchor {
    /// Heads in this folder. Touches nothing yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[async_trait]
impl Anchor for FileAnchor {
    /// Once the log was found to hold another event than the anchored one of that number, every further head of that
    /// chain is refused: such a log was cut and grew again.
    async fn put(&self, chain: &str, head: &Head) -> Result<()> {
        let (folder, chain, head) = (self.folder.clone(), chain.to_owned(), head.clone());
        off(move || put(&folder, &chain, &head)).await
    }

    async fn heads(&self) -> Result<Vec<(String, Head)>> {
        let folder = self.folder.clone();
        off(move || heads(&folder)).await
    }
}

/// What the end of a file says.
#[derive(Default)]
struct Known {
    /// Heads, oldest first.
    heads: Vec<Head>,
    /// The anchored head that the log was found to differ from.
    fork: Option<Head>,
    /// Whether the last line has its end.
    whole: bool,
}

fn put(folder: &Path, chain: &str, head: &Head) -> Result<()> {
    make_folder(DOING, folder)?;
    let path = folder.join(format!("{}{SUFFIX}", plain(chain)));
    let mut file = File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| failed(DOING, &path, e))?;
    // Held until the file is closed: lines go in one after the other, whoever writes them.
    flock(&file, FlockOperation::LockExclusive).map_err(|e| failed(DOING, &path, e))?;
    let known = look(&mut file).map_err(|e| failed(DOING, &path, e))?;
    if let Some(anchored) = known.fork {
        return Err(forked(chain, &anchored));
    }
    let newest = known.heads.last().map_or(0, |h| h.seq);
    let (line, answer) = if head.seq > newest {
        (format!("{} {}\n", head.seq, head.hash), Ok(()))
    } else {
        match known.heads.iter().find(|h| h.seq == head.seq) {
            Some(anchored) if anchored.hash != head.hash => (
                format!("{FORK} {} {} {}\n", anchored.seq, anchored.hash, head.hash),
                Err(forked(chain, anchored)),
            ),
            _ => return Ok(()),
        }
    };
    let ended = if known.whole { "" } else { "\n" };
    file.write_all(format!("{ended}{line}").as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|e| failed(DOING, &path, e))?;
    if known.heads.is_empty() {
        sync_folder(DOING, folder)?;
    }
    answer
}

fn forked(chain: &str, anchored: &Head) -> Error {
    Error::new(
        ErrorCode::AuditUnavailable,
        format!(
            "{DOING}: event {} of chain {chain} is not the one that was anchored",
            anchored.seq
        ),
    )
    .detail("seq", anchored.seq)
    .next("the log was cut or replaced: run `datamcp ops verify`; a person restores it or puts the anchor away")
}

/// Reads the end of the file; lines that are not whole or not ours do not count.
fn look(file: &mut File) -> std::io::Result<Known> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut known = Known { whole: text.is_empty() || text.ends_with('\n'), ..Known::default() };
    let whole = text.rfind('\n').map_or("", |end| text.get(..end).unwrap_or(""));
    for line in whole.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [seq, hash] => known.heads.extend(parse(seq, hash)),
            [FORK, seq, hash, _] => known.fork = known.fork.or_else(|| parse(seq, hash)),
            _ => {}
        }
    }
    Ok(known)
}

fn parse(seq: &str, hash: &str) -> Option<Head> {
    let digits = hash.strip_prefix("sha256:")?;
    let well_formed = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then_some(Head { seq: seq.parse().ok()?, hash: hash.to_owned() })
}

fn heads(folder: &Path) -> Result<Vec<(String, Head)>> {
    const READING: &str = "reading the anchor of the log";
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(READING, folder, e)),
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| failed(READING, folder, e))?.path();
        let chain = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(SUFFIX))
            .and_then(original);
        let Some(chain) = chain else { continue };
        let mut known = File::open(&path)
            .and_then(|mut file| look(&mut file))
            .map_err(|e| failed(READING, &path, e))?;
        if let Some(head) = known.fork.or_else(|| known.heads.pop()) {
            all.push((chain, head));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(seq: u64, salt: &str) -> Head {
        let hash = crate::model::Digest::of(format!("{seq}{salt}"));
        Head { seq, hash: hash.as_str().to_owned() }
    }

    #[tokio::test]
    async fn the_newest_head_of_each_chain_counts() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(folder.path().join("anchor"));
        assert!(anchor.heads().await.unwrap().is_empty());
        for (chain, seq) in [("aws/dev", 1), ("unbound", 1), ("aws/dev", 2), ("aws/dev", 1)] {
            anchor.put(chain, &head(seq, "")).await.unwrap();
        }
        let heads = anchor.heads().await.unwrap();
        let want = [("aws/dev".to_owned(), head(2, "")), ("unbound".to_owned(), head(1, ""))];
        assert_eq!(heads, want);
        let text = std::fs::read_to_string(folder.path().join("anchor/aws+dev.heads")).unwrap();
        assert_eq!(text.lines().count(), 2);
    }

    #[tokio::test]
    async fn a_torn_line_does_not_count_and_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(folder.path());
        anchor.put("c", &head(1, "")).await.unwrap();
        let path = folder.path().join("c.heads");
        let mut file = File::options().append(true).open(path).unwrap();
        file.write_all(b"2 sha256:0123").unwrap();
        assert_eq!(anchor.heads().await.unwrap(), [("c".into(), head(1, ""))]);
        anchor.put("c", &head(2, "")).await.unwrap();
        assert_eq!(anchor.heads().await.unwrap(), [("c".into(), head(2, ""))]);
    }

    #[tokio::test]
    async fn heads_put_at_once_and_in_any_order_end_with_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let tasks: Vec<_> = (1..=100)
            .map(|n| {
                let anchor = FileAnchor::new(folder.path());
                tokio::spawn(async move { anchor.put("c", &head(n * 37 % 101, "")).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let heads = FileAnchor::new(folder.path()).heads().await.unwrap();
        assert_eq!(heads, [("c".into(), head(100, ""))]);
    }

    #[tokio::test]
    async fn bar_20_a_log_that_was_cut_and_grew_again_stays_found() {
        let folder = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(folder.path());
        for n in 1..=3 {
            anchor.put("c", &head(n, "")).await.unwrap();
        }
        for n in 2..=5 {
            let error = anchor.put("c", &head(n, "other")).await.unwrap_err();
            assert_eq!(error.code, ErrorCode::AuditUnavailable);
            assert!(error.message.contains("event 2"), "{}", error.message);
        }
        assert_eq!(anchor.heads().await.unwrap(), [("c".into(), head(2, ""))]);
    }

    #[test]
    fn names_come_back() {
        for name in ["aws/dev", "organization/acme", "unbound", "A+b%c ü.d"] {
            assert_eq!(original(&plain(name)).as_deref(), Some(name));
        }
    }
}
