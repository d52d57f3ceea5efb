//! The documents are up to date: settings, paths, links, examples.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::{Program, run};
use crate::support::send_raw;
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

/// All Markdown files of the project.
fn markdown_files() -> Vec<PathBuf> {
    let folders = [root().to_owned(), root().join("docs")];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.expect("a readable folder").path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    assert!(files.len() >= 4, "only {files:?}");
    files
}

/// The table of settings as the README must show it.
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
            // This default depends on the machine.
            Some(_) if setting.name == "data_dir" => "see there".to_owned(),
            Some(value) => format!("`{}`", setting_value(value)),
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

fn setting_value(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(setting_value).collect::<Vec<_>>().join(","),
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

/// Whether a code span is a path in the project.
fn is_path(text: &str) -> bool {
    const FOLDERS: &[&str] =
        &["src/", "tests/", "migrations/", "fixtures/", "docs/", "benches/", ".ci/", ".cargo/"];
    FOLDERS.iter().any(|folder| text.starts_with(folder)) && !text.contains([' ', '*', '…', '<'])
}

/// The code spans of a Markdown text.
fn code_spans(text: &str) -> Vec<&str> {
    text.split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let paths: Vec<&str> = code_spans(&text).into_iter().filter(|text| is_path(text)).collect();
    assert!(paths.len() > 40, "only {} paths were found", paths.len());
    let missing: Vec<&&str> = paths.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names missing files: {missing:?}");
}

#[test]
fn the_map_of_the_architecture_names_every_module() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let named = code_spans(&text);
    for entry in std::fs::read_dir(root().join("src")).expect("src is readable") {
        let entry = entry.expect("src is readable");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let path = format!("src/{name}{slash}");
        assert!(named.contains(&path.as_str()), "{path} is not on the map of ARCHITECTURE.md");
    }
}

/// The targets of the links in a Markdown text.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2).flat_map(|prose| prose.split('`').step_by(2));
    prose.flat_map(|piece| piece.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchors of the headings in a Markdown text.
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
fn every_link_has_a_target() {
    let mut checked = 0;
    for file in markdown_files() {
        let text = read(&file);
        for link in links(&text).into_iter().filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name("").join(path) };
            assert!(target.exists(), "{}: {link} has no target", file.display());
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
    let all = format!("all {} actions", fps_sandbox::service::actions::ACTIONS.len());
    assert!(readme.contains(&all), "the README does not say that it speaks {all}");
}

/// The code blocks of a Markdown text, with their languages.
fn code_blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let readme = read(&root().join("README.md"));
    let demo = run(&["demo"]);
    let printed = String::from_utf8(demo.stdout).expect("text");
    assert!(demo.status.success(), "{printed}");
    assert!(code_blocks(&readme).contains(&("", printed.as_str())), "the README does not show:\n{printed}");
}

/// A response without its ids, which differ each time.
fn without_ids(text: &str) -> String {
    let mut masked = text.to_owned();
    for name in ["RequestId", "RequestID", "TransactionId"] {
        let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
        let Some((before, rest)) = masked.split_once(&begin) else { continue };
        let (_, after) = rest.split_once(&end).expect("an element ends");
        masked = format!("{before}{begin}{end}{after}");
    }
    masked
}

/// The URL that the last `curl` command of a script requests.
fn curl_url(script: &str, program: &Program) -> String {
    let folder = Path::new(env!("CARGO_BIN_EXE_fps-sandbox")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let ended = Command::new("sh")
        .args(["-c", &format!("curl() {{ for word; do :; done; echo \"$word\"; }}\n{script}")])
        .envs([("PATH", path), ("FPS_SANDBOX_ENDPOINT", format!("http://{}", program.addr))])
        .output()
        .expect("a shell");
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("text").lines().last().expect("a URL").to_owned()
}

async fn get(url: &str, program: &Program) -> crate::support::Response {
    let (_, rest) = url.split_once("://").expect("a URL");
    let (_, target) = rest.split_once('/').expect("a path");
    let host = program.addr;
    send_raw(host, format!("GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
        .await
}

#[tokio::test]
async fn the_readme_shows_the_responses_to_its_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), &["--cc-delay", "0"]).await;
    let readme = read(&root().join("README.md"));
    let mut script = String::new();
    let mut compared = 0;
    for pair in code_blocks(&readme).windows(2) {
        let [("sh", asked), (language, shown)] = pair else { continue };
        if *language == "xml" {
            // Later examples use shell variables of earlier ones.
            script.push_str(asked);
            let answer = get(&curl_url(&script, &program), &program).await;
            assert_eq!(without_ids(&answer.body), without_ids(shown.trim_end()), "{asked}");
            compared += 1;
        } else if asked.ends_with(" | grep location\n") {
            let url = asked.split('\'').nth(1).expect("a URL");
            let answer = get(url, &program).await;
            let location = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
            let names = |url: &str| -> Vec<String> {
                let pairs = url.split(['?', '&']).map(|pair| pair.split('=').next().unwrap_or_default());
                pairs.map(str::to_owned).collect()
            };
            let shown = shown.trim_end().strip_prefix("location: ").expect("a header");
            assert_eq!(names(location.expect("a redirect")), names(shown), "{asked}");
            compared += 1;
        }
    }
    assert_eq!(compared, 5, "requests of the README");
    program.stop().await;
}
