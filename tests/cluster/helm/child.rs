//! Security row 14 for helm, and promise 7 while it works: what its process was started with, and what lies in the run's
//! folder, seen from outside while it waits.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant};

use super::project::Project;

/// What every token of EKS begins with, and those of the stand-in for Google.
const TOKENS: [&str; 2] = ["k8s-aws-v1.", "ya29."];

/// Variables that helm, its plugins, a client of Kubernetes or of a registry would listen to.
const INHERITED: [&str; 14] = [
    "HELM_KUBETOKEN",
    "HELM_KUBEASUSER",
    "HELM_KUBECONTEXT",
    "HELM_DRIVER",
    "HELM_PLUGINS",
    "HELM_REGISTRY_CONFIG",
    "HELM_REPOSITORY_CONFIG",
    "DOCKER_CONFIG",
    "KUBE_EDITOR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "GITHUB_TOKEN",
    "VAULT_TOKEN",
    "SSH_AUTH_SOCK",
];

/// All that the environment of helm may name.
const ALLOWED: [&str; 8] = [
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
    "HELM_NO_PLUGINS",
    "HELM_PLUGINS",
    "HOME",
    "PATH",
    "TMPDIR",
];

/// The text that stands in every variable of these.
const PLANTED: &str = "planted-4c7d";

/// Plants variables around the project's command line.
pub(crate) fn plant(project: &mut Project) {
    project.variables.extend(INHERITED.map(|name| (name, format!("/{PLANTED}"))));
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\0', "\n")
}

/// Looks at a helm that waits, at everything that is started for its run meanwhile, and at the run's folder.
#[track_caller]
pub(crate) fn is_clean(project: &Project, id: &str, pid: i32, secrets: &[&str]) {
    let environ = read(Path::new(&format!("/proc/{pid}/environ")));
    let names: BTreeSet<&str> =
        environ.lines().filter_map(|pair| pair.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, BTreeSet::from(ALLOWED), "{environ}");
    let run = project.state().join("runs").join(id);
    let folder = run.display().to_string();
    assert!(environ.contains(&folder), "its folders are the run's: {environ}");
    let never: Vec<&str> =
        TOKENS.into_iter().chain(secrets.iter().copied()).chain([PLANTED]).collect();
    let since = Instant::now();
    let (mut programs, mut others) = (BTreeSet::<OsString>::new(), BTreeSet::new());
    // Every few seconds a helm asks how far it is, and starts the program that makes its token: that one is gone again at
    // once, and is looked at when it is met.
    let enough = |programs: &BTreeSet<OsString>| {
        let met = programs.contains(OsStr::new("datamcp"));
        since.elapsed() > Duration::from_secs(if met { 4 } else { 20 })
    };
    while !enough(&programs) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let place = entry.path();
            if others.contains(&place) {
                continue;
            }
            let environ = read(&place.join("environ"));
            if !environ.contains(&folder) {
                // One that is just being started has none yet.
                if !environ.is_empty() {
                    others.insert(place);
                }
                continue;
            }
            let words = read(&place.join("cmdline"));
            let program = words.lines().next().unwrap_or_default();
            // The supervisor is ours, and has what our surroundings gave.
            if words.contains("__run") {
                continue;
            }
            for secret in &never {
                assert!(!environ.contains(secret), "a variable of {program} holds {secret}");
                assert!(!words.contains(secret), "an argument of {program} holds {secret}");
            }
            programs.insert(Path::new(program).file_name().unwrap_or_default().to_owned());
        }
        assert_eq!(holding(&run, &never), [""; 0], "while it works");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(programs.iter().any(|name| name.to_string_lossy().starts_with("helm")), "{programs:?}");
}

/// Files of a run that hold one of these texts.
fn holding(run: &Path, texts: &[&str]) -> Vec<String> {
    let files = walkdir::WalkDir::new(run).into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        texts.iter().any(|secret| text.contains(secret))
    };
    files.filter(|e| holds(e.path())).map(|e| e.path().display().to_string()).collect()
}

#[test]
fn security_14_nothing_inherited_reaches_helm_and_no_token_lies_in_its_run() {
    let mut project = Project::new();
    plant(&mut project);
    let secret = project.lab.aws.secret_access_key.clone();
    let (id, pid) = project.hanging();
    is_clean(&project, &id, pid, &[&secret]);
    project.call("cancel_operation", &serde_json::json!({ "id": id }));
    assert_eq!(project.end(&id).text("/status"), "cancelled");
    project.really("helm_uninstall", project.release_of()).expect("succeeded");
}
