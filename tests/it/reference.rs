//! What is generated and compared: the references under `docs/`, and the tools as a client is told of them.
//!
//! With `DATAMCP_UPDATE_DOCS=1` (that is `cargo xtask docs`) the files are written instead.

use std::path::{Path, PathBuf};

use datamcp::cli::reference;
use serde_json::Value;

const UPDATE: &str = "DATAMCP_UPDATE_DOCS";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a file with what it should hold, or writes it.
fn same(path: &str, expected: &str) {
    let file = at(path);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
    let line = line.unwrap_or(found.lines().count().min(expected.lines().count())) + 1;
    assert!(
        found == expected,
        "{path} line {line} is out of date: run `cargo xtask docs`, then read the difference"
    );
}

#[test]
fn the_references_are_what_the_program_says() {
    same("docs/tools.md", &reference::tools());
    same("docs/errors.md", &reference::errors());
    same("docs/cli.md", &reference::cli());
}

#[test]
fn the_chart_s_readme_has_all_its_values_and_its_schema_is_strict() {
    let chart = "helm/charts/example-data-app";
    let text = |file: &str| std::fs::read_to_string(at(chart).join(file)).unwrap();
    let schema: Value = serde_json::from_str(&text("values.schema.json")).unwrap();
    let defaults = xtask::manifest::read(&at(chart).join("values.yaml")).unwrap();
    assert_eq!(xtask::values::gaps(&schema, &defaults), [""; 0]);
    let readme = xtask::values::readme(&text("README.md"), &schema, &defaults).unwrap();
    same(&format!("{chart}/README.md"), &readme);
}

#[cfg(feature = "mcp")]
#[test]
fn security_9_the_tools_as_served_change_only_on_purpose() {
    let described = serde_json::to_value(datamcp::mcp::described()).unwrap();
    let text = format!("{}\n", serde_json::to_string_pretty(&described).unwrap());
    same("tests/it/golden/tools.json", &text);
    let served = serde_json::to_value(datamcp::mcp::listing()).unwrap();
    assert!(
        std::env::var_os(UPDATE).is_some() || served == described,
        "what is written reads back whole"
    );
}

#[cfg(feature = "mcp")]
#[test]
fn bar_13_all_tools_fit_in_6000_tokens() {
    let text = serde_json::to_string(datamcp::mcp::listing()).unwrap();
    let tokens = text.len() / 4;
    assert!(tokens <= 6000, "about {tokens} tokens");
}

#[cfg(feature = "mcp")]
#[test]
fn promise_1_every_tool_says_what_it_may_do() {
    for tool in datamcp::mcp::listing() {
        let tool: Value = serde_json::to_value(tool).unwrap();
        let name = tool["name"].as_str().unwrap();
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name}: {hint}");
        }
        let properties = &tool["inputSchema"]["properties"];
        let known = datamcp::operation::catalog::find(name).unwrap();
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}: bad input 8");
        assert!(tool["outputSchema"].is_object(), "{name}");
        assert_eq!(properties.get("dry_run").is_some(), known.effect.mutates(), "{name}");
        if known.effect.mutates() {
            assert_eq!(properties["dry_run"]["default"], true, "{name}");
            assert_eq!(tool["annotations"]["destructiveHint"], true, "{name}");
        } else {
            assert_eq!(tool["annotations"]["destructiveHint"], false, "{name}");
        }
        for given in ["command", "args", "argv", "target", "url", "token", "password"] {
            assert!(properties.get(given).is_none(), "{name} takes {given}");
        }
    }
}
