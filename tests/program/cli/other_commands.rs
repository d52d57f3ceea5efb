//! The commands `demo`, `healthcheck` and `audit`, the printed configuration, help, and errors in arguments.

use super::*;

#[test]
fn the_demo_shows_the_figures_of_the_guide() {
    let told = run(&["demo"]);
    assert_eq!((told.code, told.err.as_str()), (Some(0), ""), "{}", told.out);
    let squeezed: Vec<String> =
        told.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in [
        "1 GetDebtBalance 200 0.00 0.00 0.00",
        "2 Pay 100.00 by credit token 200 Success 100.00 0.00 0.00",
        "3 SettleDebt 90.00 200 Pending 10.00 90.00 0.00",
        "4 GetTransaction of the settlement 200 Success, fee 2.50 10.00 0.00 87.50",
        "5 WriteOffDebt 10.00 200 Success 0.00 0.00 87.50",
        "6 Pay 60.00 by credit token 200 Success 60.00 0.00 87.50",
        "7 Refund 25.00 of it 200 Success 35.00 0.00 87.50",
        "8 Pay 465.01: above the limit 400 InsufficientBalance 35.00 0.00 87.50",
        "9 SettleDebt 35.01: more than owed 400 SettleAmountGreaterThanDebt 35.00 0.00 87.50",
        "10 SettleDebt by the credit token 400 IncompatibleTokens 35.00 0.00 87.50",
        "11 Refund of the settled purchase 400 TransactionTypeNotRefundable 35.00 0.00 87.50",
        "12 Pay 61.00 as order-2, a used name 400 DuplicateRequest 35.00 0.00 87.50",
        "13 Pay 60.00 as order-2, the same again 200 Success, same id 35.00 0.00 87.50",
    ] {
        assert!(squeezed.iter().any(|line| line == row), "{row}\nin\n{}", told.out);
    }
}

#[test]
fn the_demo_fits_a_hundred_columns_and_has_no_colour_codes_in_a_pipe() {
    let told = run(&["demo"]).out;
    assert!(!told.contains('\x1b'));
    for line in told.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn healthcheck_distinguishes_ready_unready_and_absent_sandboxes() {
    let sandbox = RunningSandbox::start(&[]);
    let port = sandbox.address().rsplit_once(':').expect("a port").1;
    for listen in [sandbox.address(), &format!("0.0.0.0:{port}"), &format!("localhost:{port}")] {
        let check = run(&["healthcheck", "--listen", listen]);
        assert_eq!(
            (check.code, check.out.as_str(), check.err.as_str()),
            (Some(0), "ready\n", ""),
            "{listen}"
        );
    }
    let by_environment =
        sandbox_command(&["healthcheck"]).env("FPS_SANDBOX_LISTEN", sandbox.address()).output();
    assert_eq!(CommandOutput::from(by_environment.expect("the program runs")).code, Some(0));

    std::fs::write(sandbox.path("sandbox.toml"), format!("listen = \"{}\"\n", sandbox.address()))
        .expect("a file");
    let by_file = run(&["healthcheck", "--config", &sandbox.path("sandbox.toml").display().to_string()]);
    assert_eq!(by_file.code, Some(0), "{by_file:?}");

    run(&["healthcheck", "--listen", UNUSED_ADDRESS])
        .assert_one_line_error(1, &["no sandbox answers", UNUSED_ADDRESS]);
    run(&["healthcheck", "--listen", "127.0.0.1:0"]).assert_one_line_error(1, &["--listen"]);

    let sick = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = sick.local_addr().expect("an address").to_string();
    let answering = std::thread::spawn(move || {
        let (mut socket, _) = sick.accept().expect("a connection");
        let mut head = [0; 1024];
        let read = socket.read(&mut head).expect("a request");
        assert!(head[..read].starts_with(b"GET /readyz "));
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 41\r\n\r\nthe database is away or takes no changes\n";
        socket.write_all(answer.as_bytes()).expect("the answer is sent");
    });
    run(&["healthcheck", "--listen", &address]).assert_one_line_error(1, &["503", "the database is away"]);
    answering.join().expect("it was asked");
}

#[tokio::test]
async fn the_exit_code_of_audit_tells_whether_it_found_problems() {
    let directory = temp_dir();
    let sandbox = RunningSandbox::start_in(&directory, &["--database", "sandbox.db"]);
    assert_eq!(sandbox.ready["database"], "sandbox.db");
    assert_eq!(sandbox.stop_with_signal("-TERM").0, Some(0));
    let path = directory.path().join("sandbox.db").display().to_string();

    let sound = run(&["audit", "--database", &path]);
    assert_eq!((sound.code, sound.err.as_str()), (Some(0), ""), "{sound:?}");
    assert!(sound.out.starts_with("sound: "), "{sound:?}");
    let by_environment = sandbox_command(&["audit"]).env("FPS_SANDBOX_DATABASE", &path).output();
    assert_eq!(CommandOutput::from(by_environment.expect("the program runs")).code, Some(0));

    let mut connection = sqlx::SqliteConnection::connect(&path).await.expect("the database opens");
    let spoil = "UPDATE totals SET amount = amount + 1 WHERE kind = 'debt'";
    sqlx::query(spoil).execute(&mut connection).await.expect("it is spoiled");
    connection.close().await.expect("it closes");
    let broken = run(&["audit", "--database", &path]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.out.starts_with("broken: every total is the sum of its postings: debt "), "{broken:?}");

    run(&["audit", "--database", "/nowhere/at/all"]).assert_one_line_error(2, &["there is no database"]);
    run(&["audit"]).assert_one_line_error(2, &["--database"]);
}

#[test]
fn the_printed_configuration_is_read_back_unchanged() {
    let directory = temp_dir();
    let file = directory.path().join("sandbox.toml");
    let first = run(&["--print-config", "--batch-max", "7", "--auth", "lenient", "--clock", "2012-06-01"]);
    assert_eq!(first.code, Some(0));
    assert!(first.out.contains("batch_max = 7\n"), "{}", first.out);
    std::fs::write(&file, &first.out).expect("a file");
    let again = run(&["--print-config", "--config", &file.display().to_string()]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
    assert_eq!(again.out, first.out);
}

#[test]
fn a_key_that_no_setting_has_is_refused_with_a_suggestion() {
    let directory = temp_dir();
    let file = directory.path().join("sandbox.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nbatch_maximum = 8\n").expect("a file");
    run(&["--config", &file.display().to_string()])
        .assert_one_line_error(2, &["unknown key `batch_maximum` on line 2", "did you mean `batch_max`?"]);
}

#[test]
fn a_usage_error_is_one_line_with_advice_and_code_2() {
    for (words, told) in [
        (&["--lisen", "127.0.0.1:0"][..], &["--lisen", "--listen"][..]),
        (&["--listen", "8008"], &["8008", "HOST:PORT"]),
        (&["--auth", "none"], &["none", "strict", "lenient", "off"]),
        (&["--config", "/nowhere/at/all"], &["/nowhere/at/all"]),
        (&["--seed", "/nowhere/at/all"], &["/nowhere/at/all", "--seed"]),
        (&["--tls-cert", "x.pem"], &["tls_key"]),
        (&["sing"], &["sing", "sign"]),
        (&["--log", "debug", "demo"], &["before the command"]),
        (&["sign"], &["NAME=VALUE", "--help"]),
        (&["demo", "fast"], &["fast", "--help"]),
        (&["sign", "GetDebtBalance"], &["Action=GetDebtBalance"]),
        (&["sign", "=1"], &["NAME=VALUE"]),
        (&["sign", "--endpoint", "127.0.0.1:8008", "Action=Pay"], &["http://HOST:PORT"]),
        (&["sign", "--signature-version", "3", "Action=Pay"], &["3", "1, 2"]),
        (&["sign", "SignatureVersion=3", "Action=Pay"], &["SignatureVersion=3", "1 or 2"]),
        (&["sign", "--signature-version", "1", "--method", "HmacSHA256", "Action=Pay"], &["HmacSHA1"]),
        (&["sign", "Signature=x", "Action=Pay"], &["Signature"]),
        (&["call", "--curl", "Action=Pay"], &["--curl"]),
        (&["reference", "moons"], &["actions", "errors"]),
        (&["healthcheck", "--port", "1"], &["--port"]),
    ] {
        run(words).assert_one_line_error(2, told);
    }
}

#[test]
fn every_command_has_a_help_with_its_exit_codes() {
    for command in ["serve", "sign", "call", "demo", "audit", "healthcheck", "reference"] {
        let help = run(&[command, "--help"]);
        assert_eq!((help.code, help.err.as_str()), (Some(0), ""), "{command}");
        assert!(help.out.contains("Exit codes: 0 "), "{command}: {}", help.out);
        assert!(run(&["--help"]).out.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_no_error() {
    let program = Path::new(env!("CARGO_BIN_EXE_fps-sandbox")).display();
    for words in ["--help", "--print-config", "reference actions", "demo"] {
        // The exit code of the program goes to standard error, past the pipe.
        let script = format!("{{ '{program}' {words}; echo code $? >&2; }} | head -n 1");
        let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let piped = CommandOutput::from(output);
        assert_eq!((piped.err.as_str(), piped.out.lines().count()), ("code 0\n", 1), "{words}: {piped:?}");
    }
}
