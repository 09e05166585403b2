//! `datamcp init`: answers, files, and what became of each. A person's local command; there are no settings yet.

use std::path::Path;

use serde_json::{Value, json};

use super::{clouds, compose};
use crate::adapter::file::{Laid, lay};
use crate::cli::args::Init;
use crate::config::{self, Config, Surroundings};
use crate::error::{Error, Result};
use crate::model::Cloud;
use crate::scaffold::{self, Answers, GoogleAnswers, IGNORED};

/// Lays the scaffold; says what was written and what was left alone.
pub(super) async fn run(request: &Init, surroundings: &Surroundings) -> Result<Value> {
    let folder = surroundings.cwd.join(&request.folder);
    let answered = match request.cloud {
        Cloud::Aws => aws(request, &folder, surroundings).await?,
        Cloud::Gcp => google(request, &folder, surroundings)?,
    };
    let files = scaffold::files(request.cloud, answered.settings);
    let laid = lay(&folder, &files, (".gitignore", &IGNORED), request.dry_run)?;
    let of = |wanted: Laid| {
        let files = laid.iter().filter(move |(_, what)| *what == wanted);
        files.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>()
    };
    let config = folder.join(config::FILE).display().to_string();
    let first = answered.first.map_or_else(String::new, |first| format!("{first}; then "));
    let (at, place) = answered.place;
    Ok(json!({
        "folder": folder.display().to_string(),
        "dry_run": request.dry_run,
        at: place,
        "bucket": answered.bucket,
        "written": of(Laid::Written),
        "extended": of(Laid::Extended),
        "there": of(Laid::Same),
        "kept": of(Laid::Kept),
        "next": if request.dry_run {
            "the same without --dry-run writes them".to_owned()
        } else {
            format!("{first}read {config}, then `datamcp --config {config} doctor`")
        },
    }))
}

/// What came of the answers.
struct Answered {
    settings: String,
    bucket: String,
    /// Where it will be: the field's name, and the account or project.
    place: (&'static str, String),
    /// What has to be done before anything else.
    first: Option<String>,
}

async fn aws(request: &Init, folder: &Path, surroundings: &Surroundings) -> Result<Answered> {
    if let Some(project) = &request.project_id {
        return Err(Error::invalid("project_id", project, "is of Google Cloud")
            .allowed("--account-id, --account-id-from-credentials"));
    }
    let mut answers = Answers {
        name: request.name.clone().unwrap_or_else(|| name_of(folder)),
        account_id: request.account_id.clone().unwrap_or_else(|| "000000000000".into()),
        region: request.region.clone(),
        bucket: request.bucket.clone(),
        profile: request.profile.clone(),
        endpoint_url: request.endpoint_url.clone(),
        os_user: surroundings.os_user.clone(),
    };
    answers.check()?;
    if request.account_id.is_none() {
        answers.account_id = account(&answers, folder, surroundings).await?;
        answers.check()?;
    }
    Ok(Answered {
        settings: answers.settings(),
        bucket: answers.state_bucket(),
        place: ("account_id", answers.account_id),
        first: None,
    })
}

fn google(request: &Init, folder: &Path, surroundings: &Surroundings) -> Result<Answered> {
    let Some(project_id) = &request.project_id else {
        let given = request.account_id.as_deref().unwrap_or("an account of AWS");
        return Err(Error::invalid("project_id", given, "is no project of Google Cloud")
            .allowed("--project-id"));
    };
    let answers = GoogleAnswers {
        name: request.name.clone().unwrap_or_else(|| name_of(folder)),
        project_id: project_id.clone(),
        region: request.region.clone(),
        bucket: request.bucket.clone(),
        impersonate: request.impersonate.clone(),
        os_user: surroundings.os_user.clone(),
    };
    answers.check()?;
    Ok(Answered {
        settings: answers.settings(),
        bucket: answers.state_bucket(),
        place: ("project_id", answers.project_id),
        first: Some(scaffold::lock_file(folder)),
    })
}

/// The folder's name, where a project may have it.
fn name_of(folder: &Path) -> String {
    let plain: std::path::PathBuf = folder.components().collect();
    plain.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The account that the credentials belong to, as AWS says.
async fn account(answers: &Answers, folder: &Path, surroundings: &Surroundings) -> Result<String> {
    let raw = config::parse(&answers.settings(), &folder.join(config::FILE))?;
    let config = Config::check(raw, folder, surroundings)?;
    let local = compose::local(&config);
    let identity = clouds::clouds(surroundings, config.state(), local).identity;
    let caller = identity.caller(config.environment(Cloud::Aws, "dev")?, "init").await;
    caller.map(|caller| caller.account).map_err(|error: Error| {
        let next = "name the account by --account-id, or mend the credentials";
        // Nobody signs in to a project that has no settings yet.
        let theirs = error.next.clone().filter(|_| !error.details.contains_key("mfa_serial"));
        Error { next: Some(theirs.unwrap_or_else(|| next.to_owned())), ..error }
    })
}
