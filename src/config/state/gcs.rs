//! A state in Cloud Storage: where it is, and what its bucket should be like.

use std::path::Path;

use super::super::raw::{Raw, State};
use super::super::valid::named;
use crate::error::{Error, Result};
use crate::model::{Backend, GcsTerms, name};

/// Days that a soft delete policy may keep (Cloud Storage, "Soft delete"). Without one a deleted bucket is gone.
const SOFT_DELETE_DAYS: std::ops::RangeInclusive<u32> = 7..=90;
/// Newest versions that may be kept. Fewer than two leave nothing to go back to.
const KEEP_VERSIONS: std::ops::RangeInclusive<u32> = 2..=1000;
/// Most labels of a bucket.
const LABELS: usize = 64;

/// The backend that a `gcs` setting means; `region` is the environment's default region.
pub(super) fn backend(
    state: &State,
    raw: &Raw,
    root: &Path,
    region: &str,
    field: &dyn Fn(&str) -> String,
) -> Result<Backend> {
    let State::Gcs {
        bucket,
        prefix,
        credentials,
        location,
        kms_key,
        soft_delete_days,
        keep_versions,
        labels,
    } = state
    else {
        return Err(Error::internal("reading a state setting", "it is not in Cloud Storage"));
    };
    name::gcs_bucket(bucket).map_err(|bad| named(&field("state.bucket"), bucket, &bad))?;
    let plain = !prefix.is_empty()
        && !prefix.chars().any(char::is_control)
        && !prefix.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !plain {
        let why = "is not a folder in a bucket";
        return Err(Error::invalid(field("state.prefix"), prefix, why)
            .allowed("a path without a / at either end"));
    }
    let emulator = raw.gcp.storage_emulator.clone();
    if let Some(host) = &emulator {
        name::host(host).map_err(|bad| named("gcp.storage_emulator", host, &bad))?;
    }
    let terms = GcsTerms {
        location: location.clone(),
        kms_key: kms_key.clone(),
        soft_delete_days: *soft_delete_days,
        keep_versions: *keep_versions,
        labels: labels.clone(),
    };
    check(&terms, region, field)?;
    Ok(Backend::Gcs {
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        credentials: credentials.as_ref().map(|path| root.join(path)),
        emulator,
        terms: Box::new(terms),
    })
}

fn check(terms: &GcsTerms, region: &str, field: &dyn Fn(&str) -> String) -> Result<()> {
    if let Some(location) = &terms.location {
        name::gcs_location(location)
            .map_err(|bad| named(&field("state.location"), location, &bad))?;
    }
    if let Some(key) = &terms.kms_key {
        let at =
            name::cloud_kms_key(key).map_err(|bad| named(&field("state.kms_key"), key, &bad))?;
        let location = terms.location.as_deref().unwrap_or(region);
        if !at.eq_ignore_ascii_case(location) {
            let why = format!("is in {at}, the bucket in {location}");
            return Err(Error::invalid(field("state.kms_key"), key, &why)
                .allowed("a key in the location of the bucket"));
        }
    }
    let within = |key: &str, given: Option<u32>, allowed: &std::ops::RangeInclusive<u32>| {
        let Some(number) = given.filter(|number| !allowed.contains(number)) else { return Ok(()) };
        let range = format!("{} to {}", allowed.start(), allowed.end());
        Err(Error::invalid(field(key), number.to_string(), "is out of range").allowed(range))
    };
    within("state.soft_delete_days", terms.soft_delete_days, &SOFT_DELETE_DAYS)?;
    within("state.keep_versions", terms.keep_versions, &KEEP_VERSIONS)?;
    if terms.labels.len() > LABELS {
        let given = terms.labels.len().to_string();
        return Err(Error::invalid(field("state.labels"), given, "are too many labels")
            .allowed(format!("at most {LABELS}")));
    }
    for (label, value) in &terms.labels {
        name::google_label(label, value)
            .map_err(|bad| named(&field("state.labels"), &format!("{label} = {value}"), &bad))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::check as settings;
    use crate::model::Cloud;

    const KEY: &str = "projects/acme-keys-1/locations/europe-west1/keyRings/states/cryptoKeys/dev";

    fn with(state: &str, more: &str) -> Result<Backend> {
        let text = format!(
            "project = \"acme\"\n[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"acme-dev-4711\"\n\
             region = \"europe-west1\"\nstate = {{ backend = \"gcs\", {state} }}\n[tiers.dev]\n{more}"
        );
        Ok(settings(&text)?.environment(Cloud::Gcp, "dev")?.backend.clone())
    }

    fn refused(state: &str) -> String {
        with(state, "").unwrap_err().field.unwrap().replace("environments.gcp.dev.", "")
    }

    #[test]
    fn bad_input_66_names_that_are_no_buckets_of_google() {
        for name in ["My_Bucket", "ab", "-acme", "acme-", "goog-acme", "my-google-state", "a.b.c"] {
            assert_eq!(refused(&format!("bucket = \"{name}\", prefix = \"dev\"")), "state.bucket");
        }
        for prefix in ["", "/dev", "dev/", "a//b", "../x"] {
            let state = format!("bucket = \"acme-dev\", prefix = \"{prefix}\"");
            assert_eq!(refused(&state), "state.prefix", "{prefix}");
        }
    }

    #[test]
    fn what_the_bucket_should_be_like_is_checked() {
        let of = |more: &str| format!("bucket = \"acme-dev\", prefix = \"dev\", {more}");
        let good = with(
            &of(&format!(
                "kms_key = \"{KEY}\", soft_delete_days = 30, keep_versions = 5, labels = {{ team = \"data\" }}"
            )),
            "",
        );
        let Backend::Gcs { terms, .. } = good.unwrap() else { panic!("no gcs") };
        assert_eq!((terms.soft_delete_days, terms.keep_versions), (Some(30), Some(5)));
        assert_eq!(terms.labels["team"], "data");
        with(&of("location = \"EU\""), "").unwrap();
        for (wrong, at) in [
            ("location = \"eu-west-1\"".to_owned(), "state.location"),
            ("kms_key = \"projects/p/keys/k\"".to_owned(), "state.kms_key"),
            (format!("kms_key = \"{KEY}\", location = \"EU\""), "state.kms_key"),
            ("soft_delete_days = 0".to_owned(), "state.soft_delete_days"),
            ("soft_delete_days = 91".to_owned(), "state.soft_delete_days"),
            ("keep_versions = 1".to_owned(), "state.keep_versions"),
            ("labels = { Team = \"data\" }".to_owned(), "state.labels"),
            ("labels = { team = \"Data Team\" }".to_owned(), "state.labels"),
        ] {
            assert_eq!(refused(&of(&wrong)), at, "{wrong}");
        }
    }

    #[test]
    fn an_emulator_is_never_beside_production() {
        let text = "bucket = \"acme-dev\", prefix = \"dev\"";
        let emulator = "[gcp]\nstorage_emulator = \"127.0.0.1:4443\"\n";
        with(text, emulator).unwrap();
        for rule in ["typed_name = true\n", "approver_other_than_requester = true\n"] {
            let refused = with(text, &format!("{rule}{emulator}")).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some("gcp.storage_emulator"), "{rule}");
        }
    }
}
