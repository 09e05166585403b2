//! Programs that print credentials ("Sourcing credentials with an external process"). They run through our one door to
//! processes, with a limit. What they print is never quoted, neither stream: it may be the secret.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use serde::Deserialize;

use super::chain::Command;
use crate::error::{Error, ErrorCode, Result};
use crate::exec::{Invocation, Sink};
use crate::secret::Variables;

/// Longest time for an answer.
const LIMIT: Duration = Duration::from_secs(15);
/// More than any answer needs.
const ROOM: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Starts the program and reads what it prints.
pub(super) async fn keys(
    command: &Command,
    variables: &Variables,
    doing: &str,
) -> Result<Credentials> {
    let (program, arguments, name) = match command {
        Command::Words(words) => {
            let (program, rest) = words
                .split_first()
                .ok_or_else(|| Error::internal(doing, "a credential process without a program"))?;
            (program.as_str(), rest.to_vec(), format!("process {program}"))
        }
        // The shell is part of what AWS defines for this key, and the file is the user's own.
        Command::Line { line, profile } => (
            "/bin/sh",
            vec!["-c".to_owned(), line.clone()],
            format!("credential_process of profile {profile}"),
        ),
    };
    let run = Invocation::new(program, "/")
        .args(arguments)
        .env(inherited(variables))
        .output(Sink::Capture(ROOM), Sink::Null);
    let failed = |code, why: String| {
        Error::new(code, format!("{doing}: {name} {why}"))
            .next("run it by hand, as the same user, to see what it says")
    };
    let end = run.capture(LIMIT).await.map_err(|error| match error.code {
        ErrorCode::TimedOut => {
            failed(ErrorCode::TimedOut, format!("gave no answer within {} s", LIMIT.as_secs()))
        }
        code => failed(code, "cannot be started".to_owned()),
    })?;
    if end.code != Some(0) {
        let how = match (end.code, end.signal) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
        };
        return Err(failed(ErrorCode::UpstreamFailed, how));
    }
    parse(&end.stdout.bytes).map_err(|why| failed(ErrorCode::UpstreamFailed, why.to_owned()))
}

fn parse(bytes: &[u8]) -> std::result::Result<Credentials, &'static str> {
    let printed: Printed = serde_json::from_slice(bytes).map_err(
        |_| "printed something else than Version, AccessKeyId and SecretAccessKey in JSON",
    )?;
    if printed.version != 1 {
        return Err("printed a Version other than 1");
    }
    let expiry = match printed.expiration.as_deref().map(str::parse::<jiff::Timestamp>) {
        None => None,
        Some(Ok(at)) => Some(SystemTime::from(at)),
        Some(Err(_)) => return Err("printed an Expiration that is not a time of RFC 3339"),
    };
    Ok(Credentials::new(
        printed.access_key_id,
        printed.secret_access_key,
        printed.session_token.filter(|token| !token.is_empty()),
        expiry,
        "process",
    ))
}

/// What a credential process gets: all but what would turn its own calls elsewhere.
fn inherited(variables: &Variables) -> impl Iterator<Item = (String, String)> {
    let kept = variables.all().filter(|(name, _)| !name.starts_with("AWS_ENDPOINT_URL"));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_prints_is_checked_and_never_quoted() {
        let good = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"2026-11-22T18:00:00Z","More":1}"#;
        let keys = parse(good.as_bytes()).unwrap();
        assert_eq!(keys.session_token(), Some("T"));
        assert!(keys.expiry().is_some());
        for bad in [
            "",
            "canary",
            r#"{"Version":2,"AccessKeyId":"A","SecretAccessKey":"canary"}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":["canary"]}"#,
            r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"canary","Expiration":"canary"}"#,
        ] {
            let why = parse(bad.as_bytes()).unwrap_err();
            assert!(why.starts_with("printed ") && !why.contains("canary"), "{bad}: {why}");
        }
    }
}
