//! Fault 13: the disk is full, really: the state folder is a file system of 2 MB that only the test's processes see.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::site::{Site, text};

/// In a mount namespace of its own: nothing has to be cleaned up, and without root a user namespace allows the mount.
const SCRIPT: &str = r#"
mount -t tmpfs -o size=2m,mode=700 none state
call() {
    name=$1; shift
    code=0
    "$PROGRAM" --json "$@" > "$name.json" 2> "$name.err" || code=$?
    echo "$code" > "$name.code"
}
fill() { dd if=/dev/zero of=state/filler bs=1k 2> filled || true; grep -q 'No space left' filled; }
plan() { call "$1" apply-terraform --cloud aws --env dev --vars '{"size":1}'; }

fill
plan empty
call listed list-environments
rm state/filler
plan begun
fill
plan again
call reads get-operation --id "$(sed -n 's/.*"operation_id": "\([^"]*\)".*/\1/p' begun.json | head -n 1)"
ls -A state/runs > runs
grep -rl hunter2-canary state > leaked || true
rm state/filler
plan after
call verified ops verify
"#;

#[test]
fn fault_13_a_full_disk_is_named_and_nothing_runs_until_there_is_space() {
    let site = Site::new();
    // In a user namespace we are root by name.
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().name;
    site.configure(&format!("os_user = {user:?}"), "os_user = \"root\"");
    std::fs::create_dir(site.at("state")).unwrap();
    let root = nix::unistd::getuid().is_root();
    let mut command = Command::new("unshare");
    command.arg(if root { "-m" } else { "-rm" }).args(["sh", "-euc", SCRIPT]);
    command.current_dir(site.at("")).env("PROGRAM", env!("CARGO_BIN_EXE_datamcp"));
    command.env("HOME", site.at("")).env("AWS_ACCESS_KEY_ID", "none").env("AWS_MAX_ATTEMPTS", "1");
    command.env("AWS_SECRET_ACCESS_KEY", "hunter2-canary").stdin(Stdio::null());
    let output = crate::alone::output(&mut command);
    assert!(
        output.status.success(),
        "this machine cannot give a test a small disk (it takes unshare(1) and a user namespace, or root): {} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );

    let code = |name: &str| text(&site.at(&format!("{name}.code"))).trim().to_owned();
    let answer = |name: &str| -> Value {
        let said = text(&site.at(&format!("{name}.json")));
        serde_json::from_str(&said).unwrap_or_else(|e| {
            panic!("{name}: {e}: {said}{}", text(&site.at(&format!("{name}.err"))))
        })
    };
    for name in ["empty", "again"] {
        let told = answer(name);
        let error = &told["error"];
        assert_eq!(code(name), "1", "{name}: {told}");
        assert_eq!(error["code"], "audit_unavailable", "{name}: {told}");
        let folder = error["details"]["disk_full"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(folder.starts_with(site.at("state").to_str().unwrap()), "{name}: {folder}");
        assert!(error["message"].as_str().unwrap().contains("no space left"), "{name}: {told}");
        assert!(
            error["next"].as_str().unwrap().contains("make space on the disk"),
            "{name}: {told}"
        );
    }
    assert_eq!(code("listed"), "0", "reading goes on: {}", answer("listed"));
    // With space it began: AWS hung up, so it failed, and that is known on the full disk, too.
    for name in ["begun", "after"] {
        assert_eq!(answer(name)["status"], "failed", "{name}: {}", answer(name));
    }
    assert_eq!(answer("reads")["status"], "failed", "{}", answer("reads"));
    assert_eq!(text(&site.at("runs")).lines().count(), 1, "the run that had space");
    assert_eq!(text(&site.at("leaked")), "", "no secret in the state folder");
    assert_eq!(code("verified"), "0", "{}", answer("verified"));
}
