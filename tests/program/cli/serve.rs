//! The `serve` command: what it prints, and how it ends.

use super::*;

#[test]
fn the_ready_line_the_port_file_and_the_banner_agree() {
    let sandbox = RunningSandbox::start(&[]);
    assert_eq!(sandbox.ready["ready"], true);
    assert_eq!(sandbox.ready["pid"], sandbox.child.id());
    assert_eq!(sandbox.ready["access_key"], demo::KEY);
    assert_eq!(sandbox.ready["database"], ":memory:");
    let port = std::fs::read_to_string(sandbox.path("port")).expect("the port file");
    assert_eq!(sandbox.address(), format!("127.0.0.1:{}", port.trim_end()));
    let banner = sandbox.stderr();
    for output in [sandbox.url(), demo::KEY, demo::SECRET, "in memory", "fps-sandbox demo"] {
        assert!(banner.contains(output), "{output} in {banner}");
    }
}

#[test]
fn the_printed_curl_line_works_when_pasted() {
    let sandbox = RunningSandbox::start(&[]);
    let words = sandbox.curl_arguments();
    assert_eq!((words[0].as_str(), words[1].as_str(), words.len()), ("curl", "-sS", 3));
    assert_eq!(available_debt(&send_request(&words[2], None)), "100.000000");
}

#[test]
fn the_printed_lines_work_with_a_sandbox_clock_of_another_year() {
    let sandbox = RunningSandbox::start(&["--clock", "2012-06-01T12:00:00Z"]);
    assert_eq!(available_debt(&send_request(&sandbox.curl_arguments()[2], None)), "100.000000");
    let banner = sandbox.stderr();
    let line = banner.lines().find(|line| line.contains("fps-sandbox call ")).expect("a call line");
    let words = shell_words(line);
    let call = run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(call.code, Some(0), "{call:?}");
    // Timestamps of the system clock are accepted too.
    let now = run(&["call", "--endpoint", sandbox.url(), "Action=GetDebtBalance", &instrument_parameter()]);
    assert_eq!(now.code, Some(0), "{now:?}");
    let neither = ["call", "--endpoint", sandbox.url(), "--timestamp", "2001-01-01T00:00:00Z"];
    let neither = run(&[&neither[..], &["Action=GetDebtBalance", &instrument_parameter()]].concat());
    assert_eq!(neither.code, Some(1));
    assert!(neither.out.contains("The clock of the world shows 2012-06-01T12:00:"), "{neither:?}");
}

#[test]
fn the_secrets_of_a_seed_file_are_never_printed() {
    let seed = |key: &str| {
        format!(
            "[[account]]\nname = 'shop'\nemail = 'shop@example.com'\n\
             [[account.access_key]]\nid = '{key}'\nsecret = 'my own secret'\n"
        )
    };
    // The second key has the id of the documentation, but not its public secret.
    for key in ["AKIDMINE", demo::KEY] {
        let directory = temp_dir();
        std::fs::write(directory.path().join("seed.toml"), seed(key)).expect("a file");
        let sandbox = RunningSandbox::start_in(&directory, &["--seed", "seed.toml", "--log", "trace"]);
        assert_eq!(sandbox.ready["access_key"], key);
        let (code, output) = sandbox.stop_with_signal("-TERM");
        assert_eq!(code, Some(0));
        assert!(output.contains(key), "{output}");
        for secret in ["my own secret", demo::SECRET, "curl -sS"] {
            assert!(!output.contains(secret), "{secret} in {output}");
        }
    }
}

#[test]
fn a_world_without_keys_says_so() {
    let sandbox = RunningSandbox::start(&["--no-demo"]);
    assert!(sandbox.ready["access_key"].is_null());
    let banner = sandbox.stderr();
    assert!(banner.contains("nobody can sign") && banner.contains("--seed"), "{banner}");
}

#[test]
fn with_json_logs_every_line_on_standard_error_is_an_object() {
    let sandbox = RunningSandbox::start(&["--log-format", "json", "--auth", "off"]);
    let url = sandbox.url().to_owned();
    let (_, output) = sandbox.stop_with_signal("-TERM");
    assert!(!output.contains(demo::SECRET), "{output}");
    let lines: Vec<serde_json::Value> =
        output.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let ready = lines.iter().find(|line| line["message"] == "ready").expect("an event");
    assert_eq!((&ready["http"], &ready["access_key"]), (&url.into(), &demo::KEY.into()));
}

#[test]
fn a_quiet_log_omits_the_banner() {
    assert_eq!(RunningSandbox::start(&["--log", "warn"]).stderr(), "");
}

#[test]
fn unsafe_settings_are_warned_about() {
    for (arguments, words) in [
        (["--auth", "off"], "WARN fps_sandbox::cli::announce: --auth off: signatures are not checked"),
        (["--auth", "lenient"], "WARN fps_sandbox::cli::announce: --auth lenient: "),
    ] {
        let output = RunningSandbox::start(&arguments).stderr();
        assert!(output.contains(words), "{words} in {output}");
    }
    let open = RunningSandbox::start_with_arguments(&temp_dir(), &["--listen", "0.0.0.0:0"]);
    assert!(open.stderr().contains("can sign with the documentation's key"), "{}", open.stderr());
    assert!(open.url().starts_with("http://127.0.0.1:"), "{}", open.url());
    assert_eq!(available_debt(&send_request(&open.curl_arguments()[2], None)), "100.000000");
    assert!(!RunningSandbox::start(&[]).stderr().contains("WARN"));
}

#[test]
fn https_reports_the_url_of_its_certificate_authority() {
    let sandbox = RunningSandbox::start(&["--https-listen", "127.0.0.1:0", "--data-dir", "data"]);
    assert!(sandbox.ready["https"][0].as_str().is_some_and(|url| url.starts_with("https://127.0.0.1:")));
    let ca = sandbox.ready["ca"].as_str().expect("a URL");
    assert!(sandbox.stderr().contains(ca));
    let pem = send_request(ca, None);
    assert_eq!(pem.status, 200);
    assert!(pem.body.starts_with("-----BEGIN CERTIFICATE-----"), "{}", pem.body);
}

#[test]
fn sigterm_and_sigint_end_it_with_0() {
    for signal in ["-TERM", "-INT"] {
        let (code, output) = RunningSandbox::start(&[]).stop_with_signal(signal);
        assert_eq!(code, Some(0), "{output}");
        assert!(output.contains("finished"), "{output}");
    }
}

#[test]
fn it_keeps_running_when_nobody_reads_its_output() {
    let directory = temp_dir();
    let mut command = sandbox_command(&["--listen", "127.0.0.1:0", "--ready-json"]);
    let mut sandbox = RunningSandbox::spawn(&directory, command.stderr(Stdio::piped()));
    drop(sandbox.child.stderr.take());
    drop(sandbox.stdout.take());
    // Each refusal writes a log line to the closed pipe.
    for _ in 0..3 {
        assert_eq!(
            send_request(&format!("{}/?Action=Pay", sandbox.url()), None).code(),
            "MissingAuthenticationToken"
        );
    }
    assert_eq!(sandbox.send_signal("-TERM"), Some(0));
}

#[test]
fn the_port_file_of_an_earlier_run_is_removed() {
    let directory = temp_dir();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port_file = directory.path().join("port");
    std::fs::write(&port_file, "1\n").expect("a file");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = run(&["--listen", &address, "--port-file", &port_file.display().to_string()]);
    refused.assert_one_line_error(1, &["cannot listen on", "address already in use", "--listen"]);
    assert!(!port_file.exists());
    let sandbox = RunningSandbox::start_in(&directory, &[]);
    let names: Vec<_> = std::fs::read_dir(sandbox.directory.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "the port file and the log, no draft: {names:?}");
}

#[test]
fn a_port_file_that_cannot_be_written_ends_the_start() {
    let refused = run(&["--listen", "127.0.0.1:0", "--log", "off", "--port-file", "/nowhere/at/all"]);
    refused.assert_one_line_error(1, &["/nowhere/at/all", "--port-file"]);
}

#[test]
fn options_that_a_filled_database_ignores_are_warned_about() {
    let directory = temp_dir();
    std::fs::write(
        directory.path().join("seed.toml"),
        "account = [{ name = 'x', email = 'x@example.com', access_key = [{ id = 'X', secret = 'x' }] }]",
    )
    .expect("a seed");
    let ignored = "nothing was taken from it, because the database sandbox.db is filled already";
    let keys = "the database sandbox.db has the documentation's key already";
    for (arguments, part) in [
        (&["--id-seed", "1"][..], None),
        (&["--seed", "seed.toml"], Some(format!("--seed seed.toml: {ignored}"))),
        (&["--no-demo"], Some(format!("--no-demo: {keys}"))),
        (&[], None),
    ] {
        let start = [&["--database", "sandbox.db", "--log", "warn"][..], arguments].concat();
        let told = RunningSandbox::start_in(&directory, &start).stop_with_signal("-TERM").1;
        match part {
            Some(part) => assert!(told.contains(&part), "{arguments:?}: {told}"),
            None => assert_eq!(told, "", "{arguments:?}"),
        }
    }
    let fresh = RunningSandbox::start_in(
        &directory,
        &["--database", "fresh.db", "--log", "warn", "--seed", "seed.toml"],
    );
    assert_eq!(fresh.stop_with_signal("-TERM"), (Some(0), String::new()));
}
