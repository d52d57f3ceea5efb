//! Imports between the top-level modules form no circle, so that each can be read and changed after those it stands on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every source file below a folder, without tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs"))
        .collect()
}

/// Which top-level modules each one names. Tests inside a file stand at its end and do not count.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).expect("below src");
        let top = inside.components().next().expect("a name").as_os_str().to_string_lossy();
        let module = top.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&path).expect("a source file");
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let named = imports.entry(module.clone()).or_default();
        for rest in code.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if root.join(format!("{name}.rs")).exists() || root.join(&name).is_dir() {
                named.insert(name);
            }
        }
        named.remove(&module);
    }
    imports
}

/// The modules from which a way of imports leads back to where it began.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reached = |start: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start.clone()]);
        while let Some(module) = next.pop() {
            for named in imports.get(&module).into_iter().flatten() {
                if seen.insert(named.clone()) {
                    next.push(named.clone());
                }
            }
        }
        seen
    };
    imports.keys().filter(|module| reached(module).contains(*module)).cloned().collect()
}

#[test]
fn imports_between_top_level_modules_form_no_circle() {
    let imports = imports();
    assert!(imports.len() > 10 && imports["store"].contains("ledger"), "{imports:#?}");
    assert_eq!(circles(&imports), [""; 0], "{imports:#?}");
}

#[test]
fn the_service_knows_no_front_and_nothing_that_a_front_is_made_of() {
    let named = &imports()["service"];
    for front in ["authentication", "cli", "cobranded", "fps", "sandbox", "server", "signature"] {
        assert!(!named.contains(front), "{named:?}");
    }
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service")) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        for library in ["axum", "http", "hyper", "quick_xml"] {
            assert!(!text.contains(&format!("use {library}::")), "{}: {library}", path.display());
        }
    }
}

#[test]
fn a_circle_would_be_noticed() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let imports = [("a", names(&["b", "c"])), ("b", names(&["d"])), ("c", names(&[])), ("d", names(&["a"]))];
    let imports = imports.map(|(module, named)| (module.to_owned(), named)).into();
    assert_eq!(circles(&imports), ["a", "b", "d"]);
}
