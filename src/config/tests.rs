use std::collections::BTreeMap;
use std::path::Path;

use clap::{CommandFactory as _, Parser};

use super::file::parse_file;
use super::sources::{check_combinations, read_environment};
use super::*;

/// A command line that has only the settings.
#[derive(Debug, Parser)]
#[command(name = "fps-sandbox")]
struct Program {
    #[command(flatten)]
    settings: PartialConfig,
}

/// A setting with a value in each source. `file` and the second text of each pair are written as in the file. The first
/// text of each pair is the value of the variable or of the flag (`--flag=first`).
struct SettingCase {
    name: &'static str,
    default: Option<&'static str>,
    file: &'static str,
    env: (&'static str, &'static str),
    flag: (&'static str, &'static str),
}

macro_rules! cases {
    ($($name:ident: $default:expr, $file:literal, $env:literal => $env_value:literal, $flag:literal => $flag_value:literal;)+) => {
        &[$(SettingCase {
            name: stringify!($name),
            default: $default,
            file: $file,
            env: ($env, $env_value),
            flag: ($flag, $flag_value),
        }),+]
    };
}

/// The default of a setting whose default depends on the machine.
const MACHINE_DEPENDENT: Option<&str> = Some("");

const CASES: &[SettingCase] = cases! {
    listen: Some("'127.0.0.1:8008'"), "'0.0.0.0:80'", "localhost:8008" => "'localhost:8008'", "[::1]:0" => "'[::1]:0'";
    https_listen: None, "'0.0.0.0:443'", "[::]:443" => "'[::]:443'", "localhost:8443" => "'localhost:8443'";
    tls_cert: None, "'a.pem'", "b.pem" => "'b.pem'", "c.pem" => "'c.pem'";
    tls_key: None, "'a.key'", "b.key" => "'b.key'", "c.key" => "'c.key'";
    port_file: None, "'a'", "b" => "'b'", "c" => "'c'";
    ready_json: Some("false"), "true", "no" => "false", "true" => "true";
    database: Some("':memory:'"), "'a.db'", "sqlite:b.db" => "'b.db'", "sqlite:///c/d.db" => "'/c/d.db'";
    database_timeout: Some("'5s'"), "'1s'", "2" => "'2s'", "500ms" => "'500ms'";
    database_connections: Some("8"), "1", "3" => "3", "4" => "4";
    database_readers: Some("2"), "1", "3" => "3", "4" => "4";
    data_dir: MACHINE_DEPENDENT, "'/a'", "b" => "'b'", "c" => "'c'";
    seed: None, "'a.toml'", "b.toml" => "'b.toml'", "c.toml" => "'c.toml'";
    no_demo: Some("false"), "true", "0" => "false", "on" => "true";
    id_seed: None, "1", "2" => "2", "18446744073709551615" => "'18446744073709551615'";
    no_worlds_on_demand: Some("false"), "true", "0" => "false", "on" => "true";
    max_worlds: Some("1000"), "1", "3" => "3", "4" => "4";
    world_idle: Some("'1d'"), "'1h'", "0" => "'0s'", "7d" => "'7d'";
    auth: Some("'strict'"), "'lenient'", "off" => "'off'", "STRICT" => "'strict'";
    timestamp_window: Some("'15m'"), "'5m'", "off" => "'off'", "1h30m" => "'1h 30m'";
    signature_versions: Some("[1, 2]"), "[2]", "1" => "[1]", "2, 1" => "[2, 1]";
    verify_signature_refusal: Some("'error'"), "'failure'", "error" => "'error'", "FAILURE" => "'failure'";
    host_alias: Some("['fps.sandbox.amazonaws.com', 'fps.amazonaws.com']"), "['a']", "B, c" => "['b', 'c']", "d,e.f" => "['d', 'e.f']";
    cobranded_auth: Some("'optional'"), "'strict'", "optional" => "'optional'", "STRICT" => "'strict'";
    certificate_base: None, "'https://a.example'", "http://b:80/" => "'http://b'", "https://[::1]:8443" => "'https://[::1]:8443'";
    clock: None, "'2010-08-28T12:00:00Z'", "2011-02-03" => "'2011-02-03T00:00:00Z'", "2012-01-01T01:00:00.5+01:00" => "'2012-01-01T00:00:00.500Z'";
    cc_delay: Some("'1s'"), "'2s'", "0" => "'0s'", "250ms" => "'250ms'";
    ach_delay: Some("'4d'"), "'3d'", "0s" => "'0s'", "36h" => "'1d 12h'";
    no_magic: Some("false"), "true", "0" => "false", "on" => "true";
    max_amount: Some("'10000'"), "'500'", "99.95" => "'99.95'", "100.00" => "'100'";
    batch_max: Some("256"), "1", "4096" => "4096", "64" => "64";
    cached_transactions: Some("16384"), "0", "8" => "8", "100" => "100";
    max_request_bytes: Some("65536"), "1024", "1048576" => "1048576", "2048" => "2048";
    max_parameters: Some("200"), "100", "300" => "300", "400" => "400";
    max_connections: Some("1024"), "1", "2" => "2", "3" => "3";
    request_timeout: Some("'30s'"), "'20s'", "10" => "'10s'", "1m" => "'1m'";
    shutdown_grace: Some("'10s'"), "'1s'", "0" => "'0s'", "2m" => "'2m'";
    log: Some("'info'"), "'debug'", "warn,sqlx=error" => "'warn,sqlx=error'", "off" => "'off'";
    log_format: Some("'text'"), "'json'", "Text" => "'text'", "json" => "'json'";
};

fn flags(arguments: &[&str]) -> PartialConfig {
    let arguments = std::iter::once(&"fps-sandbox").chain(arguments);
    Program::try_parse_from(arguments).unwrap().settings
}

fn env(variables: &[(&str, &str)]) -> Result<PartialConfig, ConfigError> {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|&(name, value)| (name, OsString::from(value))).collect();
    read_environment(|name| variables.get(name).cloned())
}

fn file(text: &str) -> Result<ConfigFile, ConfigError> {
    parse_file(Path::new("sandbox.toml"), text)
}

fn file_error(text: &str) -> String {
    one_line(&file(text).unwrap_err())
}

fn one_line(error: &impl ToString) -> String {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn flag_error(argument: &str) -> String {
    format_clap_error(&Program::try_parse_from(["fps-sandbox", argument]).unwrap_err())
}

/// The value of a setting in a printed configuration.
fn printed(config: &Config, name: &str) -> Option<toml::Value> {
    config.to_toml().parse::<toml::Table>().unwrap().get(name).cloned()
}

fn toml_value(written: &str) -> toml::Value {
    let table: toml::Table = format!("value = {written}").parse().unwrap();
    table["value"].clone()
}

#[test]
fn the_command_line_is_sound() {
    Program::command().debug_assert();
}

#[test]
fn every_setting_has_a_row_in_this_table() {
    let settings: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    let cases: Vec<_> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(settings, cases);
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    for (case, setting) in CASES.iter().zip(SETTINGS) {
        let variable = setting.variable();
        let flag = || flags(&[&format!("{}={}", setting.flag(), case.flag.0)]);
        let env = || env(&[(&variable, case.env.0)]).unwrap();
        let file = || Some(file(&format!("{} = {}", case.name, case.file)).unwrap());
        let empty = PartialConfig::default;
        for (settings, file, expected) in [
            (empty(), file(), case.file),
            (env(), None, case.env.1),
            (flag(), None, case.flag.1),
            (env(), file(), case.env.1),
            (flag(), file(), case.flag.1),
            (flag().or(env()), None, case.flag.1),
            (flag().or(env()), file(), case.flag.1),
        ] {
            let config = merge(settings, file);
            assert_eq!(printed(&config, case.name), Some(toml_value(expected)), "{}", case.name);
        }
    }
}

#[test]
fn every_default_is_the_documented_one() {
    for case in CASES.iter().filter(|case| case.default != MACHINE_DEPENDENT) {
        assert_eq!(printed(&Config::default(), case.name), case.default.map(toml_value), "{}", case.name);
    }
    assert_eq!(merge(PartialConfig::default(), None), Config::default());
}

#[test]
fn the_sources_of_a_row_differ_so_that_the_winner_can_be_told() {
    for case in CASES {
        let two_valued = matches!(case.file, "true" | "'json'" | "'strict'" | "'failure'");
        assert!(case.file != case.env.1 && case.env.1 != case.flag.1, "{}", case.name);
        assert!(two_valued || case.file != case.flag.1, "{}", case.name);
    }
}

#[test]
fn a_printed_configuration_reads_back_as_itself() {
    let given: Vec<_> = CASES
        .iter()
        .zip(SETTINGS)
        .map(|(case, setting)| format!("{}={}", setting.flag(), case.flag.0))
        .collect();
    let given = flags(&given.iter().map(String::as_str).collect::<Vec<_>>());
    for config in [Config::default(), merge(given, None)] {
        let text = config.to_toml();
        assert_eq!(merge(PartialConfig::default(), Some(file(&text).unwrap())), config, "{text}");
    }
}

#[test]
fn a_printed_configuration_names_every_setting_once_with_its_help() {
    let text = Config::default().to_toml();
    for setting in SETTINGS {
        let is_entry =
            |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{} = ", setting.name));
        assert_eq!(text.lines().filter(is_entry).count(), 1, "{}", setting.name);
        assert!(text.contains(setting.help().split(' ').next().unwrap()));
    }
    assert!(text.lines().all(|line| line.len() <= 110), "{text}");
}

#[test]
fn the_help_shows_flag_variable_group_and_default_of_every_setting() {
    let help = Program::command().term_width(10_000).render_help().to_string();
    for (setting, case) in SETTINGS.iter().zip(CASES) {
        let line = help.lines().find(|line| line.contains(&format!("[env: {}]", setting.variable())));
        let line = line.unwrap_or_else(|| panic!("{} is not in the help", setting.name));
        assert!(line.contains(&setting.flag()), "{line}");
        assert_eq!(line.contains("[default: "), case.default.is_some(), "{line}");
        assert!(help.contains(&format!("{}:\n", setting.group)));
    }
    assert!(help.contains("[default: 127.0.0.1:8008]") && help.contains("[default: 4d]"));
    assert!(help.contains("[default: fps.sandbox.amazonaws.com,fps.amazonaws.com]"));
}

#[test]
fn a_switch_needs_no_value_and_can_be_switched_off_again() {
    assert_eq!(flags(&["--no-demo"]).no_demo, Some(true));
    assert_eq!(flags(&["--no-demo=false"]).no_demo, Some(false));
    assert_eq!(flags(&["--ready-json", "--no-demo"]).ready_json, Some(true));
    assert_eq!(flags(&[]).no_demo, None);
}

#[test]
fn a_list_is_repeated_or_separated_by_commas_and_replaces_the_default() {
    let hosts = flags(&["--host-alias", "a,b", "--host-alias", "c"]).host_alias;
    assert_eq!(hosts, Some(["a", "b", "c"].map(str::to_owned).to_vec()));
    assert_eq!(
        merge(PartialConfig::default(), Some(file("host_alias = []").unwrap())).host_alias,
        Vec::<String>::new()
    );
}

#[test]
fn an_empty_environment_variable_counts_as_unset() {
    for setting in SETTINGS {
        assert_eq!(env(&[(&setting.variable(), "")]).unwrap(), PartialConfig::default(), "{}", setting.name);
    }
    assert_eq!(env(&[("FPS_SANDBOX_CONFIG", "")]).unwrap().config, None);
}

#[test]
fn a_wrong_environment_variable_is_named_with_its_value() {
    let message = |variable, text| one_line(&env(&[(variable, text)]).unwrap_err());
    assert_eq!(
        message("FPS_SANDBOX_BATCH_MAX", "0"),
        "wrong value `0` of the environment variable FPS_SANDBOX_BATCH_MAX: expected a whole number from 1 to 4096"
    );
    assert!(message("FPS_SANDBOX_HOST_ALIAS", "a,,b").contains("expected a host name"));
}

#[cfg(unix)]
#[test]
fn an_environment_variable_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let read = |name: &str| (name == "FPS_SANDBOX_SEED").then(|| OsString::from_vec(vec![0xff]));
    assert!(one_line(&read_environment(read).unwrap_err()).contains("FPS_SANDBOX_SEED is not UTF-8"));
}

#[test]
fn the_variables_of_kubernetes_are_left_alone() {
    let variables = [("FPS_SANDBOX_PORT", "tcp://10.0.0.1:8008"), ("FPS_SANDBOX_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(env(&variables).unwrap(), PartialConfig::default());
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
    assert_eq!(
        file_error("# a comment\n\nlisen = '127.0.0.1:8008'\n"),
        "unknown key `lisen` on line 3 of sandbox.toml; did you mean `listen`?"
    );
    for (given, meant) in [
        ("batch-max", "batch_max"),
        ("FPS_SANDBOX_AUTH", "auth"),
        ("achdelay", "ach_delay"),
        ("log_fromat", "log_format"),
        ("host_aliases", "host_alias"),
        ("timestamp-windw", "timestamp_window"),
    ] {
        assert!(
            file_error(&format!("{given} = 1")).ends_with(&format!("did you mean `{meant}`?")),
            "{given}"
        );
    }
    assert!(file_error("[zzz]\nx = 1").ends_with("`fps-sandbox --print-config` lists every key"));
    assert!(file_error("config = 'a'").ends_with("it is a flag only: take it out"));
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_file_line_and_key() {
    assert_eq!(
        file_error("auth = 'off'\nlisten = 8008\n"),
        "wrong value of `listen` on line 2 of sandbox.toml: expected HOST:PORT, such as 127.0.0.1:8008, localhost:8008 \
         or [::1]:8008, in quotes, not `8008`"
    );
    for wrong in [
        "no_demo = 'yes'",
        "no_demo = 1",
        "batch_max = '256'",
        "batch_max = 1.5",
        "batch_max = -1",
        "cc_delay = true",
        "cc_delay = -1",
        "max_amount = [1]",
        "database = 1",
        "host_alias = 'a'",
        "host_alias = ['a', 1]",
        "seed = ''",
        "id_seed = -1",
        "clock = 12:00:00",
        "[auth]\nx = 1",
    ] {
        let key = wrong.trim_start_matches('[').split([' ', ']']).next().unwrap();
        let message = file_error(wrong);
        assert!(
            message.starts_with(&format!("wrong value of `{key}` on line 1 of sandbox.toml: expected ")),
            "{message}"
        );
    }
    assert!(file_error("auth = '''\na'''").ends_with("not what stands there"));
}

#[test]
fn numbers_and_dates_of_toml_are_as_good_as_text() {
    let config = |text: &str| merge(PartialConfig::default(), Some(file(text).unwrap()));
    assert_eq!(config("cc_delay = 0").cc_delay, Duration::ZERO);
    assert_eq!(config("cc_delay = 2").cc_delay, Duration::from_secs(2));
    assert_eq!(config("max_amount = 99.95").max_amount, Decimal::new(9995, 2));
    assert_eq!(config("id_seed = '7'").id_seed, Some(7));
    for instant in ["2010-08-28", "2010-08-28T00:00:00Z", "2010-08-28 00:00:00Z"] {
        let text = format!("clock = {instant}");
        assert_eq!(config(&text).clock.unwrap().to_rfc3339(), "2010-08-28T00:00:00+00:00");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let message = file_error("auth = 'off'\nlisten = \n");
    assert!(message.starts_with("line 2 of sandbox.toml is not TOML: "), "{message}");
    assert!(
        file_error("auth = 'off'\nauth = 'off'")
            .starts_with("line 2 of sandbox.toml is not TOML: duplicate key")
    );
}

#[test]
fn a_mistake_on_the_command_line_is_one_line() {
    assert_eq!(
        flag_error("--batch-max=5000"),
        "invalid value '5000' for '--batch-max <N>': expected a whole number from 1 to 4096"
    );
    let message = flag_error("--lisen=x");
    assert_eq!(message, "unexpected argument '--lisen' found; tip: a similar argument exists: '--listen'");
    for wrong in
        ["--listen", "--listen=", "--no-demo=maybe", "surplus", "--host-alias=http://a", "--clock=yesterday"]
    {
        let message = one_line(&flag_error(wrong));
        assert!(
            !message.is_empty() && !message.contains("Usage") && !message.starts_with("error"),
            "{message}"
        );
    }
}

#[test]
fn addresses_need_a_host_and_a_port() {
    for right in ["127.0.0.1:0", "localhost:8008", "[::1]:8008", "[::]:65535", "my-host.local:1"] {
        assert_eq!(flags(&["--listen", right]).listen.as_deref(), Some(right));
    }
    for wrong in [
        "8008",
        ":8008",
        "localhost",
        "localhost:",
        "a:65536",
        "a:+1",
        "::1:8008",
        "[::1]",
        "[x]:1",
        "http://a:1",
        "a b:1",
    ] {
        assert!(flag_error(&format!("--listen={wrong}")).contains("expected HOST:PORT"), "{wrong}");
    }
}

#[test]
fn a_url_of_a_database_that_makes_no_sense_is_refused_without_showing_it() {
    for (wrong, told) in [
        ("postgres://fps:pa/s3cret@db/fps", "no URL of PostgreSQL"),
        ("postgres://fps:s3cret@db:54x3/fps", "no URL of PostgreSQL"),
        ("postgre://fps:s3cret@db/fps", "no URL of PostgreSQL"),
        ("postgres:fps:s3cret@db/fps", "no URL of PostgreSQL"),
        ("postgres:/fps:s3cret@db/fps", "no URL of PostgreSQL"),
        ("postgres//fps:s3cret@db/fps", "no URL of PostgreSQL"),
        ("sqlite:postgres://fps:s3cret@db/fps", "no URL of PostgreSQL"),
        ("host=db password=s3cret", "no URL of PostgreSQL"),
        ("postgres:///fps:s3cret@db/fps", "names no host"),
        ("postgres://db/fps&password=s3cret", "need %XX"),
        ("postgres://db/fps?sslmode=prefer;password=s3cret", "sslmode"),
        ("postgres://db/fps?pwd=s3cret", "unknown parameter"),
        ("postgres://fps:***@db/fps", "hidden by ***"),
    ] {
        let message = one_line(&check_combinations(&merge(flags(&["--database", wrong]), None)).unwrap_err());
        assert!(message.contains(told) && !message.contains("s3cret"), "{message}");
    }
    let with_clock = ["--database", "postgres://db/fps", "--clock", "2012-01-01"];
    assert!(check_combinations(&merge(flags(&with_clock), None)).is_ok());
    for timeout in ["99ms", "61m"] {
        assert!(
            check_combinations(&merge(flags(&["--database-timeout", timeout]), None)).is_err(),
            "{timeout}"
        );
    }
}

#[test]
fn a_database_is_memory_a_file_or_a_server_shown_without_its_password() {
    let database = |text: &str| flags(&["--database", text]).database.unwrap();
    let at = |path: &str| Database::File(PathBuf::from(path));
    for (text, expected) in [
        (":memory:", Database::Memory),
        ("sqlite::memory:", Database::Memory),
        ("fps.db", at("fps.db")),
        ("/var/fps.db", at("/var/fps.db")),
        ("sqlite:fps.db", at("fps.db")),
        ("sqlite:///var/fps.db", at("/var/fps.db")),
        ("sqlite:sqlite:odd.db", at("sqlite:odd.db")),
        ("sqlite:a://b", at("a://b")),
        ("sqlite:////a:b", at("//a:b")),
    ] {
        assert_eq!(database(text), expected);
        assert_eq!(database(&expected.to_string()), expected, "printed and read back");
    }
    for (url, shown) in [
        ("postgres://localhost/fps", "postgres://localhost/fps"),
        ("PostgreSQL://u@h/d", "postgresql://u@h/d"),
        ("postgres://fps:pa/s3cret@db/fps", "postgres://***"),
        ("postgres://fps:s3cret@db:54x3/fps", "postgres://***"),
        ("postgre://fps:s3cret@db/fps", "postgres://***"),
        ("postgres:fps:s3cret@db/fps", "postgres://***"),
        ("postgres://db/fps?pwd=s3cret", "postgres://db/fps?pwd=***"),
        ("postgres://u:s3cret@h:5433/d?sslmode=require", "postgres://u:***@h:5433/d?sslmode=require"),
        ("postgres:///d?host=/run&password=s3cret", "postgres:///d?host=%2Frun&password=***"),
    ] {
        let Database::Postgres(read) = database(url) else { panic!("{url}") };
        assert_eq!((read.to_string(), format!("{read:?}")), (shown.to_owned(), shown.to_owned()));
        assert_eq!(read.with_password().contains("s3cret"), url.contains("s3cret"));
    }
    for wrong in ["", "sqlite:", "mysql://localhost/fps"] {
        assert!(
            flag_error(&format!("--database={wrong}"))
                .contains("`:memory:`, a file path, sqlite:PATH or postgres://"),
            "{wrong}"
        );
    }
}

#[test]
fn a_delay_may_be_nothing_but_a_timeout_may_not() {
    assert_eq!(flags(&["--cc-delay=0"]).cc_delay, Some(Duration::ZERO));
    assert!(flag_error("--request-timeout=0").contains("above 0"));
    for wrong in ["", "x", "1.5", "-1", "36501d", "99999999999999999999", "4 parsecs"] {
        assert!(flag_error(&format!("--ach-delay={wrong}")).contains("a duration"), "{wrong}");
    }
}

#[test]
fn an_amount_is_above_zero_and_in_whole_cents() {
    for wrong in ["0", "-1", "0.001", "1e3", "$5", "1000000.01", "NaN"] {
        assert!(flag_error(&format!("--max-amount={wrong}")).contains("US dollars"), "{wrong}");
    }
}

#[test]
fn a_log_filter_is_checked_and_a_misspelt_level_suggested() {
    for right in [
        "off",
        "INFO",
        "info,sqlx=warn",
        "fps_sandbox::store=trace",
        "sqlx",
        "warn,[request{request_id=x}]=debug",
    ] {
        assert_eq!(flags(&["--log", right]).log.as_deref(), Some(right));
    }
    assert!(flag_error("--log=inof").contains("did you mean `info`?"));
    assert!(flag_error("--log=debug,wran").contains("did you mean `warn`?"));
    for wrong in [" ", "a=b=c", "fps_sandbox=loud"] {
        assert!(flag_error(&format!("--log={wrong}")).contains("expected off, error"), "{wrong}");
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let message = |arguments: &[&str]| {
        check_combinations(&merge(flags(arguments), None)).map_err(|error| one_line(&error)).err()
    };
    assert!(message(&["--tls-cert=c"]).unwrap().contains("without tls_key"));
    assert!(message(&["--tls-key=k", "--https-listen=a:1"]).unwrap().contains("without tls_cert"));
    assert!(message(&["--tls-cert=c", "--tls-key=k"]).unwrap().contains("need https_listen"));
    assert!(message(&["--listen=a:1", "--https-listen=a:1"]).unwrap().contains("same address"));
    assert_eq!(message(&["--listen=a:0", "--https-listen=a:0"]), None);
    assert_eq!(message(&["--tls-cert=c", "--tls-key=k", "--https-listen=a:1"]), None);
}

#[test]
fn the_data_folder_follows_the_desktop_conventions() {
    let folder = |xdg: &str, home: &str| data_dir_from(Some(xdg.into()), Some(home.into()));
    assert_eq!(folder("/x", "/h"), Path::new("/x/fps-sandbox"));
    assert_eq!(folder("", "/h"), Path::new("/h/.local/share/fps-sandbox"));
    assert_eq!(folder("", ""), Path::new("fps-sandbox-data"));
    assert_eq!(data_dir_from(None, None), Path::new("fps-sandbox-data"));
}

#[test]
fn resolving_reads_the_named_file_and_says_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.toml");
    let given = || flags(&["--batch-max=7", "--config", path.to_str().unwrap()]);
    assert!(one_line(&resolve(given()).unwrap_err()).starts_with("cannot read the configuration file "));

    std::fs::write(&path, "batch_max = 8\nmax_parameters = 9\n").unwrap();
    let config = resolve(given()).unwrap();
    assert_eq!((config.batch_max, config.max_parameters), (7, 9));

    std::fs::write(&path, "tls_cert = 'a'\n").unwrap();
    assert!(one_line(&resolve(given()).unwrap_err()).contains("tls_key"));
}
