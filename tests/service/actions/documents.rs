//! The generated documents are up to date.

use std::path::Path;

use fps_sandbox::cobranded;
use fps_sandbox::fps::documentation::{actions_markdown, errors_markdown, magic_markdown};

fn assert_fresh(name: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{name}.md"));
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == generated,
        "docs/{name}.md is stale; write it again with: cargo run -- reference {name} > docs/{name}.md"
    );
}

#[test]
fn the_list_of_actions_is_up_to_date() {
    assert_fresh("actions", &actions_markdown());
}

#[test]
fn the_list_of_errors_is_up_to_date() {
    assert_fresh("errors", &errors_markdown());
}

#[test]
fn the_list_of_magic_values_is_up_to_date() {
    assert_fresh("magic", &magic_markdown());
}

#[test]
fn the_list_of_pipelines_is_up_to_date() {
    assert_fresh("cobranded", &cobranded::documentation::markdown());
}
