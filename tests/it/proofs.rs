//! Proofs cannot be forged (promise 2 and 3): each file in `proofs/` is a way to try, and does not compile. Its head
//! holds the errors that the compiler has to give, all of them; a head without any is code that has to compile.
//!
//! The compiler is run on one file at a time against the library that this test is linked with, so nothing else is
//! built for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/proofs")
}

/// The newest library of ours beside this test's binary, and the folder with what it was linked with.
fn library() -> (PathBuf, PathBuf) {
    let own = std::env::current_exe().unwrap();
    let deps = own.parent().unwrap().to_path_buf();
    let made = |path: &PathBuf| {
        path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let newest = deps
        .read_dir()
        .unwrap()
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libdatamcp-") && name.ends_with(".rlib")
        })
        .max_by_key(made);
    (newest.expect("the library beside this test"), deps)
}

/// What the compiler says about a file: its errors, one line each.
fn errors(file: &Path) -> Vec<String> {
    let (library, deps) = library();
    let out = tempfile::tempdir().unwrap();
    let beside_cargo = Path::new(env!("CARGO")).with_file_name("rustc");
    let compiler = if beside_cargo.is_file() { beside_cargo } else { "rustc".into() };
    let mut command = Command::new(compiler);
    command
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=short"])
        .arg("--extern")
        .arg(format!("datamcp={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--out-dir")
        .arg(out.path())
        .arg(file);
    let output = crate::alone::output(&mut command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let errors: Vec<String> = said
        .lines()
        .filter_map(|line| line.split_once(": error").map(|(_, error)| short(error)))
        .collect();
    assert_eq!(output.status.success(), errors.is_empty(), "{}:\n{said}", file.display());
    errors
}

/// An error with the names of our types as short as they are: whether the compiler writes their paths is up to it.
fn short(error: &str) -> String {
    let path = regex_lite::Regex::new(r"\bdatamcp::(?:[a-z_]+::)+").unwrap();
    format!("error{}", path.replace_all(error, ""))
}

fn expected(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let head = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    head.filter(|line| line.starts_with("error")).map(str::to_owned).collect()
}

#[test]
fn promise_2_no_proof_can_be_made_outside_of_its_module() {
    let mut cases: Vec<PathBuf> =
        folder().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 8, "{cases:?}");
    let mut compiled = 0;
    for case in cases {
        let expected = expected(&case);
        compiled += usize::from(expected.is_empty());
        assert_eq!(errors(&case), expected, "{}", case.display());
    }
    assert_eq!(compiled, 1, "the file that shows that honest code compiles");
}
