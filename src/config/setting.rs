//! The description of a setting.

/// The environment variable that names the configuration file.
pub(super) const CONFIG_VARIABLE: &str = "FPS_SANDBOX_CONFIG";

/// The help of `--config`.
pub(super) fn config_flag_help() -> String {
    format!(
        "Read settings from this TOML file; --print-config shows what it may say. [env: {CONFIG_VARIABLE}]"
    )
}

/// The description of a setting: a row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the file, in snake case.
    pub name: &'static str,
    /// The heading of its group in the help.
    pub group: &'static str,
    /// What the help shows in place of the value, such as `HOST:PORT`.
    pub placeholder: &'static str,
    help_lines: &'static [&'static str],
}

impl Setting {
    pub(super) const fn new(
        name: &'static str,
        group: &'static str,
        placeholder: &'static str,
        help_lines: &'static [&'static str],
    ) -> Self {
        Self { name, group, placeholder, help_lines }
    }

    /// The flag, such as `--batch-max`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// The environment variable, such as `FPS_SANDBOX_BATCH_MAX`.
    pub fn variable(&self) -> String {
        format!("FPS_SANDBOX_{}", self.name.to_uppercase())
    }

    /// Its purpose, in one or a few sentences.
    pub fn help(&self) -> String {
        self.help_lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    /// The help of the command line: with default and environment variable.
    pub(super) fn flag_help(&self, default: Option<&toml::Value>) -> String {
        let default =
            default.map(|value| format!(" [default: {}]", without_quotes(value))).unwrap_or_default();
        format!("{}{default} [env: {}]", self.help(), self.variable())
    }
}

/// A TOML value as the flag takes it.
fn without_quotes(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(without_quotes).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
