//! Merging: what others wrote stays, byte by byte; what cannot be merged is not touched.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use super::*;

fn entry() -> ContextEntry {
    ContextEntry {
        name: "aws-dev".into(),
        server: "https://dev.example.com".into(),
        certificate_authority: "Q0E=".into(),
        args: ["eks-token", "--cluster", "acme-dev", "--region", "eu-west-1"]
            .map(str::to_owned)
            .to_vec(),
        own_args: 5,
        env: vec![],
    }
}

/// As kubectl leaves it, with remarks of a person.
const KUBECTL: &str = "# mine
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Zm9v
    server: https://other.example.com   # the old one
  name: other
contexts:
- context:
    cluster: other
    user: other
  name: other
# which one is used
current-context: other
kind: Config
preferences: {}
users:
# a token of last year
- name: other
  user:
    token: canary-7f3a
";

fn files(folder: &Path) -> KubeconfigFiles {
    KubeconfigFiles {
        places: KubeconfigPlaces { usual: folder.join("config"), folder: folder.into() },
        program: "/bin/datamcp".into(),
        pod: None,
    }
}

fn meaning(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

async fn merged(text: &str, set_current: bool) -> (String, Merged) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    let done = files(folder.path()).put(&path, &entry(), set_current).await.unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    (std::fs::read_to_string(&path).unwrap(), done)
}

#[tokio::test]
async fn a_new_file_is_private_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".kube/config");
    let files = files(folder.path());
    let done = files.put(&path, &entry(), false).await.unwrap();
    assert_eq!(done, Merged { changed: true, comments_lost: false });
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let text = std::fs::read_to_string(&path).unwrap();
    let value = meaning(&text);
    assert_eq!(value["clusters"][0]["cluster"]["server"], "https://dev.example.com");
    assert_eq!(value["users"][0]["user"]["exec"]["command"], "/bin/datamcp");
    assert!(value.get("current-context").is_none());
    let again = files.put(&path, &entry(), false).await.unwrap();
    assert!(!again.changed);
}

#[tokio::test]
async fn entries_and_comments_of_others_stay_as_they_are() {
    let (text, done) = merged(KUBECTL, false).await;
    assert_eq!(done, Merged { changed: true, comments_lost: false });
    let kept: Vec<&str> = text.lines().filter(|line| KUBECTL.lines().any(|l| l == *line)).collect();
    assert!(KUBECTL.lines().all(|line| kept.contains(&line)), "{text}");
    let (before, after) = (meaning(KUBECTL), meaning(&text));
    assert_eq!(after["current-context"], "other");
    for list in ["clusters", "contexts", "users"] {
        assert_eq!(after[list][0], before[list][0]);
        assert_eq!(after[list][1]["name"], "aws-dev");
        assert_eq!(after[list].as_array().unwrap().len(), 2);
    }
    let (current, _) = merged(KUBECTL, true).await;
    assert_eq!(meaning(&current)["current-context"], "aws-dev");
    assert!(current.contains("# which one is used\ncurrent-context: aws-dev\n"));
}

#[tokio::test]
async fn an_entry_of_ours_is_brought_up_to_date_where_it_stands() {
    let (text, _) = merged(KUBECTL, false).await;
    let text = text
        .replace("https://dev.example.com", "https://gone.example.com")
        .replace("user: aws-dev", "user: aws-dev\n    namespace: apps");
    let with_later = format!("{text}# the end\n");
    let (again, done) = merged(&with_later, false).await;
    assert_eq!(done, Merged { changed: true, comments_lost: false });
    let value = meaning(&again);
    assert_eq!(value["clusters"][1]["cluster"]["server"], "https://dev.example.com");
    assert_eq!(
        value["contexts"][1]["context"]["namespace"], "apps",
        "a namespace of the user's stays"
    );
    assert!(again.ends_with("# the end\n"), "{again}");
}

#[tokio::test]
async fn lists_that_are_empty_or_in_flow_style_are_merged_too() {
    for (text, lost) in [
        ("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: null\nusers:\n# nobody\n", false),
        (
            "{\"apiVersion\":\"v1\",\"kind\":\"Config\",\"clusters\":[{\"name\":\"a\",\"cluster\":{\"server\":\"https://a\"}}]}",
            false,
        ),
        ("# gone\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://a'}}]\n", true),
        ("---\nkind: Config\r\nusers:\n  - name: a\n    user: {}\n", false),
        ("", false),
    ] {
        let (after, done) = merged(text, false).await;
        assert_eq!(done, Merged { changed: true, comments_lost: lost }, "{after}");
        let value = meaning(&after);
        for list in ["clusters", "contexts", "users"] {
            let items = value[list].as_array().unwrap();
            assert_eq!(items.last().unwrap()["name"], "aws-dev", "{after}");
        }
        assert_eq!(text.starts_with('{'), after.starts_with('{'));
    }
}

#[tokio::test]
async fn bad_input_92_a_name_that_means_another_cluster_is_told() {
    for (text, told) in [
        (KUBECTL.replace("other", "aws-dev"), "is at https://aws-dev.example.com"),
        (
            "contexts: [{name: aws-dev, context: {cluster: prod, user: x}}]\n".to_owned(),
            "leads to cluster prod",
        ),
        ("users: [{name: aws-dev, user: {token: canary}}]\n".to_owned(), "comes in another way"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, &text).unwrap();
        let error = files(folder.path()).put(&path, &entry(), true).await.unwrap_err();
        assert!(error.message.contains(told), "{}", error.message);
        assert!(!error.message.contains("canary"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no lock is left");
    }
}

#[tokio::test]
async fn bad_input_91_what_is_no_kubeconfig_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let files = files(top);
    let path = |name: &str| top.join(name);
    std::fs::create_dir(path("folder")).unwrap();
    std::fs::write(path("target"), KUBECTL).unwrap();
    symlink(path("target"), path("link")).unwrap();
    std::fs::write(path("read-only"), KUBECTL).unwrap();
    std::fs::set_permissions(path("read-only"), std::fs::Permissions::from_mode(0o400)).unwrap();
    for (name, text) in [
        ("malformed", "clusters: [\n  token: canary-7f3a"),
        ("tabs", "clusters:\n\t- name: canary-7f3a\n"),
        ("list", "- canary-7f3a\n"),
        ("kind", "kind: Secret\n"),
        ("shape", "clusters: {a: b}\n"),
        ("nameless", "users:\n- user: {token: canary-7f3a}\n"),
        ("twice", "kind: Config\nkind: Config\n"),
    ] {
        std::fs::write(path(name), text).unwrap();
    }
    std::fs::write(path("binary"), [0xff, 0xfe, 0x00]).unwrap();
    let before: Vec<_> = walk(top);
    for name in [
        "folder",
        "link",
        "read-only",
        "malformed",
        "tabs",
        "list",
        "kind",
        "shape",
        "nameless",
        "twice",
        "binary",
    ] {
        let error = files.put(&path(name), &entry(), true).await.unwrap_err();
        assert_eq!(error.field.as_deref(), Some("path"), "{name}");
        assert!(!error.message.contains("canary"), "{name}: {}", error.message);
    }
    assert_eq!(walk(top), before);
}

/// Every file with its bytes.
fn walk(top: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(top)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default()))
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn two_writers_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let writers = (0..8).map(|n| {
        let (files, path) = (files(folder.path()), path.clone());
        tokio::spawn(async move {
            let mut entry = entry();
            entry.name = format!("aws-{n}");
            files.put(&path, &entry, false).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let value = meaning(&std::fs::read_to_string(&path).unwrap());
    assert_eq!(value["contexts"].as_array().unwrap().len(), 8);
}
