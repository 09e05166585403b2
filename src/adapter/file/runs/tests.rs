//! Of run folders.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;

async fn run() -> (tempfile::TempDir, FileRuns, OperationId) {
    let state = tempfile::tempdir().unwrap();
    let runs = FileRuns::new(state.path());
    let id = OperationId::fresh();
    runs.create(id, &json!({"vars": {"canary": "sings"}})).await.unwrap();
    (state, runs, id)
}

fn line(kind: &str) -> JournalLine {
    JournalLine { ts: jiff::Timestamp::UNIX_EPOCH, kind: kind.to_owned(), body: json!({"n": 1}) }
}

fn kinds(lines: &[JournalLine]) -> Vec<&str> {
    lines.iter().map(|l| l.kind.as_str()).collect()
}

#[tokio::test]
async fn a_run_file_is_sealed_and_made_once() {
    let (state, runs, id) = run().await;
    assert_eq!(runs.run_file(id).await.unwrap().unwrap()["vars"]["canary"], "sings");
    let error = runs.create(id, &json!(1)).await.unwrap_err();
    assert!(error.message.contains("exists already"), "{}", error.message);
    assert_eq!(runs.run_file(OperationId::fresh()).await.unwrap(), None);
    let path = state.path().join("runs").join(id.to_string());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let file = path.join("run.age");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(6).any(|w| w == b"canary"));
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(runs.run_file(id).await.is_err());
}

#[tokio::test]
async fn fault_12_a_torn_last_line_is_left_for_later_and_spoils_no_other() {
    let (state, runs, id) = run().await;
    assert_eq!(runs.journal(id, 0).await.unwrap(), (vec![], 0));
    runs.note(id, &line("intent")).await.unwrap();
    runs.note_lazily(id, &line("progress")).await.unwrap();
    let (lines, end) = runs.journal(id, 0).await.unwrap();
    assert_eq!(kinds(&lines), ["intent", "progress"]);

    let path = state.path().join(format!("runs/{id}/journal.jsonl"));
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"{\"ts\":\"1970-01-01T00:00:00Z\",\"ki").unwrap();
    assert_eq!(runs.journal(id, end).await.unwrap(), (vec![], end));
    runs.note(id, &line("exit")).await.unwrap();
    let (lines, end) = runs.journal(id, end).await.unwrap();
    assert_eq!(kinds(&lines), ["exit"]);
    assert_eq!(end, path.metadata().unwrap().len());
    assert_eq!(runs.journal(id, end + 99).await.unwrap().0, vec![]);
}

#[tokio::test]
async fn many_writers_of_one_journal_lose_no_line() {
    let (_state, runs, id) = run().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let runs = runs.clone();
            tokio::spawn(async move { runs.note_lazily(id, &line("progress")).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(runs.journal(id, 0).await.unwrap().0.len(), 50);
}

#[tokio::test]
async fn a_log_is_read_in_pieces_at_character_boundaries() {
    let (state, runs, id) = run().await;
    assert_eq!(runs.read_log(id, 0, 10).await.unwrap(), (String::new(), 0));
    runs.log(id, "aé€😀\n").await.unwrap();
    let path = state.path().join(format!("runs/{id}/log.txt"));
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"\xe2\x82x").unwrap();
    let mut all = String::new();
    loop {
        let (text, length) = runs.read_log(id, all.len() as u64, 4).await.unwrap();
        all.push_str(&text);
        assert_eq!(length, 14);
        if all.len() as u64 == length {
            break;
        }
        assert!(!text.is_empty());
    }
    assert_eq!(all, "aé€😀\n??x");
}

#[tokio::test]
async fn fault_7_of_many_requests_to_stop_one_is_the_first() {
    let (_state, runs, id) = run().await;
    assert_eq!(runs.cancel_requested(id).await.unwrap(), None);
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let runs = runs.clone();
            tokio::spawn(async move { (n, runs.request_cancel(id, &format!("p{n}")).await) })
        })
        .collect();
    let mut first = Vec::new();
    for task in tasks {
        let (n, answer) = task.await.unwrap();
        if answer.unwrap() {
            first.push(format!("p{n}"));
        }
    }
    assert_eq!(first.len(), 1);
    assert_eq!(runs.cancel_requested(id).await.unwrap(), first.pop());
}

#[tokio::test]
async fn one_supervisor_holds_a_run() {
    let (_state, runs, id) = run().await;
    assert!(!runs.is_held(id).await.unwrap());
    let hold = runs.hold(id).await.unwrap().unwrap();
    assert!(runs.is_held(id).await.unwrap());
    assert!(runs.hold(id).await.unwrap().is_none());
    drop(hold);
    assert!(!runs.is_held(id).await.unwrap());
    assert!(runs.hold(id).await.unwrap().is_some());
    assert!(
        runs.hold(OperationId::fresh()).await.unwrap().is_some(),
        "one that was never stored can be settled"
    );
}

#[tokio::test]
async fn a_result_is_replaced_whole() {
    let (_state, runs, id) = run().await;
    assert_eq!(runs.result(id).await.unwrap(), None);
    for n in 0..3 {
        runs.put_result(id, &json!({"n": n})).await.unwrap();
        assert_eq!(runs.result(id).await.unwrap().unwrap()["n"], n);
    }
}

#[tokio::test]
async fn promise_7_scratch_goes_and_what_is_kept_is_sealed() {
    let (state, runs, id) = run().await;
    let scratch = runs.scratch(id).await.unwrap();
    assert_eq!(runs.scratch(id).await.unwrap(), scratch);
    let mode = scratch.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    std::fs::create_dir(scratch.join("work")).unwrap();
    std::fs::write(scratch.join("work/errored.tfstate"), "canary").unwrap();
    std::fs::write(state.path().join("elsewhere"), "x").unwrap();
    std::os::unix::fs::symlink(state.path().join("elsewhere"), scratch.join("link")).unwrap();
    assert!(runs.close_scratch(id, &["../run.age"]).await.is_err());
    assert!(runs.scratch_size(id, "/etc/passwd").await.is_err());
    for (name, size) in [("work/errored.tfstate", Some(6)), ("link", None), ("missing", None)] {
        assert_eq!(runs.scratch_size(id, name).await.unwrap(), size);
    }
    assert!(scratch.exists());

    let kept = runs.close_scratch(id, &["work/errored.tfstate", "link", "missing"]).await.unwrap();
    assert!(!scratch.exists());
    let [path] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    assert!(path.ends_with("evidence/work+errored.tfstate.age"), "{path}");
    let sealed = std::fs::read(path).unwrap();
    assert!(!sealed.windows(6).any(|w| w == b"canary"));
    assert_eq!(Seal::new(state.path()).open(&sealed).unwrap(), b"canary");
    assert!(state.path().join("elsewhere").exists());
    assert!(runs.close_scratch(id, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn old_runs_go_but_none_that_somebody_needs() {
    let (state, runs, kept) = run().await;
    let end = |status: &str| serde_json::json!({ "status": status });
    let mut made = Vec::new();
    for status in ["succeeded", "refused", "unknown", "running"] {
        let id = OperationId::fresh();
        runs.create(id, &Value::Null).await.unwrap();
        runs.put_result(id, &end(status)).await.unwrap();
        made.push(id);
    }
    let (held, failed) = (OperationId::fresh(), OperationId::fresh());
    for id in [held, failed] {
        runs.create(id, &Value::Null).await.unwrap();
        runs.put_result(id, &end("failed")).await.unwrap();
    }
    let supervisor = runs.hold(held).await.unwrap().unwrap();
    std::fs::write(runs.scratch(failed).await.unwrap().join("errored.tfstate"), "{}").unwrap();
    assert_eq!(runs.close_scratch(failed, &["errored.tfstate"]).await.unwrap().len(), 1);

    let hour = jiff::SignedDuration::from_hours(1);
    let now = jiff::Timestamp::now();
    assert_eq!(runs.sweep(now - hour).await.unwrap(), 0, "all of them are new");
    assert_eq!(runs.sweep(now + hour).await.unwrap(), 2);
    let there = |id: OperationId| state.path().join("runs").join(id.to_string()).is_dir();
    assert_eq!(made.iter().map(|id| there(*id)).collect::<Vec<_>>(), [false, false, true, true]);
    assert!(there(held) && there(failed) && there(kept), "held; with evidence; without an answer");
    drop(supervisor);
    assert_eq!(runs.sweep(now + hour).await.unwrap(), 1);
    assert!(!there(held));
}
