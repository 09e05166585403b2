//! Terraform's own configuration file: where providers come from. Nothing of the user's `.terraformrc` counts.

use std::path::Path;

use crate::secret::Secret;

/// The file's content. A mirror without a `direct` block: nothing is downloaded, and a missing provider is named.
pub(super) fn render(mirror: Option<&Path>, cache: Option<&Path>) -> String {
    if let Some(mirror) = mirror {
        return format!(
            "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = {}\n  }}\n}}\n",
            quoted(mirror)
        );
    }
    let cache =
        cache.map_or(String::new(), |cache| format!("plugin_cache_dir = {}\n", quoted(cache)));
    format!("disable_checkpoint = true\n{cache}provider_installation {{\n  direct {{}}\n}}\n")
}

/// The block that lets terraform reach a host. The file that it stands in is as secret as the token.
pub(super) fn credentials(host: &str, token: &Secret) -> String {
    let (host, token) = (quoted(Path::new(host)), quoted(Path::new(token.expose())));
    format!("credentials {host} {{\n  token = {token}\n}}\n")
}

/// An HCL text literal; `${` and `%{` would begin a template.
fn quoted(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace("${", "$${")
        .replace("%{", "%%{");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_never_comes_with_downloads() {
        let text = render(Some(Path::new("/m \"x\" ${y}")), Some(Path::new("/cache")));
        assert!(text.contains(r#"path = "/m \"x\" $${y}""#));
        assert!(!text.contains("direct") && !text.contains("cache"));
    }

    #[test]
    fn a_token_belongs_to_one_host() {
        let text = credentials("app.terraform.io", &Secret::new("a${b}"));
        assert_eq!(text, "credentials \"app.terraform.io\" {\n  token = \"a$${b}\"\n}\n");
    }

    #[test]
    fn downloads_are_cached() {
        let text = render(None, Some(Path::new("/cache")));
        assert!(text.contains("plugin_cache_dir = \"/cache\"") && text.contains("direct"));
    }
}
