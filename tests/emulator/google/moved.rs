//! A state of Google's that a person moved: refused with the command that says so, and that command means the cloud it names.

use serde_json::json;

use super::project::{Google, target};

#[test]
fn a_state_in_google_cloud_is_moved_once_a_person_says_so() {
    let mut google = Google::new(3600);
    google.module("resource \"google_compute_network\" \"main\" {\n  name = \"main\"\n}\n");
    google.apply().expect("succeeded");

    let text = google.gcs.object(&google.bucket(), "dev/default.tfstate").unwrap().unwrap();
    google.gcs.put_object(&google.bucket(), "moved/default.tfstate", &text).unwrap();
    google.project.set(|s| s.more = s.more.replace("prefix = \"dev\"", "prefix = \"moved\""));
    let (was, is) =
        (format!("gs://{}/dev", google.bucket()), format!("gs://{}/moved", google.bucket()));
    let project = &google.project;
    let refused = project.call("apply_terraform", &target()).refused("invalid_request");
    assert_eq!((refused.at("/error/allowed"), refused.at("/error/given")), (was, is.clone()));
    let next = refused.at("/error/next");
    assert!(next.contains("move-state --cloud gcp --env dev"), "{next}");

    let command = |cloud| ["move-state", "--cloud", cloud, "--env", "dev", "--note", "by hand"];
    let other = project.sits_down(&command("aws")).leaves().unwrap();
    assert_ne!(other.code, 0, "aws/dev has not moved: {}", other.text);
    let mut person = project.sits_down(&command("gcp"));
    let word = person.sees("(?s)the state of gcp/dev was in .*type `([^`]+)` to say").unwrap();
    person.types(&word).unwrap();
    let ending = person.leaves().unwrap();
    assert_eq!(ending.code, 0, "{}", ending.text);

    let planned = project.call("apply_terraform", &json!({ "cloud": "gcp", "env": "dev" }));
    assert_eq!(planned.expect("planned").at("/summary/text"), "no changes");
    project.log_is_whole();
}
