//! The macro that generates flags, variables, file keys and printing from the table of settings.

use super::values::ValueFormat;

/// Parses the list in an environment variable: items separated by commas.
pub(super) fn parse_list<F: ValueFormat>(text: &str) -> Result<Vec<F::Value>, String> {
    text.split(',').map(F::parse).collect()
}

/// Reads the list in the file.
pub(super) fn list_from_toml<F: ValueFormat>(value: &toml::Value) -> Result<Vec<F::Value>, String> {
    let items = value.as_array().ok_or_else(|| format!("expected a list, each item {}", F::description()))?;
    items.iter().map(F::from_toml).collect()
}

/// A list as the file holds it.
pub(super) fn list_to_toml<F: ValueFormat>(values: &[F::Value]) -> toml::Value {
    toml::Value::Array(values.iter().map(F::to_toml).collect())
}

/// Generates [`PartialConfig`](super::PartialConfig), [`Config`](super::Config) and [`SETTINGS`](super::SETTINGS) from
/// the table of settings.
///
/// A row is the help as a doc comment, followed by one of:
///
/// * `name (Format): single Type = default;`
/// * `name (Format): optional Type;` for a setting that may be absent
/// * `name (Format): list Type = default;`
///
/// `Format` is a [`ValueFormat`]. `Type` is the type in [`Config`](super::Config): the format's `Value`, written out for
/// the reader. A default is any expression.
macro_rules! settings {
    ($($group:literal {
        $(
            $(#[doc = $help:literal])+
            $name:ident ($format:ty):
                $(single $single:ty = $single_default:expr;)?
                $(optional $optional:ty;)?
                $(list $item:ty = $list_default:expr;)?
        )+
    })+) => {
        /// The settings in one source: flags, environment or file. `None`: this source does not have the setting.
        #[derive(Clone, Debug, Default, PartialEq, clap::Args)]
        pub struct PartialConfig {
            /// Read settings from this TOML file.
            #[arg(long, help = setting::config_flag_help(), value_name = "FILE", help_heading = "Configuration")]
            pub config: Option<PathBuf>,

            /// Print every setting with its value, as a configuration file, and exit.
            #[arg(long, help_heading = "Configuration")]
            pub print_config: bool,

            $($(
                $(#[doc = $help])+
                #[arg(
                    long,
                    help = descriptions::$name().flag_help(defaults::$name().as_ref()),
                    help_heading = $group,
                    value_name = <$format as values::ValueFormat>::PLACEHOLDER,
                    value_parser = <$format as values::ValueFormat>::parse,
                    num_args = <$format as values::ValueFormat>::VALUES_PER_FLAG,
                    require_equals = *<$format as values::ValueFormat>::VALUES_PER_FLAG.start() == 0,
                    default_missing_value = "true",
                    value_delimiter = <$format as values::ValueFormat>::ITEM_SEPARATOR,
                )]
                pub $name: Option<$($single)? $($optional)? $(Vec<$item>)?>,
            )+)+
        }

        /// The value of every setting.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Config {
            $($(
                $(#[doc = $help])+
                pub $name: $($single)? $(Option<$optional>)? $(Vec<$item>)?,
            )+)+
            /// The settings that only the file can have.
            pub file_only: FileOnlySettings,
        }

        /// The descriptions of all settings, in the order of the help.
        pub const SETTINGS: &[Setting] = &[$($(descriptions::$name(),)+)+];

        mod descriptions {
            use super::*;
            $($(
                pub(super) const fn $name() -> Setting {
                    Setting::new(
                        stringify!($name), $group, <$format as values::ValueFormat>::PLACEHOLDER, &[$($help),+],
                    )
                }
            )+)+
        }

        mod defaults {
            use super::*;
            $($(
                pub(super) fn $name() -> Option<toml::Value> {
                    $( let value: $single = $single_default; Some(<$format as values::ValueFormat>::to_toml(&value)) )?
                    $( let value: Option<$optional> = None; value.as_ref().map(<$format as values::ValueFormat>::to_toml) )?
                    $( let value: Vec<$item> = $list_default; Some(table::list_to_toml::<$format>(&value)) )?
                }
            )+)+
        }

        impl PartialConfig {
            /// Merges two sources; this one takes precedence.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self {
                    config: self.config.or(other.config),
                    print_config: self.print_config || other.print_config,
                    $($( $name: self.$name.or(other.$name), )+)+
                }
            }

            /// Sets a setting from the text of an environment variable.
            fn set_text(&mut self, name: &str, text: &str) -> Result<(), String> {
                match name {
                    $($( stringify!($name) => {
                        $( let value: $single = <$format as values::ValueFormat>::parse(text)?; )?
                        $( let value: $optional = <$format as values::ValueFormat>::parse(text)?; )?
                        $( let value: Vec<$item> = table::parse_list::<$format>(text)?; )?
                        self.$name = Some(value);
                    } )+)+
                    _ => {}
                }
                Ok(())
            }

            /// Sets a setting from its value in the file.
            fn set_toml(&mut self, name: &str, toml: &toml::Value) -> Result<(), String> {
                match name {
                    $($( stringify!($name) => {
                        $( let value: $single = <$format as values::ValueFormat>::from_toml(toml)?; )?
                        $( let value: $optional = <$format as values::ValueFormat>::from_toml(toml)?; )?
                        $( let value: Vec<$item> = table::list_from_toml::<$format>(toml)?; )?
                        self.$name = Some(value);
                    } )+)+
                    _ => {}
                }
                Ok(())
            }
        }

        impl Config {
            /// Fills in the defaults of what is absent.
            fn with_defaults(settings: PartialConfig, file_only: FileOnlySettings) -> Self {
                Self {
                    $($(
                        $( $name: settings.$name.unwrap_or_else(|| -> $single { $single_default }), )?
                        $( $name: { let value: Option<$optional> = settings.$name; value }, )?
                        $( $name: settings.$name.unwrap_or_else(|| -> Vec<$item> { $list_default }), )?
                    )+)+
                    file_only,
                }
            }

            /// The values in the order of [`SETTINGS`], as the file holds them.
            fn values(&self) -> Vec<Option<toml::Value>> {
                vec![$($(
                    $( { let value: &$single = &self.$name; Some(<$format as values::ValueFormat>::to_toml(value)) } )?
                    $( { let value: Option<&$optional> = self.$name.as_ref(); value.map(<$format as values::ValueFormat>::to_toml) } )?
                    $( { let value: &Vec<$item> = &self.$name; Some(table::list_to_toml::<$format>(value)) } )?,
                )+)+]
            }
        }

        impl Default for Config {
            fn default() -> Self {
                Self::with_defaults(PartialConfig::default(), FileOnlySettings::default())
            }
        }
    };
}
