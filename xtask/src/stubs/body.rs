//! Whether a body is the one that a mapping expects: text, JSON, a place in JSON.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::mapping::{AtPath, Body, Demand};
use super::matching::whole;

/// Whether what it demands can be read.
pub(super) fn check(wanted: &Body) -> Result<()> {
    match &wanted.matches_json_path {
        Some(AtPath::There(text)) => drop(steps(text)?),
        Some(AtPath::Text(demand)) => {
            steps(&demand.expression)?;
            demand.matches.as_deref().map(whole).transpose()?;
        }
        None => {}
    }
    Ok(())
}

pub(super) fn fits(wanted: &Body, given: &[u8]) -> bool {
    let text = String::from_utf8_lossy(given);
    if let Some(json) = &wanted.equal_to_json {
        // JSON may be given as a text, too.
        let parsed = json.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let given = serde_json::from_slice::<Value>(given);
        return given.is_ok_and(|given| same(parsed.as_ref().unwrap_or(json), &given, wanted));
    }
    if let Some(path) = &wanted.matches_json_path {
        return serde_json::from_slice::<Value>(given).is_ok_and(|given| at_path(path, &given));
    }
    wanted.equal_to.as_ref().is_none_or(|wanted| *wanted == text)
        && wanted.contains.as_ref().is_none_or(|wanted| text.contains(wanted))
        && wanted
            .matches
            .as_ref()
            .is_none_or(|wanted| whole(wanted).is_ok_and(|wanted| wanted.is_match(&text)))
}

/// Whether two values are the same, with the switches of the mapping.
fn same(wanted: &Value, given: &Value, how: &Body) -> bool {
    match (wanted, given) {
        (Value::Object(wanted), Value::Object(given)) => {
            (how.ignore_extra_elements || wanted.len() == given.len())
                && wanted.iter().all(|(name, inner)| {
                    given.get(name).is_some_and(|given| same(inner, given, how))
                })
        }
        (Value::Array(wanted), Value::Array(given)) if how.ignore_array_order => {
            let mut left: Vec<&Value> = given.iter().collect();
            let found = wanted.iter().all(|inner| {
                let place = left.iter().position(|given| same(inner, given, how));
                place.map(|place| left.swap_remove(place)).is_some()
            });
            found && (how.ignore_extra_elements || left.is_empty())
        }
        (Value::Array(wanted), Value::Array(given)) => {
            wanted.len() == given.len()
                && wanted.iter().zip(given).all(|(wanted, given)| same(wanted, given, how))
        }
        (Value::Number(wanted), Value::Number(given)) => wanted.as_f64() == given.as_f64(),
        (wanted, given) => wanted == given,
    }
}

fn at_path(path: &AtPath, given: &Value) -> bool {
    match path {
        AtPath::There(text) => place(text, given).is_some(),
        AtPath::Text(demand) => {
            let Demand { expression, equal_to, contains, matches, absent } = &**demand;
            let Some(found) = place(expression, given) else { return absent.is_some() };
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            absent.is_none()
                && equal_to.as_ref().is_none_or(|wanted| *wanted == text)
                && contains.as_ref().is_none_or(|wanted| text.contains(wanted))
                && matches
                    .as_ref()
                    .is_none_or(|wanted| whole(wanted).is_ok_and(|wanted| wanted.is_match(&text)))
        }
    }
}

fn place<'v>(path: &str, given: &'v Value) -> Option<&'v Value> {
    let mut at = given;
    for step in steps(path).ok()? {
        at = match step.parse::<usize>() {
            Ok(number) if at.is_array() => at.get(number)?,
            _ => at.get(&step)?,
        };
    }
    Some(at)
}

/// `$.a.b[0]['c d']` in its steps. No filters, no wildcards: what they find differs from one library to the next.
fn steps(path: &str) -> Result<Vec<String>> {
    let mut rest =
        path.strip_prefix('$').with_context(|| format!("{path} does not begin with $"))?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let step;
        if let Some(after) = rest.strip_prefix('[') {
            let (inner, after) = after.split_once(']').with_context(|| format!("{path}: no ]"))?;
            (step, rest) = (inner.trim_matches('\''), after);
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            (step, rest) = after.split_at(end);
        } else {
            bail!("{path}: not understood at {rest}");
        }
        if step.is_empty() || step.contains(['*', '?', '@', ':', ',']) {
            bail!("{path}: only names and numbers are understood");
        }
        found.push(step.to_owned());
    }
    Ok(found)
}
