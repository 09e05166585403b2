//! Every numbered fault, security row and bad input has a test that cites it, or a reason why there can be none yet.
//!
//! A number is cited by the name of a test (`fault_34_…`, `bad_inputs_60_to_63_and_66_…`), by words in a file of tests
//! (`security 19`), or by a row of a table of bad inputs. So a number whose last test goes away fails here.

use std::collections::BTreeSet;
use std::path::Path;

use walkdir::WalkDir;

/// The lists, and how long they are.
const LISTS: [(&str, u32); 3] = [("fault", 52), ("security", 22), ("bad", 108)];

/// Numbers without a test, each with the part that is missing.
const WAITING: [(&str, u32, &str); 6] = [
    ("fault", 19, "a lock is held by its process; no lease has a heartbeat that could fail"),
    ("fault", 22, "the log lies in SQLite; there is no store that throttles"),
    ("fault", 23, "the log lies in SQLite; there is no item with a greatest size"),
    ("fault", 26, "the log lies in SQLite; nothing is spilled to a bucket"),
    ("security", 1, "HTTP is served on loopback with a token of its own; there is no OAuth"),
    ("security", 7, "HTTP is served on loopback with a token of its own; there are no scopes"),
];

/// Files with tables of bad inputs, a number at the beginning of each row.
const TABLES: [&str; 2] = ["tests/it/server/bad_requests.rs", "tests/it/server/bad_settings.rs"];

type Cited = BTreeSet<(&'static str, u32)>;

/// The numbers that a text cites: a word, then numbers, `and` and `to` between them.
fn cited_in(text: &str, found: &mut Cited) {
    let (mut kind, mut last, mut range) = (None, None, false);
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = word.to_ascii_lowercase();
        let known = LISTS.iter().find(|(name, _)| word.trim_end_matches('s') == *name);
        match (word.as_str(), word.parse::<u32>(), kind) {
            (_, Ok(number), Some(kind)) => {
                let from = if range { last.map_or(number, |last: u32| last + 1) } else { number };
                found.extend((from..=number).map(|number| (kind, number)));
                (last, range) = (Some(number), false);
            }
            ("and" | "row" | "rows" | "input" | "inputs", _, Some(_)) => {}
            ("to", _, Some(_)) => range = last.is_some(),
            _ => (kind, last, range) = (known.map(|(name, _)| *name), None, false),
        }
    }
}

/// The numbers that a file of ours cites.
fn cited_by(name: &str, text: &str, found: &mut Cited) {
    let mut tests = false;
    for line in text.lines().map(str::trim) {
        tests |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.split_once("fn ").map(|(_, rest)| rest);
        if let Some(function) = function.filter(|_| tests) {
            cited_in(function.split('(').next().unwrap_or_default(), found);
            tests = false;
        } else if name.starts_with("tests/") {
            cited_in(line, found);
        }
        let row = line.strip_prefix('(').and_then(|row| row.split_once(','));
        if let Some(number) = row.and_then(|(number, _)| number.parse().ok())
            && TABLES.contains(&name)
        {
            found.insert(("bad", number));
        }
    }
}

fn cited() -> Cited {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Cited::new();
    for folder in ["src", "tests", "xtask/src"] {
        for entry in WalkDir::new(top.join(folder)) {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(top).unwrap().display().to_string();
            if path.extension().is_some_and(|kind| kind == "rs") && name != file!() {
                cited_by(&name, &std::fs::read_to_string(&path).unwrap(), &mut found);
            }
        }
    }
    found
}

/// Numbers that are neither cited nor waited for, and those that are both.
fn wrong(cited: &Cited) -> Vec<String> {
    let all = LISTS.iter().flat_map(|(list, length)| (1..=*length).map(move |n| (*list, n)));
    let waiting: Cited = WAITING.iter().map(|(list, number, _)| (*list, *number)).collect();
    let same = all.filter(|number| cited.contains(number) == waiting.contains(number));
    same.map(|(list, number)| format!("{list} {number}")).collect()
}

#[test]
fn every_number_of_the_lists_has_a_test_or_a_reason() {
    let cited = cited();
    assert_eq!(wrong(&cited), [""; 0], "no test cites them, or the reason for that is gone");
    for lost in [("fault", 34), ("security", 15), ("bad", 64)] {
        let without: Cited = cited.iter().copied().filter(|number| *number != lost).collect();
        assert_eq!(wrong(&without), [format!("{} {}", lost.0, lost.1)]);
    }
}

#[test]
fn numbers_are_read_off_names_words_and_rows() {
    let read = |name: &str, text: &str| {
        let mut found = Cited::new();
        cited_by(name, text, &mut found);
        found.into_iter().map(|(list, n)| format!("{list} {n}")).collect::<Vec<_>>().join(", ")
    };
    for (name, text, found) in [
        (
            "src/a.rs",
            "#[test]\nfn bad_inputs_60_to_62_and_66_aws() {",
            "bad 60, bad 61, bad 62, bad 66",
        ),
        ("src/a.rs", "#[tokio::test]\nasync fn faults_4_7_bar_15_x() {", "fault 4, fault 7"),
        ("src/a.rs", "fn fault_9_of_no_test() {", ""),
        ("src/a.rs", "/// At most 600 (default 300).", ""),
        ("tests/a.rs", "/// Fault 24: an end", "fault 24"),
        ("tests/a.rs", "assert!(x, \"security 19: {call}\");", "security 19"),
        ("tests/it/server/bad_settings.rs", "(64, state, with(1)),", "bad 64"),
        ("tests/a.rs", "(64, state, with(1)),", ""),
    ] {
        assert_eq!(read(name, text), found, "{text}");
    }
}
