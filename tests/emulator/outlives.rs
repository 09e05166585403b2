//! Work survives: the server's death, a closed stream, a cancelled call end the waiting only. `cancel_operation` ends
//! the work, by one interrupt.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use xtask::child::Identity;
use xtask::mcp::Client;

use crate::harness::{
    Answered, Project, alive, chain, for_real, running, structured, terraform_apply, three, until,
};

/// Starts an apply over MCP and waits until terraform works on it. Returns the operation.
fn applying(project: &Project, client: &mut Client) -> (u64, String) {
    let mut arguments = for_real(&json!({}));
    arguments["wait_s"] = json!(60);
    let params = json!({ "name": "apply_terraform", "arguments": arguments });
    let request = client.begin("tools/call", &params).unwrap();
    until("terraform", 20, || !terraform_apply(&project.state()).is_empty());
    (request, project.newest("apply_terraform"))
}

/// The operation goes on to its end, and somebody else reads how it went.
fn goes_on(project: &Project, id: &str) {
    assert_eq!(terraform_apply(&project.state()).len(), 1);
    let mut other = project.serve();
    let request = json!({ "id": id, "wait_s": 30 });
    let answer = structured(other.call("get_operation", &request, &mut |_| {}).unwrap());
    let answer = answer.expect("succeeded");
    assert_eq!(answer.at("/result/status"), "succeeded");
    assert!(answer.at("/result/apply_stdout").contains("Apply complete"));
    assert_eq!(project.effects().of(id).len(), 2);
    project.lock_is_free();
    project.log_is_whole();
}

#[test]
fn fault_1_the_server_is_killed_during_an_apply() {
    let project = Project::with(|effects| chain(effects, 2, 0.7));
    let mut client = project.serve();
    let (_, id) = applying(&project, &mut client);
    client.kill().unwrap();
    goes_on(&project, &id);
}

#[test]
fn fault_3_the_client_closes_standard_input() {
    let project = Project::with(|effects| chain(effects, 2, 3.5));
    let mut client = project.serve();
    let (_, id) = applying(&project, &mut client);
    client.stop().unwrap();
    goes_on(&project, &id);
}

fn signalled(signal: Signal) {
    let project = Project::with(|effects| chain(effects, 2, 0.9));
    let mut client = project.serve();
    let (_, id) = applying(&project, &mut client);
    let server = client.pid().unwrap();
    let started = Instant::now();
    Identity::of(server).unwrap().signal(signal);
    until("the server's end", 5, || !alive(server));
    assert!(started.elapsed() < Duration::from_secs(5));
    goes_on(&project, &id);
}

#[test]
fn fault_5_the_server_is_asked_to_end() {
    signalled(Signal::TERM);
}

#[test]
fn fault_6_the_servers_terminal_closes() {
    signalled(Signal::HUP);
}

#[test]
fn fault_4_a_cancelled_call_ends_the_waiting_only() {
    let project = Project::with(|effects| chain(effects, 2, 0.7));
    let mut client = project.serve();
    let (request, id) = applying(&project, &mut client);
    let reason = json!({ "requestId": request, "reason": "the user lost patience" });
    client.notify("notifications/cancelled", &reason).unwrap();
    // The same server answers on.
    client.request("ping", &json!({}), &mut |_| {}).unwrap();
    assert!(!project.run(&id).join("cancel").exists());
    goes_on(&project, &id);
    client.stop().unwrap();
}

#[test]
fn faults_4_7_bar_15_cancel_operation_is_one_interrupt_and_lists_what_was_done() {
    let project = Project::with(|effects| three(effects, "sleep 5"));
    let id = running(&project);
    let effects = project.effects();
    until("the second step", 20, || effects.of(&id).len() == 2);

    let cancel = || project.call("cancel_operation", &json!({ "id": id }));
    let (first, second) = (cancel(), cancel());
    assert!(first.at("/next").contains("was asked to stop"), "{first:?}");
    assert!(second.at("/next").contains("one signal is all it gets"), "{second:?}");
    let answer = project.operation(&id, 30).expect("cancelled");
    let error = "/result/error";
    assert_eq!(answer.at(&format!("{error}/code")), "cancelled", "{:#}", answer.value);
    assert!(answer.at(&format!("{error}/details/done")).contains("terraform_data.a"));
    assert!(answer.at(&format!("{error}/details/not_started")).contains("terraform_data.c"));
    assert_eq!(answer.at("/result/returncode"), "1", "one signal: terraform ended by itself");
    assert!(project.serial() > 0, "the state is recorded");
    let shown = project.cli(&["--json", "ops", "show", &id]);
    assert_eq!(shown.code, Some(1), "a cancelled operation is not done");
    assert_eq!(project.cli(&["get-operation", "--id", &id]).code, Some(1));
    let asked = shown.out.matches("\"cancel_requested\"").count();
    assert_eq!(asked, 1, "one request, one signal: {}", shown.out);
    assert_eq!(effects.of(&id), ["a", "b"]);
    project.lock_is_free();
    project.log_is_whole();
    let after = cancel();
    assert_eq!(after.at("/next"), "it had ended before");
}

#[test]
fn bar_29_a_plan_is_cancelled_too() {
    let project = Project::new();
    // A plan of built-in resources is quick: the state is locked by somebody else, so that it waits for the lock.
    project.module(&chain(&project.effects(), 1, 0.0));
    std::fs::create_dir_all(project.folder().join("state")).unwrap();
    let mut request = json!({ "cloud": "aws", "env": "dev", "wait_s": 0 });
    request["vars"] = json!({});
    let blocker = hold_state(&project);
    let id = project.call("apply_terraform", &request).expect("running").operation();
    until("the plan", 20, || !plans(&project).is_empty());
    project.call("cancel_operation", &json!({ "id": id }));
    let started = Instant::now();
    let answer = project.operation(&id, 30);
    assert_eq!(answer.status(), "cancelled", "{:#}", answer.value);
    assert!(started.elapsed() < Duration::from_secs(15));
    drop(blocker);
    project.lock_is_free();
}

fn plans(project: &Project) -> Vec<Identity> {
    crate::harness::children_of_state(&project.state(), "plan")
}

/// Takes the lock that terraform takes on a local state: a POSIX record lock, by a program that lives until dropped.
fn hold_state(project: &Project) -> Blocker {
    let path = project.tfstate();
    std::fs::write(&path, "").unwrap();
    let info = json!({ "ID": "5d1c7a0e-0000-4000-8000-000000000000", "Operation": "OperationTypeApply",
        "Who": "bob@elsewhere", "Version": "1.11.4", "Created": "2026-01-31T09:00:00Z" });
    std::fs::write(path.with_file_name(".terraform.tfstate.lock.info"), info.to_string()).unwrap();
    let script = format!(
        "import fcntl,sys;f=open({:?},'r+');fcntl.lockf(f,fcntl.LOCK_EX);print('held',flush=True);sys.stdin.read()",
        path.display().to_string()
    );
    let mut child = std::process::Command::new("python3")
        .args(["-c", &script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert_eq!(line.trim(), "held");
    Blocker(child)
}

struct Blocker(std::process::Child);

impl Drop for Blocker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn bar_12_wait_s_0_answers_at_once_and_the_log_is_read_piece_by_piece() {
    let project = Project::with(|effects| chain(effects, 12, 0.1));
    let mut client = project.serve();
    let mut call = |tool: &str, request: &Value| -> Answered {
        structured(client.call(tool, request, &mut |_| {}).unwrap())
    };
    let mut request = for_real(&json!({}));
    request["wait_s"] = json!(0);
    let started = Instant::now();
    let id = call("apply_terraform", &request).expect("running").operation();
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let started = Instant::now();
    call("get_operation", &json!({ "id": id })).expect("running");
    assert!(started.elapsed() < Duration::from_secs(3));
    call("get_operation", &json!({ "id": id, "wait_s": 30 })).expect("succeeded");

    let (mut log, mut cursor) = (String::new(), 0_u64);
    loop {
        let answer = call("get_operation", &json!({ "id": id, "log_cursor": cursor }));
        assert!(answer.value.to_string().len() < 8000, "bar 11");
        let piece = answer.at("/log");
        let next = answer.value["log_cursor"].as_u64().unwrap();
        assert_eq!(next, cursor + piece.len() as u64);
        if piece.is_empty() {
            break;
        }
        log.push_str(&piece);
        cursor = next;
    }
    let whole = std::fs::read_to_string(project.run(&id).join("log.txt")).unwrap();
    assert_eq!(log, whole);
    let line = |l: &str| l.starts_with("terraform_data.s11: Creation complete");
    assert!(log.lines().any(line), "each event on a line of its own: {log}");
    assert!(log.len() > 2 * 2_400, "more than one page: {}", log.len());
}
