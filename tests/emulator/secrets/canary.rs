//! Promise 7, security row 15, bar 21: canaries in variables, outputs, provisioner output, errors and the server's own
//! credentials are in no answer, log, file in clear, argument or screen.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use datamcp::secret::MASK;
use serde_json::{Value, json};
use xtask::mcp::Client;

use crate::google::project::SIGN_IN;
use crate::harness::{Answered, Effects, Project, argv, for_real, module_of, step, structured};

const SENSITIVE: &str = "canaryZq7sensitivevariable";
const PLAIN: &str = "canaryXw3plaindbpassword";
const OUTPUT: &str = "canaryLm9sensitiveoutput";
const ACCESS: &str = "canaryKp5AwsSecretAccessKey0123456789abcd";
pub(crate) const FETCHED: &str = "canaryVb2fetchedfromamanager";
pub(crate) const ROTATED: &str = "canaryRe6rotatedinthemanager";
/// The seed of an MFA device: base32 of 20 bytes.
pub(super) const SEED: &str = "MNQW4YLSPFHWMYLTMVSWI33GMFWGSY3F";
const ALL: [&str; 8] = [SENSITIVE, PLAIN, OUTPUT, ACCESS, FETCHED, ROTATED, SEED, SIGN_IN];

/// A secret in each place; the last step fails when told to, with the secrets in its error.
fn module(effects: &Effects, fails: bool) -> String {
    let tells = |stream: &str| format!("printf '%s %s\\\\n' \\\"$A\\\" \\\"$B\\\" {stream}");
    let with_secrets = |name: &str, after: Option<&str>, command: &str| {
        step(name, after, command).replace(
            "    command = ",
            "    environment = { A = nonsensitive(var.secret), B = var.db_password }\n    command = ",
        )
    };
    let last = if fails { format!("{}; exit 7", tells(">&2")) } else { "true".to_owned() };
    let body = [
        "variable \"secret\" {\n  type      = string\n  sensitive = true\n}\n".to_owned(),
        "variable \"db_password\" {\n  type = string\n}\n".to_owned(),
        with_secrets("says", None, &format!("{}; {}", effects.command("says"), tells(""))),
        with_secrets("last", Some("says"), &last),
        "resource \"terraform_data\" \"keeps\" {\n  input = var.secret\n}\n".to_owned(),
        "resource \"terraform_data\" \"shows\" {\n  input = \"x-${var.db_password}\"\n}\n"
            .to_owned(),
        "output \"hidden\" {\n  value     = join(\"\", [\"canaryLm9\", \"sensitiveoutput\"])\n  \
         sensitive = true\n}\n"
            .to_owned(),
        "output \"of_secret\" {\n  value     = var.secret\n  sensitive = true\n}\n".to_owned(),
    ];
    module_of("local", &body.concat())
}

/// Where canaries were found.
pub(crate) fn found(place: &str, text: &str) -> Vec<String> {
    let hits =
        ALL.iter().filter(|canary| text.contains(**canary) || text.contains(&base64(canary)));
    hits.map(|canary| format!("{place}: {}…", &canary[..9])).collect()
}

/// Base64 of a text, without its end, which depends on what follows.
fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = text.as_bytes().chunks_exact(3);
    whole
        .flat_map(|b| {
            let n = u32::from(b[0]) << 16 | u32::from(b[1]) << 8 | u32::from(b[2]);
            [18, 12, 6, 0].map(|shift| char::from(LETTERS[(n >> shift & 63) as usize]))
        })
        .collect()
}

/// Reads on, and keeps what came.
struct Tee<R>(R, Arc<Mutex<Vec<u8>>>);

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let got = self.0.read(into)?;
        self.1.lock().unwrap().write_all(&into[..got])?;
        Ok(got)
    }
}

/// A server whose every word is kept.
pub(crate) fn overheard(project: &Project) -> (Child, Client, Arc<Mutex<Vec<u8>>>) {
    let mut command = project.command(&["serve"]);
    command.env("AWS_SECRET_ACCESS_KEY", ACCESS);
    let log = fs::File::create(project.folder().join("server.log")).unwrap();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (out, to) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let mut client = Client::over(Tee(out, Arc::clone(&heard)), to);
    client.initialize().unwrap();
    (child, client, heard)
}

/// Looks at the arguments of every process while some work is done.
pub(crate) fn watching<T>(work: impl FnOnce() -> T) -> (T, BTreeSet<String>) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut hits, mut looks) = (BTreeSet::new(), 0);
            while !done.load(Ordering::Relaxed) {
                for entry in fs::read_dir("/proc").unwrap().flatten() {
                    let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
                    let words = pid.map(|pid: u32| argv(pid).join(" ")).unwrap_or_default();
                    hits.extend(found("arguments of a process", &words));
                }
                looks += 1;
                thread::sleep(std::time::Duration::from_millis(3));
            }
            assert!(looks > 10, "too few looks: {looks}");
            hits
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, watcher.join().unwrap())
    })
}

/// Everything below a folder but what is sealed and what is left out.
pub(crate) fn files(folder: &Path, left_out: &[&str]) -> Vec<String> {
    let walk = walkdir::WalkDir::new(folder).into_iter().flatten();
    walk.filter(|e| e.file_type().is_file())
        .filter(|e| {
            let name = e.file_name().to_string_lossy();
            !name.ends_with(".age") && !left_out.iter().any(|n| name.starts_with(n))
        })
        .flat_map(|e| {
            let bytes = fs::read(e.path()).unwrap_or_default();
            let mut hits = found(&e.path().display().to_string(), &String::from_utf8_lossy(&bytes));
            hits.extend(found("the name of a file", &e.path().display().to_string()));
            hits
        })
        .collect()
}

/// What the command line shows of an operation in `dev` of this cloud.
pub(crate) fn screens(project: &Project, cloud: &str, id: &str) -> Vec<String> {
    let all: [&[&str]; 8] = [
        &["ops", "show", id],
        &["--json", "ops", "show", id],
        &["ops", "tail", id],
        &["ops", "list"],
        &["--json", "get-operation", "--id", id],
        &["get-operation", "--id", id, "--log-cursor", "0"],
        &["terraform-outputs", "--cloud", cloud, "--env", "dev"],
        &["--json", "terraform-outputs", "--cloud", cloud, "--env", "dev"],
    ];
    let shown = |words: &[&str]| {
        let answer = project.cli(words);
        found(&words.join(" "), &format!("{}{}", answer.out, answer.err))
    };
    all.iter().flat_map(|words| shown(words)).collect()
}

fn walk(project: &Project, client: &mut Client, fails: bool) -> (Answered, Vec<String>) {
    let vars = json!({ "secret": SENSITIVE, "db_password": PLAIN });
    let mut call =
        |tool: &str, request: Value| structured(client.call(tool, &request, &mut |_| {}).unwrap());
    let target = json!({ "cloud": "aws", "env": "dev", "vars": vars });
    let planned = call("apply_terraform", target).expect("planned");
    let mut real = for_real(&vars);
    let planned_one =
        json!({ "plan_id": planned.at("/plan_id"), "dry_run": false, "auto_approve": true });
    let done = call("apply_terraform", if fails { real.clone() } else { planned_one });
    let id = done.operation();
    call("get_operation", json!({ "id": id }));
    call("get_operation", json!({ "id": id, "log_cursor": 0 }));
    call("terraform_outputs", json!({ "cloud": "aws", "env": "dev" }));
    call("list_operations", json!({}));
    // Refused, with the secret in the refused request.
    real["vars"]["nobody_knows"] = json!(SENSITIVE);
    call("apply_terraform", real.clone()).refused("invalid_request");
    real["vars"] = json!({ "secret": [SENSITIVE], "db_password": PLAIN });
    assert_ne!(call("apply_terraform", real).status(), "succeeded");
    if !fails {
        call("destroy_terraform", json!({ "cloud": "aws", "env": "dev" })).expect("planned");
    }
    let mut hits = screens(project, "aws", &id);
    hits.extend(screens(project, "aws", &planned.operation()));
    (done, hits)
}

#[test]
fn promise_7_security_15_bar_21_canaries_stay_where_they_were_put() {
    for fails in [false, true] {
        let project = Project::with(|effects| module(effects, fails));
        let (mut child, mut client, heard) = overheard(&project);
        let ((done, mut hits), arguments) = watching(|| walk(&project, &mut client, fails));
        drop(client);
        child.wait().unwrap();
        done.clone().expect(if fails { "partial" } else { "succeeded" });
        assert_eq!(project.effects().of(&done.operation()), ["says"], "the canaries were told");
        let log = fs::read_to_string(project.run(&done.operation()).join("log.txt")).unwrap();
        let said = log
            .lines()
            .find(|l| l.starts_with("terraform_data.says: (local-exec): ") && l.contains(MASK));
        assert!(said.is_some(), "its output is in the log, masked: {log}");

        hits.extend(arguments);
        hits.extend(found("MCP", &String::from_utf8_lossy(&heard.lock().unwrap())));
        hits.extend(files(project.folder(), &["terraform.tfstate"]));
        assert!(hits.is_empty(), "{hits:#?}");
        let state = fs::read_to_string(project.tfstate()).unwrap();
        assert!(state.contains(SENSITIVE) && state.contains(PLAIN), "terraform itself knew them");
    }
}
