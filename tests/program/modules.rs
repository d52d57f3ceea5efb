//! The import graph of the source files: which modules depend on which, and that there are no import cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;

/// The path of a module below the crate root, such as `["ledger", "book"]`; the root itself is empty.
type ModulePath = Vec<String>;

/// A name that a `use` declaration brings into a module.
struct Import {
    /// The imported path as written, such as `["super", "book", "Book"]`; for a glob, the path of the module.
    path: Vec<String>,
    /// The name in the importing module; `None` for a glob.
    name: Option<String>,
    /// Whether the declaration makes the name visible to other modules.
    is_reexport: bool,
}

/// The parts of a source file that say which modules it depends on. Test code is left out.
#[derive(Default)]
struct SourceFile {
    imports: Vec<Import>,
    /// Paths in code outside of `use` declarations.
    paths: Vec<Vec<String>>,
    /// The names of all items that the file declares, without modules.
    items: BTreeSet<String>,
}

impl SourceFile {
    fn parse(text: &str) -> Self {
        let file = syn::parse_file(text).expect("a Rust source file");
        let mut source = Self::default();
        source.visit_file(&file);
        source
    }

    fn add_use_tree(&mut self, tree: &syn::UseTree, mut prefix: Vec<String>, is_reexport: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_use_tree(&path.tree, prefix, is_reexport);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_use_tree(tree, prefix.clone(), is_reexport));
            }
            syn::UseTree::Glob(_) => self.imports.push(Import { path: prefix, name: None, is_reexport }),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let name = prefix.last().cloned();
                self.imports.push(Import { path: prefix, name, is_reexport });
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                prefix.push(name.clone());
                self.imports.push(Import { path: prefix, name: Some(name), is_reexport });
            }
            syn::UseTree::Rename(rename) => {
                prefix.push(rename.ident.to_string());
                self.imports.push(Import {
                    path: prefix,
                    name: Some(rename.rename.to_string()),
                    is_reexport,
                });
            }
        }
    }
}

fn is_test_code(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.path().is_ident("cfg").then(|| attribute.parse_args::<syn::Path>());
        condition.is_some_and(|condition| condition.is_ok_and(|condition| condition.is_ident("test")))
    })
}

impl<'ast> Visit<'ast> for SourceFile {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, name) = match item {
            syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            syn::Item::Impl(item) => (&item.attrs, None),
            syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            syn::Item::Mod(item) => (&item.attrs, None),
            syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
            syn::Item::Use(item) => (&item.attrs, None),
            _ => panic!("an item that this test does not know"),
        };
        if !is_test_code(attributes) {
            self.items.extend(name.map(ToString::to_string));
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.add_use_tree(&item.tree, Vec::new(), is_reexport);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // The arguments of a macro need not be Rust code, so paths are looked for in their text.
        let text = call.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
        self.paths.extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
        syn::visit::visit_macro(self, call);
    }
}

/// Every source file of the library by its module path.
struct Crate {
    files: BTreeMap<ModulePath, SourceFile>,
}

impl Crate {
    fn read() -> Self {
        let mut files = BTreeMap::new();
        read_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut files);
        Self { files }
    }

    /// The module whose file declares what `path` names in the file of `module`; `None` for other crates' items and
    /// for names that an import has brought into scope, because that import counts already.
    fn declaring_module(&self, module: &[String], path: &[String]) -> Option<ModulePath> {
        let first = path.first()?;
        let (mut current, rest) = match first.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (module.to_vec(), &path[1..]),
            "super" => (module[..module.len().checked_sub(1)?].to_vec(), &path[1..]),
            _ if self.is_child(module, first) => (module.to_vec(), path),
            _ => return None,
        };
        for (index, name) in rest.iter().enumerate() {
            if name == "super" {
                current.pop()?;
            } else if self.is_child(&current, name) {
                current.push(name.clone());
            } else {
                return Some(self.reexported_from(&current, name, &rest[index + 1..]).unwrap_or(current));
            }
        }
        Some(current)
    }

    fn is_child(&self, module: &[String], name: &str) -> bool {
        self.files.contains_key(&[module, &[name.to_owned()]].concat())
    }

    /// Where a module has a name from that it imports itself.
    fn reexported_from(&self, module: &[String], name: &str, rest: &[String]) -> Option<ModulePath> {
        let file = self.files.get(module)?;
        if file.items.contains(name) {
            return None;
        }
        let named = file.imports.iter().find(|import| import.name.as_deref() == Some(name));
        if let Some(import) = named {
            return self.declaring_module(module, &[&import.path, rest].concat());
        }
        let globs = file.imports.iter().filter(|import| import.name.is_none() && import.is_reexport);
        globs.filter_map(|import| self.declaring_module(module, &import.path)).find_map(|source| {
            let declares = self.files[&source].items.contains(name);
            if declares { Some(source) } else { self.reexported_from(&source, name, rest) }
        })
    }

    /// The modules whose files the file of a module depends on. A re-export is no dependency: it passes a name on.
    fn dependencies(&self, module: &[String]) -> BTreeSet<ModulePath> {
        let file = &self.files[module];
        let imports = file.imports.iter().filter(|import| !import.is_reexport).map(|import| &import.path);
        let found = imports.chain(&file.paths).filter_map(|path| self.declaring_module(module, path));
        found.filter(|found| found != module).collect()
    }

    /// The import graph of all files below a module.
    fn file_graph(&self, below: &str) -> Graph<ModulePath> {
        let is_below = |module: &ModulePath| module.first().is_some_and(|first| first == below);
        let modules = self.files.keys().filter(|module| is_below(module));
        let edges = modules.map(|module| {
            let dependencies = self.dependencies(module).into_iter().filter(is_below).collect();
            (module.clone(), dependencies)
        });
        Graph(edges.collect())
    }

    /// The import graph of the top-level modules.
    fn top_level_graph(&self) -> Graph<String> {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for module in self.files.keys() {
            let Some(top) = module.first() else { continue };
            let dependencies =
                self.dependencies(module).into_iter().filter_map(|found| found.first().cloned());
            edges.entry(top.clone()).or_default().extend(dependencies.filter(|found| found != top));
        }
        Graph(edges)
    }
}

/// Reads the files of a folder and its subfolders, without those of tests and the binary.
fn read_folder(folder: &Path, module: &[String], files: &mut BTreeMap<ModulePath, SourceFile>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        if path.is_dir() {
            read_folder(&path, &[module, &[stem]].concat(), files);
        } else if is_rust && stem != "tests" && stem != "main" {
            let is_folder_module = stem == "mod" || stem == "lib";
            let module = if is_folder_module { module.to_vec() } else { [module, &[stem]].concat() };
            let text = std::fs::read_to_string(&path).expect("a readable file");
            files.insert(module, SourceFile::parse(&text));
        }
    }
}

/// The nodes of a graph, each with the nodes that it has edges to.
#[derive(Debug)]
struct Graph<N>(BTreeMap<N, BTreeSet<N>>);

impl<N: Ord + Clone> Graph<N> {
    /// All nodes on the paths that begin at a node. The node itself is among them if it is on a cycle.
    fn reachable_from(&self, start: &N) -> BTreeSet<N> {
        let (mut seen, mut pending) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(node) = pending.pop() {
            for next in self.0.get(&node).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    pending.push(next.clone());
                }
            }
        }
        seen
    }

    /// The sets of nodes that can all be reached from each other, without single nodes.
    fn cycles(&self) -> BTreeSet<BTreeSet<N>> {
        let reachable: BTreeMap<&N, BTreeSet<N>> =
            self.0.keys().map(|node| (node, self.reachable_from(node))).collect();
        let mutual = |node: &N| -> BTreeSet<N> {
            let others = reachable[node].iter();
            others
                .filter(|other| reachable.get(other).is_some_and(|back| back.contains(node)))
                .cloned()
                .collect()
        };
        self.0.keys().map(mutual).filter(|cycle| cycle.len() > 1).collect()
    }
}

#[test]
fn imports_between_top_level_modules_form_no_cycle() {
    let graph = Crate::read().top_level_graph();
    assert!(graph.0.len() > 10 && graph.0["store"].contains("ledger"), "{graph:#?}");
    assert_eq!(graph.cycles(), BTreeSet::new(), "{graph:#?}");
}

/// Two files may need each other, such as a module and its submodule. A wider cycle can only be understood as a whole.
#[test]
fn imports_between_files_of_the_ledger_form_no_cycle_of_more_than_two() {
    let graph = Crate::read().file_graph("ledger");
    assert!(graph.0.len() > 20, "{graph:#?}");
    let wide: Vec<_> = graph.cycles().into_iter().filter(|cycle| cycle.len() > 2).collect();
    let edges = |cycle: &BTreeSet<ModulePath>| -> Vec<String> {
        let inside =
            |from: &ModulePath| graph.0[from].intersection(cycle).map(|to| to.join("/")).collect::<Vec<_>>();
        cycle.iter().map(|from| format!("{} -> {}", from.join("/"), inside(from).join(", "))).collect()
    };
    assert!(wide.is_empty(), "{:#?}", wide.iter().map(edges).collect::<Vec<_>>());
}

#[test]
fn the_service_does_not_depend_on_its_front_ends_or_on_their_libraries() {
    let graph = Crate::read().top_level_graph();
    let dependencies = &graph.0["service"];
    for front in ["authentication", "cli", "cobranded", "fps", "sandbox", "server", "signature"] {
        assert!(!dependencies.contains(front), "{dependencies:?}");
    }
    let files = Crate::read().files;
    let service = files.iter().filter(|(module, _)| module.first().is_some_and(|first| first == "service"));
    for (module, file) in service {
        for library in ["axum", "http", "hyper", "quick_xml"] {
            let mut paths = file.imports.iter().map(|import| &import.path).chain(&file.paths);
            assert!(!paths.any(|path| path[0] == library), "{module:?} uses {library}");
        }
    }
}

#[test]
fn a_cycle_is_found() {
    let names = |names: &[&'static str]| names.iter().copied().collect();
    let graph = Graph(
        [("a", names(&["b", "c"])), ("b", names(&["d"])), ("c", names(&[])), ("d", names(&["a"]))].into(),
    );
    assert_eq!(graph.cycles(), BTreeSet::from([names(&["a", "b", "d"])]));
}

#[test]
fn a_name_is_traced_to_the_file_that_declares_it() {
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    let sources = [
        ("", ""),
        (
            "ledger",
            "mod book; pub use book::Book; pub use parts::*; pub struct Amount; use book::Other as Alias;",
        ),
        (
            "ledger::book",
            "use super::{Amount, parts::token::Token}; pub struct Book; #[cfg(test)] mod tests { use super::super::pay; }",
        ),
        (
            "ledger::parts",
            "pub(crate) use token::Token; pub fn check() { assert_eq!(crate::ledger::pay::pay(), ()) }",
        ),
        (
            "ledger::parts::token",
            "pub struct Token; fn book() -> super::super::Book { crate::other::other() }",
        ),
        (
            "ledger::pay",
            "use super::{Alias, Token, check}; use std::fmt; pub fn pay() { fmt::Debug; super::book::new() }",
        ),
        ("other", ""),
    ];
    let modules = |text: &str| if text.is_empty() { Vec::new() } else { path(text) };
    let files = sources.map(|(module, text)| (modules(module), SourceFile::parse(text))).into();
    let graph = Crate { files }.file_graph("ledger");
    let expected = [
        ("ledger", vec!["ledger::book"]),
        ("ledger::book", vec!["ledger", "ledger::parts::token"]),
        ("ledger::parts", vec!["ledger::pay"]),
        ("ledger::parts::token", vec!["ledger::book"]),
        ("ledger::pay", vec!["ledger::book", "ledger::parts", "ledger::parts::token"]),
    ];
    let expected = expected.map(|(from, to)| (path(from), to.into_iter().map(path).collect())).into();
    assert_eq!(graph.0, expected);
}
