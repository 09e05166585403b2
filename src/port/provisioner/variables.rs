//! Checks given variables against the declared ones, before anything starts. Pure.

use serde_json::{Map, Value};

use super::{Module, VariableDecl};
use crate::error::{Error, Result};
use crate::model::name;
use crate::secret;

/// Largest set of variables, as JSON.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Refuses undeclared names, missing values, obviously wrong types and too much of it; returns warnings. A value is
/// never quoted: it may be a secret.
pub fn check_variables(module: &Module, given: &Map<String, Value>) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let mut bytes = 0;
    for (name, value) in given {
        let field = format!("vars.{}", name.chars().take(60).collect::<String>());
        name::variable(name)
            .map_err(|bad| Error::invalid("vars", name, bad.why).allowed(bad.allowed))?;
        let Some(declared) = module.variables.iter().find(|v| v.name == *name) else {
            return Err(undeclared(module, name));
        };
        bytes += name.len() + value.to_string().len();
        if bytes >= BYTES_MAX {
            let why = format!("makes the variables larger than {BYTES_MAX} bytes");
            return Err(Error::invalid(field, format!("{bytes} bytes"), why));
        }
        if !fits(&declared.kind, value) {
            let why = format!("is not of the declared type {}", declared.kind);
            return Err(Error::invalid(field, kind_of(value), why).allowed(declared.kind.clone()));
        }
        let text = value.as_str().unwrap_or_default();
        if !declared.sensitive && !text.is_empty() && secret::looks_secret(name, text) {
            warnings
                .push(format!("variable {name} looks like a secret but is not declared sensitive"));
        }
    }
    let missing: Vec<&str> = module
        .variables
        .iter()
        .filter(|v| !v.optional && !given.contains_key(&v.name))
        .map(|v| v.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(warnings);
    }
    let why = format!("lacks required variables: {}", missing.join(", "));
    Err(Error::invalid("vars", "", why).detail("missing", missing))
}

fn undeclared(module: &Module, name: &str) -> Error {
    let names: Vec<&str> = module.variables.iter().map(|v| v.name.as_str()).collect();
    let nearest = module
        .variables
        .iter()
        .map(|v: &VariableDecl| (strsim::damerau_levenshtein(&v.name, name), &v.name))
        .filter(|(distance, other)| *distance <= 3.max(other.len() / 3))
        .min();
    let error =
        Error::invalid("vars", name, "holds a variable that the root module does not declare")
            .allowed(names.join(", "));
    match nearest {
        Some((_, near)) => error.next(format!("did you mean {near}")),
        None => error,
    }
}

/// Whether terraform could convert the value to the type; only what is obvious is refused.
fn fits(kind: &str, value: &Value) -> bool {
    let kind = kind.trim();
    let collection = |names: &[&str]| names.iter().any(|n| kind.starts_with(n));
    match value {
        Value::Null => true,
        Value::Array(_) => {
            kind == "any" || collection(&["list", "set", "tuple"]) || !is_known(kind)
        }
        Value::Object(_) => kind == "any" || collection(&["map", "object"]) || !is_known(kind),
        Value::String(text) => match kind {
            "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
            "bool" => matches!(text.as_str(), "true" | "false"),
            _ => !collection(&["list", "set", "tuple", "map", "object"]),
        },
        Value::Number(_) => {
            kind != "bool" && !collection(&["list", "set", "tuple", "map", "object"])
        }
        Value::Bool(_) => {
            kind != "number" && !collection(&["list", "set", "tuple", "map", "object"])
        }
    }
}

fn is_known(kind: &str) -> bool {
    ["string", "number", "bool", "list", "set", "tuple", "map", "object"]
        .iter()
        .any(|known| kind.starts_with(known))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads better at its places of use")]
    fn check(given: Value) -> Result<Vec<String>> {
        let decl = |name: &str, kind: &str, optional, sensitive| VariableDecl {
            name: name.into(),
            optional,
            sensitive,
            kind: kind.into(),
        };
        let module = Module {
            variables: vec![
                decl("region", "string", false, false),
                decl("size", "number", false, false),
                decl("tags", "map(string)", true, false),
                decl("zones", "list(string)", true, false),
                decl("on", "bool", true, false),
                decl("db_password", "string", true, false),
                decl("token", "string", true, true),
            ],
            warnings: vec![],
        };
        check_variables(&module, given.as_object().unwrap())
    }

    #[test]
    fn bad_inputs_29_and_30_names() {
        for name in ["foo bar", "-out=x", "", "a\n"] {
            let error = check(json!({ name: 1 })).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("vars"));
        }
    }

    #[test]
    fn bad_input_31_undeclared_names_the_nearest() {
        let error = check(json!({"regoin": "x", "size": 1})).unwrap_err();
        assert_eq!(error.next.as_deref(), Some("did you mean region"));
    }

    #[test]
    fn bad_input_32_all_missing_at_once() {
        let error = check(json!({})).unwrap_err();
        assert_eq!(error.details["missing"], json!(["region", "size"]));
    }

    #[test]
    fn bad_input_33_wrong_types() {
        for (name, bad) in [
            ("region", json!(["x"])),
            ("size", json!("many")),
            ("size", json!(true)),
            ("tags", json!("a=b")),
            ("zones", json!({"a": 1})),
            ("on", json!(1)),
        ] {
            let mut given = json!({"region": "x", "size": "3"});
            given[name] = bad;
            let error = check(given).unwrap_err();
            assert_eq!(error.field, Some(format!("vars.{name}")));
        }
        assert!(
            check(json!({"region": 1, "size": "3", "on": "true", "tags": {}, "zones": []})).is_ok()
        );
    }

    #[test]
    fn bad_input_34_too_large() {
        let error = check(json!({"region": "x".repeat(BYTES_MAX), "size": 1})).unwrap_err();
        assert!(error.message.contains("larger than"));
    }

    #[test]
    fn bad_input_36_secrets_in_the_open_are_warned_of() {
        let warnings = check(
            json!({"region": "${file(\"x\")}", "size": 1, "db_password": "hunter22", "token": "hunter22"}),
        );
        assert_eq!(warnings.unwrap().len(), 1);
    }
}
