//! The way of a token to terraform's children: renewed while they work, in no file, argument or variable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::project::{CANARIES, Google};
use crate::harness::{argv, step, until};

/// A bucket, a pause of so many seconds, another bucket.
fn slow(google: &Google, seconds: u32) -> String {
    let command = format!("{}; sleep {seconds}", google.project.effects().command("pause"));
    let bucket = |name: &str, after: &str| {
        format!(
            "resource \"google_storage_bucket\" \"{name}\" {{\n  name     = \"{}-{name}\"\n  location = \"EU\"\n{after}}}\n",
            google.id
        )
    };
    [
        bucket("first", ""),
        step("pause", None, &command).replace(
            "  provisioner",
            "  depends_on = [google_storage_bucket.first]\n  provisioner",
        ),
        bucket("second", "  depends_on = [terraform_data.pause]\n"),
    ]
    .concat()
}

/// How long a token lasts, and a pause that is longer.
const LIFE: u32 = 60;
const PAUSE: u32 = 75;

#[test]
fn fault_43_tokens_that_end_after_a_minute_are_renewed_during_a_longer_apply() {
    let google = Google::new(LIFE);
    google.module(&slow(&google, PAUSE));
    let id = google.running(&[]);
    let done = google.project.operation(&id, 300).expect("succeeded");
    assert_eq!(done.at("/result/summary/add"), "3", "{:#}", done.value);
    // Provider and backend each went on with a new one: an ended one is refused by both.
    assert!(google.storage.tokens() >= 2, "{} tokens", google.storage.tokens());
    assert_eq!(google.storage.refused(), 0);
    let tokens = google.tokens();
    let of_provider: Vec<&Value> =
        tokens.iter().filter(|token| asked_by_the_provider(token)).collect();
    assert!(of_provider.len() >= 2, "the provider showed one token only: {tokens:#?}");
    let (first, last) = (of_provider[0], of_provider[of_provider.len() - 1]);
    assert!(
        last["born"].as_f64() > first["until"].as_f64(),
        "the last was made when the first had ended: {tokens:#?}"
    );
    assert!(tokens.iter().all(|token| token["refused"] == 0), "none was shown late: {tokens:#?}");
    assert_eq!(google.state()["resources"].as_array().map(Vec::len), Some(3));
    google.project.lock_is_free();
    google.project.log_is_whole();
}

/// The control: what becomes of the same apply when its token ends and the source gives no other.
#[test]
fn fault_43_without_renewal_the_same_apply_fails_and_says_why() {
    let google = Google::new(LIFE);
    google.module(&slow(&google, PAUSE));
    let id = google.running(&[]);
    until("the pause", 60, || google.project.effects().count() == 1);
    // The tokens that were given go on to their end.
    google.told("google", &json!({ "revoke": google.refresh }));
    let ended = google.project.operation(&id, 300);
    assert_ne!(ended.status(), "succeeded", "{:#}", ended.value);
    let error = |at: &str| ended.at(&format!("/result/error/{at}"));
    assert_eq!(error("details/credentials"), "upstream_denied", "{:#}", ended.value);
    assert!(error("message").contains("expired or revoked"), "{:#}", ended.value);
    assert!(error("next").contains("sign in again"), "{:#}", ended.value);
    let text = ended.value.to_string();
    assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{text}");
}

/// Whether Resource Manager took it from the provider; our own check is another program's.
fn asked_by_the_provider(token: &Value) -> bool {
    token["uses"]["Go-http-client cloudresourcemanager.googleapis.com"].is_u64()
}

/// Everything that terraform, the provider or Google's libraries would listen to.
const INHERITED: [(&str, &str); 15] = [
    ("GOOGLE_OAUTH_ACCESS_TOKEN", "planted"),
    ("GOOGLE_CREDENTIALS", "{\"planted\":1}"),
    ("GOOGLE_CLOUD_KEYFILE_JSON", "planted"),
    ("GOOGLE_BACKEND_CREDENTIALS", "/planted"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/planted"),
    ("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "planted@x.iam.gserviceaccount.com"),
    ("GOOGLE_PROJECT", "planted"),
    ("GOOGLE_CLOUD_PROJECT", "planted"),
    ("GOOGLE_REGION", "planted"),
    ("GOOGLE_ENCRYPTION_KEY", "planted"),
    ("GOOGLE_BILLING_PROJECT", "planted"),
    ("GOOGLE_STORAGE_CUSTOM_ENDPOINT", "http://planted.invalid/"),
    ("STORAGE_EMULATOR_HOST", "planted.invalid"),
    ("CLOUDSDK_CONFIG", "/planted"),
    ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "planted"),
];

/// All that the environment of terraform may name, beside the endpoints of the stand-in.
const ALLOWED: [&str; 13] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "CHECKPOINT_DISABLE",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "GOOGLE_PROJECT",
    "GOOGLE_REGION",
    "SSL_CERT_FILE",
];

#[test]
fn security_14_15_nothing_inherited_reaches_a_child_and_no_token_lies_anywhere() {
    let google = Google::new(3600);
    google.module(&slow(&google, 2));
    let id = google.running(&INHERITED);
    until("the pause", 60, || google.project.effects().count() == 1);
    let folder = google.project.folder().to_string_lossy().into_owned();
    let run = google.project.run(&id);
    let (mut seen, mut words) = (BTreeMap::new(), String::new());
    for (pid, environ) in environs(&folder) {
        words += &argv(pid).join(" ");
        seen.insert(argv(pid).first().cloned().unwrap_or_default(), environ);
    }
    let terraform = seen.iter().find(|(name, _)| name.ends_with("/terraform")).unwrap().1;
    assert!(seen.keys().any(|name| name.contains("provider-google")), "{:?}", seen.keys());
    let names: BTreeSet<&str> =
        terraform.lines().map(|pair| pair.split('=').next().unwrap()).collect();
    let more: Vec<&&str> = names
        .iter()
        .filter(|name| !ALLOWED.contains(name) && !name.ends_with("_CUSTOM_ENDPOINT"))
        .collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(terraform.contains(&format!("GOOGLE_PROJECT={}", google.id)), "{terraform}");
    let document = fs::read_to_string(run.join("google.json")).unwrap();
    assert!(document.contains("http://127.0.0.1:") && document.contains("--google"), "{document}");
    let children: Vec<&String> = seen
        .iter()
        .filter(|(name, _)| name.contains("terraform"))
        .map(|(_, environ)| environ)
        .collect();
    for canary in CANARIES {
        assert!(!words.contains(canary), "in an argument");
        assert!(children.iter().all(|environ| !environ.contains(canary)), "in a variable");
        assert_eq!(holding(Path::new(&folder), canary), Vec::<String>::new(), "while it works");
    }
    assert!(children.iter().all(|environ| !environ.contains("planted")), "{children:?}");

    let done = google.project.operation(&id, 120).expect("succeeded");
    for canary in CANARIES {
        assert!(
            !done.value.to_string().contains(canary)
                && !google.state().to_string().contains(canary)
        );
        assert_eq!(holding(Path::new(&folder), canary), Vec::<String>::new(), "afterwards");
    }
    assert!(!run.join("google.json").exists(), "it ends with the run");
    let run = run.to_string_lossy().into_owned();
    let asked = google.project.cli(&["credentials", "--google", &run]);
    assert!(asked.out.contains("\"success\":false"), "{}", asked.out);
}

/// Environments of the processes that know the project's folder, a pair a line.
fn environs(folder: &str) -> Vec<(u32, String)> {
    let pids = fs::read_dir("/proc").unwrap();
    let pids = pids.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let text = String::from_utf8_lossy(&bytes).replace('\0', "\n");
        text.contains(folder).then_some((pid, text))
    })
    .collect()
}

/// Files below a folder that hold a text, but for the person's own one.
pub(super) fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_file() && name != "google-user.json" {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            if String::from_utf8_lossy(&bytes).contains(text) {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}
