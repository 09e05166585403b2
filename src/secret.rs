//! Secrets: a wrapper that is masked when shown, and the redactor that every sink passes its text through.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{OnceLock, PoisonError, RwLock};

use regex_lite::Regex;
use secrecy::{ExposeSecret, SecretString};

/// A text that is masked when shown; the raw value must be asked for.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The raw value. Each call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Environment variables that this process was started with: shown by name only, they may hold secrets.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    /// These, names and values.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of one; none when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What replaces a secret.
pub const MASK: &str = "(redacted)";

/// Shortest text that is masked by value: shorter ones (`1`, `dev`) would mask half of every log.
const SHORTEST: usize = 6;

/// What this process has fetched: masked wherever text leaves it, whoever writes the text.
static FETCHED: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Masks this secret in every text that a redactor of this process cleans, from now on.
pub fn remember(secret: &Secret) {
    let spelled = Redactor::new([secret.expose()]).values;
    FETCHED.write().unwrap_or_else(PoisonError::into_inner).extend(spelled);
}

/// Replaces known secret values and well-known shapes of secrets.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// Knows these values, in every spelling a log may give them (as is, JSON-escaped, base64, URL-escaped).
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = BTreeSet::new();
        for value in values {
            for line in std::iter::once(value).chain(value.lines()) {
                if line.len() >= SHORTEST {
                    all.extend(spellings(line));
                }
            }
        }
        let mut values: Vec<String> = all.into_iter().collect();
        values.sort_by_key(|v| std::cmp::Reverse(v.len()));
        Self { values }
    }

    /// The text without secrets and without control characters that could steer a terminal or hide text.
    pub fn clean(&self, text: &str) -> String {
        let mut out = strip_controls(text);
        let fetched = FETCHED.read().unwrap_or_else(PoisonError::into_inner);
        // The longest first, as in `values`: one may be part of another.
        let mut all: Vec<&String> = self.values.iter().chain(fetched.iter()).collect();
        all.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in all {
            if out.contains(value.as_str()) {
                out = out.replace(value.as_str(), MASK);
            }
        }
        for (shape, keep) in shapes() {
            if shape.is_match(&out) {
                out = shape.replace_all(&out, *keep).into_owned();
            }
        }
        out
    }
}

fn spellings(value: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(value).to_string();
    let escaped = quoted.trim_matches('"').to_owned();
    let url: String = value
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    vec![value.to_owned(), escaped, url, base64(value.as_bytes()).trim_end_matches('=').to_owned()]
}

/// Standard base64 (RFC 4648 section 4); only ever used to recognise a value, never to decode.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let symbol = |n: u32| ALPHABET.get((n & 63) as usize).copied().map_or('=', char::from);
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let n =
                chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
            let full = [symbol(n >> 18), symbol(n >> 12), symbol(n >> 6), symbol(n)];
            full.into_iter().take(chunk.len() + 1).chain(std::iter::repeat_n('=', 3 - chunk.len()))
        })
        .collect()
}

/// Removes ANSI sequences, other control characters (line feed and tab stay) and bidirectional overrides.
fn strip_controls(text: &str) -> String {
    static ANSI: OnceLock<Option<Regex>> = OnceLock::new();
    let ansi = ANSI.get_or_init(|| {
        Regex::new("\x1b(\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|[@-Z\\\\-_])").ok()
    });
    let plain = match ansi {
        Some(ansi) if text.contains('\x1b') => ansi.replace_all(text, "").into_owned(),
        _ => text.to_owned(),
    };
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if plain.contains(hidden) { plain.chars().filter(|c| !hidden(*c)).collect() } else { plain }
}

fn shapes() -> &'static [(Regex, &'static str)] {
    static SHAPES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        [
            // AWS access key ids (IAM reference, "Unique identifiers"): the id leads to the secret in neighbouring text.
            (r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", MASK),
            (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", MASK),
            // JSON web tokens (RFC 7519): three base64url parts, the first begins with `{"`.
            (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}", MASK),
            (r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", MASK),
            (r"\bya29\.[A-Za-z0-9_-]{20,}", MASK),
            (r"(?i)\b(authorization: *(?:bearer|basic) +)[^\s]+", "${1}(redacted)"),
            (r#"(?i)("?(?:password|passwd|secret_access_key|secret_key|client_secret|api_key|access_token|session_token|private_key)"?\s*[:=]\s*)("[^"]+"|[^\s",}]+)"#, "${1}(redacted)"),
            (r"(://[^/\s:@]+:)[^@\s/]+@", "${1}(redacted)@"),
        ]
        .into_iter()
        .filter_map(|(shape, keep)| Regex::new(shape).ok().map(|regex| (regex, keep)))
        .collect()
    })
}

/// Whether a variable's name or value looks like a secret that was given in the open (bad input 36).
pub fn looks_secret(name: &str, value: &str) -> bool {
    static NAME: OnceLock<Option<Regex>> = OnceLock::new();
    let by_name = NAME
        .get_or_init(|| {
            Regex::new(r"(?i)(password|passwd|secret|token|api_?key|private_?key|credential)").ok()
        })
        .as_ref()
        .is_some_and(|r| r.is_match(name));
    by_name || (value.len() >= SHORTEST && Redactor::default().clean(value) != value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_masked_in_every_spelling() {
        let secret = "p\"ss/w rd+1";
        let redactor = Redactor::new([secret]);
        for text in ["p\"ss/w rd+1", "p\\\"ss/w rd+1", "p%22ss%2Fw%20rd%2B1", "cCJzcy93IHJkKzE="] {
            let clean = redactor.clean(&format!("before {text} after"));
            assert!(!clean.contains(text.trim_end_matches('=')), "{text}: {clean}");
            assert!(clean.starts_with("before ") && clean.ends_with(" after"), "{clean}");
        }
    }

    #[test]
    fn every_shape_compiles_and_masks() {
        assert_eq!(shapes().len(), 8, "a shape that does not compile is left out");
        let clean = Redactor::default().clean("key AKIAIOSFODNN7EXAMPLE password=hunter2 https://u:pw1234@host/ Authorization: Bearer abc");
        for leak in ["AKIAIOSFODNN7EXAMPLE", "hunter2", "pw1234", "abc"] {
            assert!(!clean.contains(leak), "{clean}");
        }
    }

    #[test]
    fn security_8_texts_cannot_steer_a_terminal() {
        let clean =
            Redactor::default().clean("a\x1b[31mred\x1b[0m\x1b]0;title\x07b\u{202e}c\rd\u{200b}\n");
        assert_eq!(clean, "aredbcd\n");
    }

    #[test]
    fn short_values_are_left_alone() {
        assert_eq!(Redactor::new(["dev", "1"]).clean("dev 1"), "dev 1");
    }

    #[test]
    fn bad_input_36_secret_looking_variables() {
        assert!(looks_secret("db_password", "x"));
        assert!(looks_secret("note", "AKIAIOSFODNN7EXAMPLE"));
        assert!(!looks_secret("region", "eu-west-1"));
    }
}
