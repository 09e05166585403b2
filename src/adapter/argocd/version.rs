//! Versions of Argo CD: which are refused, and which are warned of.

use crate::error::{Error, ErrorCode, Result};

type Version = (u32, u32, u32);

/// First releases of each line without CVE-2025-55190: before, a project's token reads the credentials of its
/// repositories.
const SAFE: [Version; 4] = [(2, 13, 9), (2, 14, 16), (3, 0, 14), (3, 1, 2)];

/// First releases of each line without CVE-2026-77459 (hooks leave the bounds of their project) and its companions.
const GOOD: [Version; 3] = [(3, 3, 15), (3, 4, 10), (3, 5, 4)];

/// Whether a version is in a line of the list, or in a later one, and not before its fix.
fn is_fixed(version: Version, list: &[Version]) -> bool {
    let line = (version.0, version.1);
    match list.iter().find(|fixed| (fixed.0, fixed.1) == line) {
        Some(fixed) => version >= *fixed,
        None => list.last().is_some_and(|last| line > (last.0, last.1)),
    }
}

fn parse(text: &str) -> Option<Version> {
    let plain = text.trim_start_matches('v').split(['+', '-']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    match (parts.next()?, parts.next()?, parts.next()?, parts.next()) {
        (Some(major), Some(minor), Some(patch), None) => Some((major, minor, patch)),
        _ => None,
    }
}

/// Refuses a version that gives secrets away; tells what is known against another.
pub(super) fn check(doing: &str, text: &str) -> Result<Option<String>> {
    let Some(version) = parse(text) else {
        return Err(super::unexpected(doing, "no version in it"));
    };
    if !is_fixed(version, &SAFE) {
        let why = format!(
            "{doing}: it is {text}, which gives a project's token the credentials of repositories (CVE-2025-55190)"
        );
        return Err(Error::new(ErrorCode::ToolMissing, why)
            .given(text)
            .allowed("2.13.9, 2.14.16, 3.0.14, 3.1.2 or later in these lines, or any later line")
            .next("have Argo CD updated"));
    }
    Ok((!is_fixed(version, &GOOD)).then(|| {
        format!("Argo CD {text} lets hooks leave the bounds of their project (CVE-2026-77459): have it updated to 3.3.15, 3.4.10 or 3.5.4")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_18_versions_with_known_holes_are_refused_or_told() {
        for old in ["v2.12.9", "v2.13.8+abc", "v2.14.15", "v3.0.13", "v3.1.1-rc1", "v1.8.0"] {
            let error = check("asking", old).unwrap_err();
            assert_eq!(error.code, ErrorCode::ToolMissing, "{old}");
        }
        for warned in ["v2.13.9", "v3.0.14", "v3.1.2", "v3.2.11", "v3.3.14", "v3.4.9", "v3.5.3"] {
            assert!(check("asking", warned).unwrap().is_some(), "{warned}");
        }
        for good in ["v3.3.15", "v3.4.10+1ab", "v3.5.4", "v3.6.0", "v4.0.0", "v99.99.99+unknown"] {
            assert!(check("asking", good).unwrap().is_none(), "{good}");
        }
        for bad in ["", "latest", "v3", "v3.x.1", "3.2.1.0"] {
            assert_eq!(check("asking", bad).unwrap_err().code, ErrorCode::UpstreamFailed, "{bad}");
        }
    }
}
