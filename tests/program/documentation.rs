//! The prose does not rot: what it says of settings, files and links is checked against what is there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fps_sandbox::config::{Config, SETTINGS};

const BEGIN: &str =
    "<!-- settings: made from the code; UPDATE=1 cargo test --test program documentation -->\n";
const END: &str = "<!-- /settings -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()))
}

/// Every Markdown file of the project.
fn prose() -> Vec<PathBuf> {
    let folders = [root().to_owned(), root().join("docs")];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.expect("a readable folder").path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    assert!(files.len() >= 4, "where is the prose? {files:?}");
    files
}

/// The table of settings, as the README has to show it.
fn settings_table() -> String {
    let defaults: toml::Table =
        Config::default().to_toml().parse().expect("the printed configuration is TOML");
    let mut table = String::new();
    let mut group = "";
    for setting in SETTINGS {
        if setting.group != group {
            group = setting.group;
            let _ = write!(table, "\n**{group}**\n\n| flag | default | |\n|---|---|---|\n");
        }
        let default = match defaults.get(setting.name) {
            // It depends on the machine; the help tells how.
            Some(_) if setting.name == "data_dir" => "see there".to_owned(),
            Some(value) => format!("`{}`", plain(value)),
            None => "–".to_owned(),
        };
        let flag = if defaults.get(setting.name).is_some_and(toml::Value::is_bool) {
            setting.flag()
        } else {
            format!("{} {}", setting.flag(), setting.placeholder)
        };
        let _ = writeln!(table, "| `{flag}` | {default} | {} |", setting.help());
    }
    table + "\n"
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_flag_and_default() {
    let path = root().join("README.md");
    let readme = read(&path);
    let (before, rest) = readme.split_once(BEGIN).expect("the README has a place for the settings");
    let (shown, after) = rest.split_once(END).expect("that place ends");
    let table = settings_table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("the README is written");
    } else {
        assert_eq!(shown, table, "stale; UPDATE=1 cargo test --test program documentation writes it");
    }
}

/// Whether a text in backticks is meant as a path of the project.
fn is_path(text: &str) -> bool {
    const FOLDERS: &[&str] =
        &["src/", "tests/", "migrations/", "fixtures/", "docs/", "benches/", ".ci/", ".cargo/"];
    FOLDERS.iter().any(|folder| text.starts_with(folder)) && !text.contains([' ', '*', '…', '<'])
}

/// What stands in backticks outside of code blocks.
fn quoted(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let paths: Vec<&str> = quoted(&text).into_iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() > 40, "only {} paths were found", paths.len());
    let missing: Vec<&&str> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:?}");
}

#[test]
fn the_map_of_the_architecture_shows_every_room() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let named = quoted(&text);
    for entry in std::fs::read_dir(root().join("src")).expect("src is readable") {
        let entry = entry.expect("src is readable");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let path = format!("src/{name}{slash}");
        assert!(named.contains(&path.as_str()), "{path} is not on the map of ARCHITECTURE.md");
    }
}

/// The targets of the links of a Markdown text, outside of code.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2).flat_map(|prose| prose.split('`').step_by(2));
    prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors that a reader's browser makes of headings.
fn anchors(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2).flat_map(str::lines);
    let headings = prose.filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings
        .map(|heading| {
            let kept = heading.to_lowercase().replace(' ', "-");
            kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for file in prose() {
        let text = read(&file);
        for link in links(&text).into_iter().filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name("").join(path) };
            assert!(target.exists(), "{}: {link} leads nowhere", file.display());
            let known = anchor.is_empty() || anchors(&read(&target)).iter().any(|known| known == anchor);
            assert!(known, "{}: there is no heading for {link}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} links were found");
}

#[test]
fn the_readme_says_which_actions_there_are() {
    let readme = read(&root().join("README.md"));
    let all = format!("all {} actions", fps_sandbox::fps::actions::ACTIONS.len());
    assert!(readme.contains(&all), "the README does not say that it speaks {all}");
}
