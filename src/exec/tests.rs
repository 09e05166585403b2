//! Real children, of the programs that every Unix has.

use super::*;

fn sh(script: &str, cwd: &Path) -> Invocation {
    Invocation::new("/bin/sh", cwd).args(["-c", script])
}

const SOON: Duration = Duration::from_secs(20);

fn captured(invocation: Invocation) -> Invocation {
    invocation.output(Sink::Capture(64), Sink::Capture(64))
}

#[tokio::test]
async fn security_14_the_environment_is_what_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let end = captured(Invocation::new("/usr/bin/env", dir.path()).env([("ONLY", "this")]))
        .capture(SOON)
        .await
        .unwrap();
    assert_eq!(end.stdout.text(), "ONLY=this\n");
}

#[tokio::test]
async fn fault_11_output_over_the_limit_is_dropped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let script = "i=0; while [ $i -lt 100 ]; do echo 0123456789; i=$((i+1)); done; exit 3";
    let end = captured(sh(script, dir.path())).capture(SOON).await.unwrap();
    assert_eq!((end.code, end.stdout.bytes.len()), (Some(3), 64));
    assert_eq!(end.stdout.dropped, 1100 - 64);
}

#[tokio::test]
async fn a_read_only_child_is_killed_when_its_time_is_up() {
    let dir = tempfile::tempdir().unwrap();
    let error = captured(sh("echo $$ > pid; sleep 600", dir.path()))
        .capture(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::TimedOut);
    #[expect(clippy::disallowed_methods, reason = "a test reads what its child wrote")]
    let pid: u32 = std::fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
    for _ in 0..100 {
        if started_at(pid).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("process {pid} still lives");
}

#[tokio::test]
async fn fault_7_one_interrupt_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let script = "trap 'echo int; n=1' INT; echo ready; while [ -z \"$n\" ]; do sleep 0.05; done; sleep 0.3; exit 7";
    let mut running = sh(script, dir.path())
        .env([("PATH", "/usr/bin:/bin")])
        .output(Sink::File(out.clone()), Sink::Null)
        .own_session()
        .spawn()
        .unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test reads what its child wrote")]
    let read = || std::fs::read_to_string(&out).unwrap_or_default();
    while !read().contains("ready") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(is_alive(running.pid(), running.started()));
    assert!(running.interrupt().unwrap());
    assert!(!running.interrupt().unwrap());
    let end = running.wait().await.unwrap();
    assert_eq!((end.code, read().as_str()), (Some(7), "ready\nint\n"));
    assert!(!is_alive(running.pid(), running.started()));
    assert!(!running.interrupt().unwrap());
}

/// A shell starts what it puts into the background with SIGINT ignored, and that is inherited.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn fault_7_a_child_is_interrupted_though_we_were_started_in_the_background() {
    let test = "exec::tests::fault_7_one_interrupt_and_no_more";
    let this = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let script = format!("trap '' INT; exec '{}' --exact {test}", this.display());
    let end = sh(&script, dir.path())
        .env([("PATH", "/usr/bin:/bin")])
        .output(Sink::Capture(64 * 1024), Sink::Null)
        .capture(Duration::from_mins(1))
        .await
        .unwrap();
    assert!(end.stdout.text().contains("1 passed"), "{end:?}");
}

#[tokio::test]
async fn a_child_in_its_own_session_survives_being_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let running = sh("sleep 0.3; echo done", dir.path())
        .env([("PATH", "/usr/bin:/bin")])
        .output(Sink::File(out.clone()), Sink::Null)
        .own_session()
        .spawn()
        .unwrap();
    drop(running);
    for _ in 0..200 {
        #[expect(clippy::disallowed_methods, reason = "a test reads what its child wrote")]
        if std::fs::read_to_string(&out).unwrap() == "done\n" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child did not finish");
}

#[tokio::test]
async fn bad_input_49_a_missing_program_says_so() {
    let error = Invocation::new("/nowhere/terraform", "/").capture(SOON).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ToolMissing);
}

#[test]
fn fault_14_another_process_of_the_same_id_is_not_ours() {
    let me = std::process::id();
    let started = started_at(me).unwrap();
    assert!(is_alive(me, &started));
    assert!(!is_alive(me, "1@another-boot"));
    assert!(!is_alive(me, ""));
}
