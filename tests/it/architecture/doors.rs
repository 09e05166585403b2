//! What only one place may touch: child processes, SDKs, the protocol, the database, concrete adapters.

use super::source::{Crate, Reference, top};

/// Places outside of `doors` where a reference is of the kind that `is` tells.
fn strays(doors: &[&str], is: impl Fn(&Reference) -> bool) -> Vec<String> {
    let crate_ = Crate::read();
    let all = crate_.files.iter().flat_map(|file| &file.references).filter(|r| is(r));
    let (inside, outside): (Vec<_>, Vec<_>) =
        all.partition(|r| doors.iter().any(|door| r.place.starts_with(door)));
    assert!(!inside.is_empty(), "nothing is seen in {doors:?}: this test is blind");
    outside.iter().map(|r| format!("{}: {}", r.place, r.path())).collect()
}

fn is_crate(reference: &Reference, name: impl Fn(&str) -> bool) -> bool {
    !reference.own && matches!(reference.path.as_slice(), [first, _, ..] if name(first))
}

#[test]
fn security_12_only_exec_starts_processes() {
    let starts = |r: &Reference| {
        is_crate(r, |name| name == "process_wrap")
            || r.path.windows(2).any(|w| w == ["process", "Command"] || w == ["Command", "new"])
    };
    assert_eq!(strays(&["src/exec"], starts), [""; 0]);
}

#[test]
fn only_the_adapter_knows_its_sdk() {
    assert_eq!(strays(&["src/adapter/aws"], |r| is_crate(r, |n| n.starts_with("aws_"))), [""; 0]);
    assert_eq!(strays(&["src/adapter/sqlite"], |r| is_crate(r, |n| n == "rusqlite")), [""; 0]);
    assert_eq!(strays(&["src/mcp"], |r| is_crate(r, |n| n == "rmcp")), [""; 0]);
    assert_eq!(strays(&["src/adapter/file"], |r| is_crate(r, |n| n == "age")), [""; 0]);
    assert_eq!(strays(&["src/adapter/terraform"], |r| is_crate(r, |n| n == "hcl_edit")), [""; 0]);
}

#[test]
fn app_alone_names_concrete_adapters() {
    let named = |r: &Reference| r.own && r.path.first().is_some_and(|first| first == "adapter");
    assert_eq!(strays(&["src/app", "src/adapter"], named), [""; 0]);
}

#[test]
fn promise_3_no_tool_leads_to_the_desk_of_people() {
    let desk = |r: &Reference| r.own && r.is_below("operation::desk");
    let doors = ["src/cli/people", "src/embed/project", "src/embed/review", "src/operation/desk"];
    assert_eq!(strays(&doors, desk), [""; 0]);
}

#[test]
fn only_embed_is_public() {
    let lib = Crate::read().files.into_iter().find(|f| f.place == "src/lib.rs").unwrap();
    let shown: Vec<String> = lib.syntax.items.iter().filter_map(shown).collect();
    assert_eq!(shown, ["embed"], "what is meant for programs is re-exported by src/embed.rs");
}

/// The name of a public item that the pages show.
fn shown(item: &syn::Item) -> Option<String> {
    let syn::Item::Mod(module) = item else {
        return Some("an item that is no module".into());
    };
    let hidden = |a: &syn::Attribute| {
        a.path().is_ident("doc") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("hidden"))
    };
    (!module.attrs.iter().any(hidden)).then(|| module.ident.to_string())
}

#[test]
fn every_file_is_part_of_the_program_or_of_its_tests() {
    let crate_ = Crate::read();
    for entry in walkdir::WalkDir::new(top().join("src")) {
        let path = entry.unwrap().into_path();
        let place = path.strip_prefix(top()).unwrap().display().to_string();
        if path.extension().is_none_or(|e| e != "rs") || place.ends_with("/tests.rs") {
            continue;
        }
        assert!(!place.ends_with("mod.rs"), "{place}: foo.rs lies beside foo/");
        if let Some((tests, name)) = place.split_once("/tests/") {
            // Tests are no part of the crate as it is read here: their own file names them.
            let text = std::fs::read_to_string(top().join(format!("{tests}/tests.rs"))).unwrap();
            let line = format!("mod {};", name.trim_end_matches(".rs"));
            assert!(text.contains(&line), "{place}: no mod line names it");
            continue;
        }
        assert!(crate_.files.iter().any(|f| f.place == place), "{place}: no mod line names it");
    }
}
