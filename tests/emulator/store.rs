//! Nothing happens unrecorded: without a log nothing is started, and whoever changes the log is found out.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::harness::{Project, chain, for_real, structured};

fn log(project: &Project) -> PathBuf {
    project.state().join("log.db")
}

/// Every way to change something is refused for want of a log; nothing was started.
#[track_caller]
fn nothing_starts(project: &Project, plan: &str) {
    let runs = || fs::read_dir(project.state().join("runs")).unwrap().count();
    let before = (runs(), project.serial(), project.effects().count());
    let target = json!({ "cloud": "aws", "env": "dev" });
    let real = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let at_once = for_real(&json!({}));
    let calls = [
        ("apply_terraform", &target),
        ("apply_terraform", &at_once),
        ("apply_terraform", &real),
        ("destroy_terraform", &target),
    ];
    thread::scope(|scope| {
        let calls = calls.map(|(tool, request)| scope.spawn(move || project.call(tool, request)));
        for call in calls {
            call.join().unwrap().refused("audit_unavailable");
        }
    });
    assert_eq!((runs(), project.serial(), project.effects().count()), before);
}

fn planned() -> (Project, String, String) {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    let id = project.apply(&json!({})).expect("succeeded").operation();
    let plan = project.plan(&json!({ "turn": "1" })).at("/plan_id");
    (project, id, plan)
}

fn carries_on(project: &Project, plan: &str) {
    let real = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    project.call("apply_terraform", &real).expect("succeeded");
    project.log_is_whole();
}

#[test]
fn promise_5_security_11_fault_20_a_log_that_cannot_be_written_stops_changes_and_no_reads() {
    let (project, id, plan) = planned();
    let writer = Connection::open(log(&project)).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    nothing_starts(&project, &plan);
    let mut client = project.serve();
    let target = json!({ "cloud": "aws", "env": "dev" });
    for (tool, request) in [
        ("list_environments", json!({})),
        ("list_operations", json!({})),
        ("get_operation", json!({ "id": id })),
        ("terraform_outputs", target.clone()),
        ("preflight", target),
    ] {
        let answer = structured(client.call(tool, &request, &mut |_| {}).unwrap());
        assert_eq!(answer.code, Some(0), "{tool}: {:#}", answer.value);
    }
    writer.execute_batch("ROLLBACK").unwrap();
    carries_on(&project, &plan);
}

#[test]
fn promise_5_security_11_without_a_log_or_its_second_place_nothing_starts() {
    let (project, _, plan) = planned();
    sql(&project, |db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap());
    let whole = fs::read(log(&project)).unwrap();
    let in_the_way = |path: &Path, work: &dyn Fn()| {
        let moved = path.with_extension("moved");
        fs::rename(path, &moved).unwrap();
        if moved.is_dir() {
            fs::write(path, "in the way").unwrap();
            work();
            fs::remove_file(path).unwrap();
        } else {
            fs::create_dir(path).unwrap();
            work();
            fs::remove_dir(path).unwrap();
        }
        fs::rename(&moved, path).unwrap();
    };
    in_the_way(&log(&project), &|| {
        nothing_starts(&project, &plan);
        let checks = project.call("preflight", &json!({}));
        assert_eq!(checks.at("/ok"), "false", "preflight tells what is wrong");
        assert!(checks.value.to_string().contains("operations log"));
    });
    in_the_way(&project.state().join("anchor"), &|| nothing_starts(&project, &plan));
    // What was recorded without its second place is not trusted silently either: back to what was whole.
    restore(&log(&project), &whole);
    carries_on(&project, &plan);
}

/// What somebody does to the log, and the event at which it has to be found.
const DEEDS: [(&str, &str, u64); 8] = [
    ("edited", "UPDATE events SET event = replace(event, 'agent', 'nobody') WHERE seq = 3", 3),
    ("hash edited", "UPDATE events SET hash = prev_hash WHERE seq = 3", 3),
    ("deleted", "DELETE FROM events WHERE seq = 4", 4),
    (
        "reordered",
        "UPDATE events SET seq = -seq WHERE seq IN (3, 4); \
         UPDATE events SET seq = 7 + seq WHERE seq < 0",
        3,
    ),
    ("cut", "DELETE FROM events WHERE seq > 5", 6),
    ("first one deleted", "DELETE FROM events WHERE seq = 1", 1),
    ("all deleted", "DELETE FROM events", 1),
    ("moved to another chain", "UPDATE events SET chain = 'aws/other' WHERE seq = 6", 6),
];

#[test]
fn promise_5_fault_25_bar_20_a_changed_log_is_found_at_its_first_bad_event() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    for turn in ["1", "2"] {
        project.apply(&json!({ "turn": turn })).expect("succeeded");
    }
    project.log_is_whole();
    let events: i64 = sql(&project, |db| {
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        db.query_row("SELECT count(*) FROM events WHERE chain = 'aws/dev'", [], |r| r.get(0))
            .unwrap()
    });
    assert!(events >= 6, "{events}");
    let whole = fs::read(log(&project)).unwrap();
    for (deed, statement, seq) in DEEDS {
        sql(&project, |db| {
            db.execute_batch(statement).unwrap();
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        });
        let answer = project.cli(&["--json", "ops", "verify"]);
        assert_eq!(answer.code, Some(1), "{deed}: {}", answer.out);
        let faults = answer.value["faults"].as_array().unwrap();
        let found = faults.iter().find(|f| f["chain"] == "aws/dev").unwrap_or(&Value::Null);
        assert_eq!(found["seq"], seq, "{deed}: {}", answer.out);
        assert!(project.cli(&["ops", "verify"]).out.contains(&seq.to_string()), "{deed}");
        restore(&log(&project), &whole);
        project.log_is_whole();
    }
}

#[test]
fn promise_5_a_changed_row_is_found() {
    let project = Project::with(|effects| chain(effects, 1, 0.0));
    let id = project.apply(&json!({})).expect("succeeded").operation();
    sql(&project, |db| {
        db.execute("UPDATE mcp_ops_log SET status = 'failed' WHERE id = ?", [&id]).unwrap();
    });
    let answer = project.cli(&["--json", "ops", "verify"]);
    assert_eq!(answer.code, Some(1));
    assert_eq!(answer.at("/faults/0/operation"), id, "{}", answer.out);
}

fn sql<T>(project: &Project, work: impl FnOnce(&Connection) -> T) -> T {
    let db = Connection::open(log(project)).unwrap();
    work(&db)
}

fn restore(path: &Path, bytes: &[u8]) {
    for beside in ["-wal", "-shm"] {
        let name = format!("{}{beside}", path.file_name().unwrap().to_string_lossy());
        drop(fs::remove_file(path.with_file_name(name)));
    }
    fs::write(path, bytes).unwrap();
}
