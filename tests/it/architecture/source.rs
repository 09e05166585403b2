//! Reads the crate as the compiler does, from `lib.rs` along the `mod` lines, without what is for tests only.

use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, Macro, UseTree};

/// The folder of this package.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file that is part of the program.
pub(crate) struct SourceFile {
    /// Path below the package.
    pub(crate) place: String,
    /// Its text.
    pub(crate) text: String,
    /// Its items, those for tests included.
    pub(crate) syntax: syn::File,
    /// Paths that it names.
    pub(crate) references: Vec<Reference>,
}

/// One path that a file names.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// Layer of the file.
    pub(crate) from: String,
    /// File.
    pub(crate) place: String,
    /// Whether it begins at the crate; otherwise with another crate or something in scope.
    pub(crate) own: bool,
    /// Segments, without `crate`.
    pub(crate) path: Vec<String>,
}

impl Reference {
    /// The layer that it leads to.
    pub(crate) fn module(&self) -> String {
        layer(&self.path)
    }

    /// Written out.
    pub(crate) fn path(&self) -> String {
        self.path.join("::")
    }

    /// Whether it leads to `prefix` (`audit::store`) or below.
    pub(crate) fn is_below(&self, prefix: &str) -> bool {
        let prefix: Vec<&str> = prefix.split("::").collect();
        self.path.iter().map(String::as_str).take(prefix.len()).eq(prefix)
    }
}

/// A top-level module; each adapter is one of its own.
fn layer(path: &[String]) -> String {
    match path {
        [adapter, name, ..] if adapter == "adapter" => format!("adapter/{name}"),
        [first, ..] => first.clone(),
        [] => "lib".into(),
    }
}

/// The files of the library and of the binary.
pub(crate) struct Crate {
    /// In the order of the `mod` lines.
    pub(crate) files: Vec<SourceFile>,
}

impl Crate {
    pub(crate) fn read() -> Self {
        let mut files = Vec::new();
        follow(&top().join("src/lib.rs"), &[], &mut files);
        follow(&top().join("src/main.rs"), &["main".into()], &mut files);
        Self { files }
    }

    /// Paths that begin at the crate, in all files.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.files.iter().flat_map(|file| &file.references).filter(|r| r.own)
    }
}

fn follow(path: &Path, module: &[String], files: &mut Vec<SourceFile>) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let syntax = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let place = path.strip_prefix(top()).unwrap().display().to_string();
    let below: Vec<String> = outside_tests(&syntax.items).filter_map(declared).collect();
    let mut references = paths(&syntax, module);
    for reference in &mut references {
        reference.place.clone_from(&place);
    }
    files.push(SourceFile { place, text, syntax, references });
    for name in below {
        let folder = match module.last() {
            Some(own) if path.file_stem().unwrap() != "main" => path.with_file_name(own),
            _ => path.parent().unwrap().to_path_buf(),
        };
        let file: PathBuf = folder.join(format!("{name}.rs"));
        let module: Vec<String> = module.iter().cloned().chain([name]).collect();
        follow(&file, &module, files);
    }
}

fn outside_tests(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| !matches!(item, Item::Mod(m) if for_tests(&m.attrs)))
}

fn declared(item: &Item) -> Option<String> {
    match item {
        Item::Mod(ItemMod { ident, content: None, .. }) => Some(ident.to_string()),
        _ => None,
    }
}

/// Whether an item is compiled for tests only.
pub(crate) fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test"))
    })
}

/// Paths that a text names when it is the file of `module`.
pub(crate) fn references_of(text: &str, module: &[String]) -> Vec<Reference> {
    paths(&syn::parse_file(text).unwrap(), module).into_iter().filter(|r| r.own).collect()
}

fn paths(syntax: &syn::File, module: &[String]) -> Vec<Reference> {
    let from = layer(module);
    let mut paths = Paths { module: module.to_vec(), from, found: Vec::new() };
    paths.visit_file(syntax);
    paths.found
}

struct Paths {
    module: Vec<String>,
    from: String,
    found: Vec<Reference>,
}

impl Paths {
    fn add(&mut self, segments: &[String]) {
        let mut base = self.module.clone();
        let mut rest = segments;
        let mut own = false;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "super" => drop(base.pop()),
                "self" => {}
                _ => break,
            }
            own = true;
            rest = after;
        }
        let path: Vec<String> = if own {
            base.into_iter().chain(rest.iter().cloned()).collect()
        } else {
            rest.to_vec()
        };
        if path.is_empty() {
            return; // `pub(crate)`
        }
        let (from, place) = (self.from.clone(), String::new());
        self.found.push(Reference { from, place, own, path });
    }

    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(p) => self.tree(&with(p.ident.to_string()), &p.tree),
            UseTree::Name(n) => self.add(&with(n.ident.to_string())),
            UseTree::Rename(r) => self.add(&with(r.ident.to_string())),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(g) => g.items.iter().for_each(|item| self.tree(before, item)),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(i) => &i.attrs,
            Item::Fn(i) => &i.attrs,
            Item::Impl(i) => &i.attrs,
            Item::Use(i) => &i.attrs,
            Item::Struct(i) => &i.attrs,
            Item::Const(i) => &i.attrs,
            _ => &Vec::new(),
        };
        if !for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    /// A macro's input is not parsed; paths in it are found by their look.
    fn visit_macro(&mut self, mac: &'ast Macro) {
        let tokens = mac.tokens.to_string();
        let look = regex_lite::Regex::new(r"\b(?:crate|super|self)(?: *:: *\w+)+").unwrap();
        for found in look.find_iter(&tokens) {
            let segments: Vec<String> =
                found.as_str().split("::").map(|s| s.trim().to_owned()).collect();
            self.add(&segments);
        }
        visit::visit_macro(self, mac);
    }
}
