//! `--print-config`: prints every setting with its value, as a file that `--config` reads.

use super::{Config, SETTINGS, Setting};

impl Config {
    /// This configuration as a file. The help is in comments, and so are the settings without a value.
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
        parts.extend(self.file_only_toml());
        parts.join("\n\n") + "\n"
    }

    /// The settings that only the file can have. They come last: in TOML, keys after the header of a table belong to it.
    fn file_only_toml(&self) -> Option<String> {
        let text =
            toml::to_string(&self.file_only).unwrap_or_else(|error| format!("# not printable: {error}"));
        let text = text.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

fn entry(setting: &Setting, value: Option<&toml::Value>) -> String {
    let comment = comment(&setting.help());
    match value {
        Some(value) => format!("{comment}\n{} = {}", setting.name, format_value(value)),
        None => format!("{comment}\n# {} = {} (not set)", setting.name, setting.placeholder),
    }
}

/// A value as TOML. A list of more than two items has a line for each.
fn format_value(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(items) if items.len() > 2 => {
            let items: Vec<_> = items.iter().map(|item| format!("    {item},")).collect();
            format!("[\n{}\n]", items.join("\n"))
        }
        other => other.to_string(),
    }
}

/// Wraps a text into lines of comments.
fn comment(text: &str) -> String {
    const MAX_WIDTH: usize = 100;
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < MAX_WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n")
}
