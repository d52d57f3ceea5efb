//! The macro that makes flags, variables, file keys and printing out of one table of settings.

use super::kinds::Kind;

/// The environment variable that names the configuration file.
pub(super) const CONFIG_VARIABLE: &str = "FPS_SANDBOX_CONFIG";

/// The help of `--config`.
pub(super) fn config_help() -> String {
    format!(
        "Read settings from this TOML file; --print-config shows what it may say. [env: {CONFIG_VARIABLE}]"
    )
}

/// What is known of one setting: a row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key in the file, in snake case.
    pub name: &'static str,
    /// The heading it stands under in the help.
    pub group: &'static str,
    /// The shape of the value, such as `HOST:PORT`.
    pub placeholder: &'static str,
    lines: &'static [&'static str],
}

impl Setting {
    pub(super) const fn new(
        name: &'static str,
        group: &'static str,
        placeholder: &'static str,
        lines: &'static [&'static str],
    ) -> Self {
        Self { name, group, placeholder, lines }
    }

    /// The flag, such as `--batch-max`.
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// The environment variable, such as `FPS_SANDBOX_BATCH_MAX`.
    pub fn variable(&self) -> String {
        format!("FPS_SANDBOX_{}", self.name.to_uppercase())
    }

    /// What it is for, in a sentence or two.
    pub fn help(&self) -> String {
        self.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    /// The help as the command line shows it.
    pub(super) fn flag_help(&self, default: Option<&toml::Value>) -> String {
        let default = default.map(|value| format!(" [default: {}]", plain(value))).unwrap_or_default();
        format!("{}{default} [env: {}]", self.help(), self.variable())
    }
}

/// A value without the quotes of TOML.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A list, as one environment variable holds it.
pub(super) fn parse_list<K: Kind>(text: &str) -> Result<Vec<K::Value>, String> {
    text.split(',').map(K::parse).collect()
}

/// A list, as the file holds it.
pub(super) fn list_from_toml<K: Kind>(value: &toml::Value) -> Result<Vec<K::Value>, String> {
    let items = value.as_array().ok_or_else(|| format!("expected a list, each item {}", K::expects()))?;
    items.iter().map(K::from_toml).collect()
}

pub(super) fn list_to_toml<K: Kind>(values: &[K::Value]) -> toml::Value {
    toml::Value::Array(values.iter().map(K::to_toml).collect())
}

/// Makes [`Settings`](super::Settings), [`Config`](super::Config) and [`SETTINGS`](super::SETTINGS).
///
/// A row is its help, then `name (Kind): one Type = default;`, `name (Kind): maybe Type;` for a setting that may be
/// absent, or `name (Kind): many Type = default;` for a list. `Type` is what [`Config`](super::Config) holds; it is
/// the kind's `Value`, spelt out for the reader. Defaults are any expression.
macro_rules! settings {
    ($($group:literal {
        $(
            $(#[doc = $help:literal])+
            $name:ident ($kind:ty):
                $(one $one:ty = $one_default:expr;)?
                $(maybe $maybe:ty;)?
                $(many $many:ty = $many_default:expr;)?
        )+
    })+) => {
        /// What one source says: the flags, the environment or the file. `None` leaves a setting to the next source.
        #[derive(Clone, Debug, Default, PartialEq, clap::Args)]
        pub struct Settings {
            /// Read settings from this TOML file.
            #[arg(long, help = table::config_help(), value_name = "FILE", help_heading = "Configuration")]
            pub config: Option<PathBuf>,

            /// Print every setting with its value, as a configuration file, and exit.
            #[arg(long, help_heading = "Configuration")]
            pub print_config: bool,

            $($(
                $(#[doc = $help])+
                #[arg(
                    long,
                    help = rows::$name().flag_help(defaults::$name().as_ref()),
                    help_heading = $group,
                    value_name = <$kind as kinds::Kind>::PLACEHOLDER,
                    value_parser = <$kind as kinds::Kind>::parse,
                    num_args = <$kind as kinds::Kind>::VALUES,
                    require_equals = *<$kind as kinds::Kind>::VALUES.start() == 0,
                    default_missing_value = "true",
                    value_delimiter = <$kind as kinds::Kind>::DELIMITER,
                )]
                pub $name: Option<$($one)? $($maybe)? $(Vec<$many>)?>,
            )+)+
        }

        /// Every setting with its value.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($(
                $(#[doc = $help])+
                pub $name: $($one)? $(Option<$maybe>)? $(Vec<$many>)?,
            )+)+
            /// What only the file can say.
            pub file_only: FileOnly,
        }

        /// The table of settings, in the order of the help.
        pub const SETTINGS: &[Setting] = &[$($(rows::$name(),)+)+];

        mod rows {
            use super::*;
            $($(
                pub(super) const fn $name() -> Setting {
                    Setting::new(
                        stringify!($name), $group, <$kind as kinds::Kind>::PLACEHOLDER, &[$($help),+],
                    )
                }
            )+)+
        }

        mod defaults {
            use super::*;
            $($(
                pub(super) fn $name() -> Option<toml::Value> {
                    $( let value: $one = $one_default; Some(<$kind as kinds::Kind>::to_toml(&value)) )?
                    $( let value: Option<$maybe> = None; value.as_ref().map(<$kind as kinds::Kind>::to_toml) )?
                    $( let value: Vec<$many> = $many_default; Some(table::list_to_toml::<$kind>(&value)) )?
                }
            )+)+
        }

        impl Settings {
            /// These settings, and where they are silent the others.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    config: self.config.or(other.config),
                    print_config: self.print_config || other.print_config,
                    $($( $name: self.$name.or(other.$name), )+)+
                }
            }

            /// Sets one setting from text, as an environment variable holds it.
            fn set_text(&mut self, name: &str, text: &str) -> Result<(), String> {
                match name {
                    $($( stringify!($name) => {
                        $( let value: $one = <$kind as kinds::Kind>::parse(text)?; )?
                        $( let value: $maybe = <$kind as kinds::Kind>::parse(text)?; )?
                        $( let value: Vec<$many> = table::parse_list::<$kind>(text)?; )?
                        self.$name = Some(value);
                    } )+)+
                    _ => {}
                }
                Ok(())
            }

            /// Sets one setting from its value in the file.
            fn set_toml(&mut self, name: &str, given: &toml::Value) -> Result<(), String> {
                match name {
                    $($( stringify!($name) => {
                        $( let value: $one = <$kind as kinds::Kind>::from_toml(given)?; )?
                        $( let value: $maybe = <$kind as kinds::Kind>::from_toml(given)?; )?
                        $( let value: Vec<$many> = table::list_from_toml::<$kind>(given)?; )?
                        self.$name = Some(value);
                    } )+)+
                    _ => {}
                }
                Ok(())
            }
        }

        impl Config {
            fn from_settings(settings: Settings, file_only: FileOnly) -> Self {
                Self {
                    $($(
                        $( $name: settings.$name.unwrap_or_else(|| -> $one { $one_default }), )?
                        $( $name: { let value: Option<$maybe> = settings.$name; value }, )?
                        $( $name: settings.$name.unwrap_or_else(|| -> Vec<$many> { $many_default }), )?
                    )+)+
                    file_only,
                }
            }

            /// The values in the order of [`SETTINGS`], as the file would hold them.
            fn values(&self) -> Vec<Option<toml::Value>> {
                vec![$($(
                    $( { let value: &$one = &self.$name; Some(<$kind as kinds::Kind>::to_toml(value)) } )?
                    $( { let value: Option<&$maybe> = self.$name.as_ref(); value.map(<$kind as kinds::Kind>::to_toml) } )?
                    $( { let value: &Vec<$many> = &self.$name; Some(table::list_to_toml::<$kind>(value)) } )?,
                )+)+]
            }
        }

        impl Default for Config {
            fn default() -> Self {
                Self::from_settings(Settings::default(), FileOnly::default())
            }
        }
    };
}
