//! How long a file and a function may get, and that each file says what it is.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source::{Crate, for_tests, top};

/// Lines of a file without its tests.
const FILE: usize = 500;
/// Lines of a function.
const FUNCTION: usize = 70;

fn lines(node: &impl Spanned) -> usize {
    let span = node.span();
    span.end().line + 1 - span.start().line
}

#[test]
fn no_file_is_longer_than_its_budget() {
    for file in Crate::read().files {
        let tests: usize = file
            .syntax
            .items
            .iter()
            .filter(|item| matches!(item, syn::Item::Mod(m) if for_tests(&m.attrs)))
            .map(lines)
            .sum();
        let own = file.text.lines().count() - tests;
        assert!(own <= FILE, "{}: {own} lines, {FILE} are allowed", file.place);
    }
}

#[test]
fn no_function_is_longer_than_its_budget() {
    struct Functions<'a>(&'a str, usize);
    impl<'ast> Visit<'ast> for Functions<'_> {
        fn visit_block(&mut self, block: &'ast syn::Block) {
            let length = lines(block).saturating_sub(2);
            self.1 = self.1.max(length);
            assert!(length <= FUNCTION, "{}: a function of {length} lines", self.0);
            visit::visit_block(self, block);
        }
    }
    let mut longest = 0;
    for file in Crate::read().files {
        let mut functions = Functions(&file.place, 0);
        functions.visit_file(&file.syntax);
        longest = longest.max(functions.1);
    }
    assert!(longest > 20, "no function is seen: this test is blind");
}

#[test]
fn every_file_opens_with_what_it_is() {
    for folder in ["src", "tests", "xtask/src"] {
        for entry in walkdir::WalkDir::new(top().join(folder)) {
            let path = entry.unwrap().into_path();
            let cases = path.components().any(|c| c.as_os_str() == "cases");
            if path.extension().is_some_and(|e| e == "rs") && !cases {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(text.starts_with("//! "), "{}: no head", path.display());
                assert!(text.lines().count() <= FILE, "{}: too long", path.display());
            }
        }
    }
}
