//! The rules of `deny.toml`, checked on the locked tree: what `cargo deny check bans licenses sources` does, without
//! having to install it.

use std::collections::BTreeSet;
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Rules {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

impl Licences {
    /// What a package may be licensed under.
    fn allowed_for(&self, package: &str) -> Vec<String> {
        let own = self.exceptions.iter().filter(|exception| exception.name == package);
        self.allow.iter().chain(own.flat_map(|exception| &exception.allow)).cloned().collect()
    }
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
    allow_git: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

fn rules() -> Rules {
    toml::from_str(include_str!("../../deny.toml")).expect("deny.toml is what this test reads")
}

/// The packages that are compiled for the rules' targets.
fn tree(rules: &Rules) -> Vec<Package> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    for target in &rules.graph.targets {
        cargo.args(["--filter-platform", target]);
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let compiled: BTreeSet<String> = metadata.resolve.nodes.into_iter().map(|node| node.id).collect();
    let packages: Vec<Package> =
        metadata.packages.into_iter().filter(|package| compiled.contains(&package.id)).collect();
    assert!(packages.len() > 100, "the tree has only {} packages: it was not read", packages.len());
    packages
}

/// An SPDX expression: whether what it asks for is among `allowed`. `A/B` is the old way to write `A OR B`.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let holds = any(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "not understood from word {at} on: {expression}");
    holds
}

fn any(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut holds = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= all(words, at, allowed);
    }
    holds
}

fn all(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut holds = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, allowed);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let word = *words.get(*at).expect("a licence");
    *at += 1;
    if word == "(" {
        let holds = any(words, at, allowed);
        assert_eq!(words.get(*at), Some(&")"), "an open bracket");
        *at += 1;
        return holds;
    }
    if words.get(*at) == Some(&"WITH") {
        let with_exception = format!("{word} WITH {}", words.get(*at + 1).expect("an exception"));
        *at += 2;
        return allowed.contains(&with_exception);
    }
    allowed.iter().any(|licence| licence == word)
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let rules = rules();
    let refused: Vec<String> = tree(&rules)
        .iter()
        .filter(|package| {
            let allowed = rules.licenses.allowed_for(&package.name);
            !package.license.as_deref().is_some_and(|licence| satisfied(licence, &allowed))
        })
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(refused.is_empty(), "not allowed by deny.toml: {refused:#?}");
}

#[test]
fn every_allowed_licence_is_needed() {
    let rules = rules();
    let tree = tree(&rules);
    for licence in &rules.licenses.allow {
        let others: Vec<String> =
            rules.licenses.allow.iter().filter(|other| *other != licence).cloned().collect();
        let needed = tree.iter().filter_map(|package| package.license.as_deref());
        assert!(
            needed.into_iter().any(|text| !satisfied(text, &others)),
            "deny.toml allows {licence}, which nothing needs"
        );
    }
    for Exception { name, .. } in &rules.licenses.exceptions {
        let package = tree.iter().find(|package| package.name == *name);
        let licence = package.and_then(|package| package.license.as_deref());
        let needed = licence.is_some_and(|licence| !satisfied(licence, &rules.licenses.allow));
        assert!(needed, "deny.toml makes an exception for {name}, which needs none");
    }
}

#[test]
fn what_is_excepted_is_for_tests_only() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--manifest-path"]);
    let output = cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).output().expect("cargo runs");
    let packages = String::from_utf8_lossy(&output.stdout);
    assert!(packages.lines().count() > 100, "the tree was not read: {packages}");
    for Exception { name, .. } in &rules().licenses.exceptions {
        let is_it = |line: &str| line.split(' ').next() == Some(name);
        assert!(!packages.lines().any(is_it), "{name} is in the program");
    }
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    let rules = rules();
    let found: Vec<String> = tree(&rules)
        .into_iter()
        .map(|package| package.name)
        .filter(|name| rules.bans.deny.iter().any(|banned| banned.name == *name))
        .collect();
    assert!(!rules.bans.deny.is_empty());
    assert!(found.is_empty(), "banned by deny.toml: {found:?}");
}

#[test]
fn every_dependency_comes_from_an_allowed_registry() {
    let rules = rules();
    let own = env!("CARGO_PKG_NAME");
    assert!(rules.sources.allow_git.is_empty());
    for package in tree(&rules).iter().filter(|package| package.name != own) {
        let source = package.source.as_deref().unwrap_or("a folder");
        let registry = source.strip_prefix("registry+").unwrap_or(source);
        assert!(
            rules.sources.allow_registry.iter().any(|allowed| allowed == registry),
            "{} comes from {source}",
            package.name
        );
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_has_them() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for (expression, holds) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND ISC", true),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR MIT) AND Zlib", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), holds, "{expression}");
    }
}
