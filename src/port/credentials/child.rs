//! The AWS configuration file that leads a child to the desk of its run, and what of our surroundings a child may have.

use std::path::Path;

use crate::error::{Error, Result};

/// Names that may be passed through from configuration; anything else would be a way around it.
pub const PASSED: [&str; 9] = [
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The AWS configuration file: one profile, whose credentials come from our credential process for this run's folder.
pub fn aws_config(command: &[String], run: &Path, region: &str) -> Result<String> {
    let mut words: Vec<String> = command.to_vec();
    words.push(run.to_string_lossy().into_owned());
    let mut line = String::new();
    for word in &words {
        if word.contains(|c: char| c.is_control()) {
            return Err(Error::internal(
                "writing the credential process",
                format!("a control character in {word:?}"),
            ));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&shell_word(word));
    }
    if command.is_empty() {
        return Ok(format!("[profile datamcp]\nregion = {region}\n"));
    }
    // A value that begins and ends with a quote would lose both to the file's own quoting.
    let exec = if line.starts_with('\'') { "exec " } else { "" };
    Ok(format!("[profile datamcp]\nregion = {region}\ncredential_process = {exec}{line}\n"))
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_the_shell() {
        let config = aws_config(
            &["/opt/data mcp/bin".into(), "__credentials".into()],
            Path::new("/runs/it's"),
            "eu-west-1",
        )
        .unwrap();
        assert!(
            config.contains(
                "credential_process = exec '/opt/data mcp/bin' __credentials '/runs/it'\\''s'\n"
            ),
            "{config}"
        );
        assert!(aws_config(&["a\nb".into()], Path::new("/r"), "eu-west-1").is_err());
    }
}
