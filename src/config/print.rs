//! `--print-config`: every setting with its value, as a file that `--config` reads.

use super::{Config, SETTINGS, Setting};

impl Config {
    /// This configuration as a file, with the help as comments. A setting without a value stands in a comment.
    pub fn to_toml(&self) -> String {
        let mut parts =
            vec!["# FPS Sandbox configuration; read with `fps-sandbox --config FILE`.".to_owned()];
        let mut group = "";
        for (setting, value) in SETTINGS.iter().zip(self.values()) {
            if setting.group != group {
                group = setting.group;
                parts.push(format!("## {group}"));
            }
            parts.push(entry(setting, value.as_ref()));
        }
        parts.extend(self.tables());
        parts.join("\n\n") + "\n"
    }

    /// The nested keys. They come last: in TOML, whatever follows a table's head belongs to the table.
    fn tables(&self) -> Option<String> {
        let text =
            toml::to_string(&self.file_only).unwrap_or_else(|error| format!("# not printable: {error}"));
        let text = text.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

fn entry(setting: &Setting, value: Option<&toml::Value>) -> String {
    let comment = comment(&setting.help());
    match value {
        Some(value) => format!("{comment}\n{} = {}", setting.name, written(value)),
        None => format!("{comment}\n# {} = {} (not set)", setting.name, setting.placeholder),
    }
}

/// Lists of several have a line for each.
fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) if items.len() > 2 => {
            let items: Vec<_> = items.iter().map(|item| format!("    {item},")).collect();
            format!("[\n{}\n]", items.join("\n"))
        }
        other => other.to_string(),
    }
}

/// Text as comment lines of readable width.
fn comment(text: &str) -> String {
    const WIDTH: usize = 100;
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n")
}
