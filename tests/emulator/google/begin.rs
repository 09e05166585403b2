//! How a person begins in Google Cloud: from exactly the files that `init gcp` wrote, and a lock file as its end says.

use super::project::{Google, target};

#[test]
fn what_init_lays_for_google_cloud_is_planned_by_the_real_terraform() {
    let google = Google::new(3600);
    let project = &google.project;
    let lab = &project.lab;
    let settings = std::fs::read_to_string(project.config()).unwrap();
    std::fs::remove_file(project.config()).unwrap();
    std::fs::remove_dir_all(project.folder().join("infra")).unwrap();
    let told = project.cli(&[
        "--json",
        "init",
        "gcp",
        "--name=test",
        "--region=europe-west1",
        &format!("--project-id={}", google.id),
        &format!("--bucket={}", google.bucket()),
    ]);
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    assert_eq!((told.at("/project_id"), told.at("/bucket")), (google.id.clone(), google.bucket()));

    // What a person adds: the credentials that a comment offers; and where the lab has its parts.
    let laid = std::fs::read_to_string(project.config()).unwrap();
    let offered = "# credentials = { source = \"file\", path = \"google.json\" }";
    assert!(laid.contains(offered), "{laid}");
    let taken = offered.trim_start_matches("# ").replace("google.json", "google-user.json");
    let (_, gcp) = settings.split_once("[gcp]").unwrap();
    let whole = format!(
        "{}\n[terraform]\nbinary = \"{}\"\nprovider_mirror = \"{}\"\n\n[gcp]{gcp}",
        laid.replace(offered, &taken),
        lab.terraform.path.display(),
        lab.terraform.provider_mirror.display(),
    );
    std::fs::write(project.config(), whole).unwrap();
    let without = project.call("apply_terraform", &target()).refused("invalid_request");
    assert!(without.value.to_string().contains(".terraform.lock.hcl"), "{:#}", without.value);
    let lock = google.folder().join(".terraform.lock.hcl");
    std::fs::copy(&lab.terraform.google_lock, lock).unwrap();

    let planned = project.call("apply_terraform", &target()).expect("planned");
    let add: u32 = planned.at("/summary/add").parse().unwrap();
    assert!(add > 10, "{:#}", planned.value);
    let mut shown = project.cli(&["poc", "gcp"]).out;
    shown.push_str(&planned.value.to_string());
    assert!(
        shown.contains("warning") && shown.contains("Stand-in for the google provider"),
        "{shown}"
    );
    project.log_is_whole();
}
