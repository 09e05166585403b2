//! The stub mappings of `fixtures/`: each is used, tells where it comes from, and is what its API describes.
//!
//! That WireMock takes them as they are, and that AWS describes what is recorded of it, is shown in the lane `fixtures`.

use std::collections::BTreeSet;
use std::path::Path;

use walkdir::WalkDir;
use xtask::stubs::{Answer, Asked, Exchange, root, sets, unlike_argocd, unlike_google};

/// What files hand to a server that plays mappings: only such files' names count. `xtask` tries its loader on some of the
/// mappings: that is no use of them.
const HANDS: [&str; 4] = ["Stubs::start(", "playing(", ".plays(", "set.add("];
/// What looks into a mapping and plays nothing.
const LOOKS: [&str; 2] = ["recorded(", "written_answer("];

/// Names that tests hand to a server.
fn played() -> BTreeSet<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for folder in ["src", "tests"] {
        for entry in WalkDir::new(top.join(folder)) {
            let path = entry.unwrap().into_path();
            if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with(file!()) {
                found.extend(played_in(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn played_in(text: &str) -> BTreeSet<String> {
    if !HANDS.iter().any(|hand| text.contains(hand)) {
        return BTreeSet::new();
    }
    let parts: Vec<&str> = text.split('"').collect();
    let quoted = parts.windows(2).filter(|two| !LOOKS.iter().any(|look| two[0].ends_with(look)));
    quoted.map(|two| two[1].to_owned()).filter(|name| name.contains('/')).collect()
}

/// Whether one of these names is the mapping's, or that of a folder that it is in; the name of a whole family is none.
fn is_played(name: &str, played: &BTreeSet<String>) -> bool {
    let mut part = name;
    while part.contains('/') {
        if played.contains(part) {
            return true;
        }
        part = part.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
    false
}

/// A name that ends in `?` where it is used does not count: such a mapping need not be asked for.
#[test]
fn every_mapping_is_asked_for_by_a_test() {
    let played = played();
    for (name, _) in sets(&root()).unwrap().into_values().flatten() {
        assert!(is_played(&name, &played), "no test plays {name}: use it or take it away");
    }
    for invented in ["argocd/nobody/uses-this", "argocd/refusals/nobody", "aws/x", "gcp/nobody/x"] {
        assert!(!is_played(invented, &played), "{invented} is found to be played");
    }
}

#[test]
fn what_is_handed_to_a_server_is_told_from_what_is_only_named() {
    let text =
        r#"let s = playing(&["argocd/a", "argocd/b?"]); recorded("argocd/c"); cloud("aws");"#;
    let found = played_in(text);
    let all = ["argocd/a/x", "argocd/a", "argocd/b", "argocd/c", "aws/d"];
    assert_eq!(all.map(|name| is_played(name, &found)), [true, true, false, false, false]);
    assert!(played_in(r#"cloud("argocd/a")"#).is_empty());
}

#[test]
fn every_mapping_tells_a_request_that_it_fits() {
    for (name, mapping) in sets(&root()).unwrap().into_values().flatten() {
        let exchange = Exchange::of(&mapping).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let mut set = xtask::stubs::Set::default();
        let status = mapping.response.status;
        if let (Some(scenario), Some(state)) =
            (&mapping.scenario_name, &mapping.required_scenario_state)
        {
            set.bring(scenario, state);
        }
        set.add(&name, mapping, true);
        assert_eq!(set.answer(&exchange.asked()).status, status, "{name}");
        assert_eq!(set.wrong(), [""; 0], "{name}");
    }
}

/// Request and answer, against the descriptions that the lab's stand-ins go by; the token endpoint and the metadata server
/// have none.
#[test]
fn every_exchange_with_google_is_what_google_describes() {
    assert!(described("gcp/", unlike_google) >= 7);
}

/// Against the description in Argo CD's own module, of the version that was recorded.
#[test]
fn every_exchange_with_argo_cd_is_what_argo_cd_describes() {
    let all = described("argocd/", unlike_argocd);
    // Answers of another kind than JSON, and lists of objects that nothing can be added to, cannot drift that way.
    assert!(all >= 35, "{all}");
}

/// Every exchange is as described; how many are no longer once a field that nobody has is added.
fn described(family: &str, unlike: impl Fn(&Asked, &Answer) -> Option<String>) -> usize {
    let mut drifting = 0;
    for (name, mapping) in sets(&root()).unwrap().into_values().flatten() {
        // What is no answer at all has no description.
        if !name.starts_with(family) || mapping.response.fault.is_some() {
            continue;
        }
        let asked = Exchange::of(&mapping).unwrap().asked();
        let (status, json) = (mapping.response.status, mapping.response.json_body);
        let answer = |body: &str| Answer::of(status, "application/json", body);
        let body = json.map(|json| json.to_string()).or(mapping.response.body).unwrap_or_default();
        assert_eq!(unlike(&asked, &answer(&body)), None, "{name}");
        let drifted = body.replacen('{', r#"{"driftedAway":1,"#, 1).replace(",}", "}");
        drifting += usize::from(unlike(&asked, &answer(&drifted)).is_some());
    }
    drifting
}

/// By a text that only a token, a key or this project's own machines have.
#[test]
fn promise_7_no_mapping_holds_a_secret() {
    for family in ["argocd", "aws", "gcp", "kubernetes"] {
        for entry in WalkDir::new(root().join(family)).into_iter().flatten() {
            if !entry.file_type().is_file() {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            for bad in ["eyJ", "ASIA", "PRIVATE KEY", "ya29.", "/home/", "/root/", "/tmp/"] {
                assert!(!text.contains(bad), "{}: {bad}", entry.path().display());
            }
        }
    }
}
