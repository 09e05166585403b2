//! The map of `ARCHITECTURE.md` as a test: who may use whom, what only one place may touch, how long things may get.

mod budgets;
mod doors;
mod source;
mod table;

use std::collections::BTreeSet;

pub(crate) use source::top;
use source::{Crate, Reference};
use table::TABLE;

#[test]
fn modules_use_only_what_the_table_allows() {
    let crate_ = Crate::read();
    let mut bad = BTreeSet::new();
    for reference in crate_.references().filter(|r| r.from != r.module()) {
        let allowed = TABLE.iter().find(|(module, _)| *module == reference.from);
        let Some((_, allowed)) = allowed else {
            bad.insert(format!(
                "{}: the table has no line for {}",
                reference.place, reference.from
            ));
            continue;
        };
        if !allowed.iter().any(|prefix| reference.is_below(prefix)) {
            bad.insert(format!(
                "{}: {} uses {}",
                reference.place,
                reference.from,
                reference.path()
            ));
        }
    }
    let bad: Vec<String> = bad.into_iter().collect();
    assert!(
        bad.is_empty(),
        "\n{}\n\nModules are layers: a use against the arrow is mended where it stands. To change the arrows on purpose, \
         change tests/it/architecture/table.rs and the drawing in ARCHITECTURE.md in the same commit, and say why.\n",
        bad.join("\n")
    );
}

#[test]
fn the_check_sees_every_kind_of_path() {
    let text = r#"
        //! Head.
        use crate::{a::X, b as other};
        use super::c;
        mod inner { use super::super::d::Y; fn f() { self::g(); super::super::e::h() } }
        fn f(x: crate::f::T) -> Vec<Box<dyn crate::g::Port>> { println!("{}", crate::h::i()); Vec::new() }
        impl crate::i::Trait for u8 {}
        #[cfg(test)] mod tests { use crate::never::seen; }
        #[cfg(test)] fn helper() { crate::never::seen() }
    "#;
    let found = source::references_of(text, &["top".into(), "leaf".into()]);
    let modules: BTreeSet<&str> = found.iter().map(|r| r.path[0].as_str()).collect();
    assert_eq!(modules, ["a", "b", "f", "g", "h", "i", "top"].into());
    let own: Vec<String> =
        found.iter().map(Reference::path).filter(|p| p.starts_with("top")).collect();
    assert_eq!(own, ["top::c", "top::d::Y", "top::leaf::inner::g", "top::e::h"]);
}
