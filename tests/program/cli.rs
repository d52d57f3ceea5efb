//! The program as people and scripts meet it: the built binary, its output and its exit codes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::rc::Rc;

use crate::support::{Reply, demo};
use sqlx::Connection;
use tempfile::TempDir;

/// An address where nobody listens: no ordinary program takes the first port.
const NOBODY: &str = "127.0.0.1:1";

/// The program in an environment of its own.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fps-sandbox"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn run(arguments: &[&str]) -> Finished {
    Finished::from(program(arguments).output().expect("the program runs"))
}

/// What a program that has ended has said.
#[derive(Debug)]
struct Finished {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Finished {
    /// It failed with this code, and one line that says why.
    fn failed_in_a_line(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.err.lines().count()), (Some(code), 1), "{self:?}");
        assert!(self.err.starts_with("fps-sandbox: "), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} in {self:?}");
        }
    }
}

/// A sandbox in a process of its own; killed when dropped.
struct Running {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    folder: Rc<TempDir>,
    ready: serde_json::Value,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(&folder(), arguments)
    }

    fn start_in(folder: &Rc<TempDir>, arguments: &[&str]) -> Self {
        Self::start_plain(folder, &[&["--listen", "127.0.0.1:0", "--port-file", "port"], arguments].concat())
    }

    fn start_plain(folder: &Rc<TempDir>, arguments: &[&str]) -> Self {
        let stderr = File::create(folder.path().join("stderr")).expect("a file");
        Self::spawn(folder, program(arguments).arg("--ready-json").stderr(stderr))
    }

    /// Started, and ready: the line on standard output says so after everything else is said.
    fn spawn(folder: &Rc<TempDir>, command: &mut Command) -> Self {
        command.current_dir(folder.path()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().map(BufReader::new);
        let mut running = Self { child, stdout, folder: Rc::clone(folder), ready: serde_json::Value::Null };
        let mut line = String::new();
        let stdout = running.stdout.as_mut().expect("piped");
        stdout.read_line(&mut line).expect("standard output is read");
        running.ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}{}", running.stderr()));
        running
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).expect("a file")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self) -> &str {
        self.ready["http"][0].as_str().expect("a URL")
    }

    fn address(&self) -> &str {
        self.url().strip_prefix("http://").expect("plain HTTP")
    }

    /// The words of the curl line that it printed, as a shell reads them.
    fn curl_words(&self) -> Vec<String> {
        let stderr = self.stderr();
        let line = stderr.lines().find(|line| line.trim_start().starts_with("curl -sS "));
        shell_words(line.unwrap_or_else(|| panic!("no curl line in {stderr}")))
    }

    /// Ends it by a signal, and answers its exit code and what else it printed.
    fn signal(mut self, name: &str) -> (Option<i32>, String) {
        let code = self.end(name);
        let mut rest = String::new();
        let stdout = self.stdout.as_mut().expect("piped");
        stdout.read_to_string(&mut rest).expect("standard output is read");
        (code, rest + &self.stderr())
    }

    fn end(&mut self, name: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> Rc<TempDir> {
    Rc::new(tempfile::tempdir().expect("a folder"))
}

/// A command line as a POSIX shell splits it.
fn shell_words(line: &str) -> Vec<String> {
    let line = line.trim();
    let script = format!("set -- {line}; for word; do printf '%s\\n' \"$word\"; done");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// Sends what a URL and maybe a form say, as curl would.
fn send(url: &str, form: Option<&str>) -> Reply {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}"));
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    let request = match form {
        None => format!("GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
        Some(form) => format!(
            "POST /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        ),
    };
    let mut socket = TcpStream::connect(host).expect("the sandbox listens");
    socket.write_all(request.as_bytes()).expect("the request is sent");
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).expect("the answer is read");
    Reply::parse(&bytes)
}

fn debt(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.text("AvailableBalance/Value")
}

fn instrument() -> String {
    format!("CreditInstrumentId={}", demo::INSTRUMENT)
}

fn credit_token() -> String {
    format!("SenderTokenId={}", demo::CREDIT)
}

// Serving

#[test]
fn the_ready_line_the_port_file_and_the_block_tell_the_same() {
    let sandbox = Running::start(&[]);
    assert_eq!(sandbox.ready["ready"], true);
    assert_eq!(sandbox.ready["pid"], sandbox.child.id());
    assert_eq!(sandbox.ready["access_key"], demo::KEY);
    assert_eq!(sandbox.ready["database"], ":memory:");
    let port = std::fs::read_to_string(sandbox.path("port")).expect("the port file");
    assert_eq!(sandbox.address(), format!("127.0.0.1:{}", port.trim_end()));
    let block = sandbox.stderr();
    for said in [sandbox.url(), demo::KEY, demo::SECRET, "in memory", "fps-sandbox demo"] {
        assert!(block.contains(said), "{said} in {block}");
    }
}

#[test]
fn the_printed_curl_line_works_when_pasted() {
    let sandbox = Running::start(&[]);
    let words = sandbox.curl_words();
    assert_eq!((words[0].as_str(), words[1].as_str(), words.len()), ("curl", "-sS", 3));
    assert_eq!(debt(&send(&words[2], None)), "100.000000");
}

#[test]
fn the_printed_lines_work_with_a_sandbox_clock_of_another_year() {
    let sandbox = Running::start(&["--clock", "2012-06-01T12:00:00Z"]);
    assert_eq!(debt(&send(&sandbox.curl_words()[2], None)), "100.000000");
    let block = sandbox.stderr();
    let line = block.lines().find(|line| line.contains("fps-sandbox call ")).expect("a call line");
    let words = shell_words(line);
    let call = run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(call.code, Some(0), "{call:?}");
    // Real time is taken as well as the sandbox clock's.
    let now = run(&["call", "--endpoint", sandbox.url(), "Action=GetDebtBalance", &instrument()]);
    assert_eq!(now.code, Some(0), "{now:?}");
    let neither = ["call", "--endpoint", sandbox.url(), "--timestamp", "2001-01-01T00:00:00Z"];
    let neither = run(&[&neither[..], &["Action=GetDebtBalance", &instrument()]].concat());
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
    // Also when the key has the documentation's name: the public secret would be a wrong hint.
    for key in ["AKIDMINE", demo::KEY] {
        let folder = folder();
        std::fs::write(folder.path().join("seed.toml"), seed(key)).expect("a file");
        let sandbox = Running::start_in(&folder, &["--seed", "seed.toml", "--log", "trace"]);
        assert_eq!(sandbox.ready["access_key"], key);
        let (code, said) = sandbox.signal("-TERM");
        assert_eq!(code, Some(0));
        assert!(said.contains(key), "{said}");
        for secret in ["my own secret", demo::SECRET, "curl -sS"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

#[test]
fn a_world_without_keys_says_so() {
    let sandbox = Running::start(&["--no-demo"]);
    assert!(sandbox.ready["access_key"].is_null());
    let block = sandbox.stderr();
    assert!(block.contains("nobody can sign") && block.contains("--seed"), "{block}");
}

#[test]
fn with_json_logs_every_line_on_standard_error_is_an_object() {
    let sandbox = Running::start(&["--log-format", "json", "--auth", "off"]);
    let url = sandbox.url().to_owned();
    let (_, said) = sandbox.signal("-TERM");
    assert!(!said.contains(demo::SECRET), "{said}");
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let ready = lines.iter().find(|line| line["message"] == "ready").expect("an event");
    assert_eq!((&ready["http"], &ready["access_key"]), (&url.into(), &demo::KEY.into()));
}

#[test]
fn a_quiet_log_leaves_the_block_out() {
    assert_eq!(Running::start(&["--log", "warn"]).stderr(), "");
}

#[test]
fn what_is_unsafe_is_warned_about() {
    for (arguments, words) in [
        (["--auth", "off"], "WARN fps_sandbox::cli::announce: --auth off: signatures are not checked"),
        (["--auth", "lenient"], "WARN fps_sandbox::cli::announce: --auth lenient: "),
    ] {
        let said = Running::start(&arguments).stderr();
        assert!(said.contains(words), "{words} in {said}");
    }
    let open = Running::start_plain(&folder(), &["--listen", "0.0.0.0:0"]);
    assert!(open.stderr().contains("can sign with the documentation's key"), "{}", open.stderr());
    assert!(open.url().starts_with("http://127.0.0.1:"), "{}", open.url());
    assert_eq!(debt(&send(&open.curl_words()[2], None)), "100.000000");
    assert!(!Running::start(&[]).stderr().contains("WARN"));
}

#[test]
fn https_tells_where_its_authority_is() {
    let sandbox = Running::start(&["--https-listen", "127.0.0.1:0", "--data-dir", "data"]);
    assert!(sandbox.ready["https"][0].as_str().is_some_and(|url| url.starts_with("https://127.0.0.1:")));
    let ca = sandbox.ready["ca"].as_str().expect("a URL");
    assert!(sandbox.stderr().contains(ca));
    let pem = send(ca, None);
    assert_eq!(pem.status, 200);
    assert!(pem.body.starts_with("-----BEGIN CERTIFICATE-----"), "{}", pem.body);
}

#[test]
fn sigterm_and_sigint_end_it_with_0() {
    for signal in ["-TERM", "-INT"] {
        let (code, said) = Running::start(&[]).signal(signal);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("finished"), "{said}");
    }
}

#[test]
fn it_outlives_the_readers_of_its_output() {
    let folder = folder();
    let mut command = program(&["--listen", "127.0.0.1:0", "--ready-json"]);
    let mut sandbox = Running::spawn(&folder, command.stderr(Stdio::piped()));
    drop(sandbox.child.stderr.take());
    drop(sandbox.stdout.take());
    // Each refusal is a log line that nobody reads any more.
    for _ in 0..3 {
        assert_eq!(
            send(&format!("{}/?Action=Pay", sandbox.url()), None).code(),
            "MissingAuthenticationToken"
        );
    }
    assert_eq!(sandbox.end("-TERM"), Some(0));
}

#[test]
fn nobody_reads_the_port_of_an_earlier_run() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port_file = folder.path().join("port");
    std::fs::write(&port_file, "1\n").expect("a file");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = run(&["--listen", &address, "--port-file", &port_file.display().to_string()]);
    refused.failed_in_a_line(1, &["cannot listen on", "address already in use", "--listen"]);
    assert!(!port_file.exists());
    let sandbox = Running::start_in(&folder, &[]);
    let names: Vec<_> = std::fs::read_dir(sandbox.folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names.len(), 2, "the port file and the log, no draft: {names:?}");
}

#[test]
fn a_port_file_that_cannot_be_written_ends_the_start() {
    let refused = run(&["--listen", "127.0.0.1:0", "--log", "off", "--port-file", "/nowhere/at/all"]);
    refused.failed_in_a_line(1, &["/nowhere/at/all", "--port-file"]);
}

// Requests by hand

#[test]
fn what_is_signed_is_accepted_by_every_rule_and_by_get_and_post() {
    let sandbox = Running::start(&[]);
    for options in [
        &[][..],
        &["--method", "HmacSHA1"],
        &["--signature-version", "1"],
        &["SignatureVersion=1"],
        &["SignatureMethod=HmacSHA1", "Version=2010-08-28"],
        &["--key", demo::KEY, "--secret", demo::SECRET, "--api-version", "2010-08-28"],
    ] {
        for post in [false, true] {
            let mut words = vec!["sign", "--endpoint", sandbox.url(), "Action=GetDebtBalance"];
            let instrument = instrument();
            words.push(&instrument);
            words.extend(options);
            if post {
                words.push("--post");
            }
            let signed = run(&words);
            assert_eq!((signed.code, signed.out.lines().count()), (Some(0), 1), "{signed:?}");
            let line = signed.out.trim_end();
            let reply = if post { send(sandbox.url(), Some(line)) } else { send(line, None) };
            assert_eq!(debt(&reply), "100.000000", "{words:?}");
        }
    }
}

#[test]
fn a_url_for_the_pages_is_signed_as_merchants_sign_it() {
    let sandbox = Running::start(&["--cobranded-auth", "strict"]);
    for (number, options) in
        [&[][..], &["--method", "HmacSHA1"], &["--signature-version", "1"]].into_iter().enumerate()
    {
        let reference = format!("callerReference={number}");
        let mut words =
            vec!["sign", "--endpoint", sandbox.url(), "pipelineName=SingleUse", "transactionAmount=10"];
        words.extend(["returnURL=http://localhost:3000/back?order=7", "sandbox_outcome=SC", &reference]);
        words.extend(options);
        let signed = run(&words);
        assert_eq!((signed.code, signed.out.lines().count()), (Some(0), 1), "{signed:?}");
        let reply = send(signed.out.trim_end(), None);
        assert!(reply.head.contains("status=SC"), "{words:?}: {reply:?}");
    }
    let called = run(&["call", "--endpoint", sandbox.url(), "pipelineName=SingleUse"]);
    called.failed_in_a_line(2, &["for a browser", "fps-sandbox sign"]);
}

#[test]
fn a_signature_by_another_secret_is_refused() {
    let sandbox = Running::start(&[]);
    let words =
        ["sign", "--endpoint", sandbox.url(), "--secret", "other", "Action=GetDebtBalance", &instrument()];
    assert_eq!(send(run(&words).out.trim_end(), None).code(), "SignatureDoesNotMatch");
}

#[test]
fn a_curl_line_survives_the_shell_whatever_the_values_are() {
    let sandbox = Running::start(&[]);
    let note = "it's $HOME `x` \"é\" & 100%";
    let description = format!("CallerDescription={note}");
    for post in [false, true] {
        let token = credit_token();
        let mut words =
            vec!["sign", "--curl", "--endpoint", sandbox.url(), "Action=Pay", "TransactionAmount=1"];
        words.extend([token.as_str(), &description]);
        if post {
            words.push("--post");
        }
        let curl = shell_words(&run(&words).out);
        let (form, url) = match &curl[..] {
            [_, _, url] => (None, url),
            [_, _, data, form, url] if data == "--data" => (Some(form.as_str()), url),
            other => panic!("{other:?}"),
        };
        let paid = send(url, form);
        assert_eq!((paid.status, form.is_some()), (200, post), "{}", paid.body);
        let transaction = format!("TransactionId={}", paid.text("TransactionId"));
        let detail = run(&["call", "--endpoint", sandbox.url(), "Action=GetTransaction", &transaction]);
        let stored = detail.out.replace("&amp;", "&");
        assert!(stored.contains(&format!("<CallerDescription>{note}</CallerDescription>")), "{stored}");
    }
}

#[test]
fn amounts_are_written_out_and_a_reference_is_made_up() {
    let words = ["sign", "Action=Pay", "TransactionAmount=10.5", &credit_token()];
    let signed = run(&words);
    assert!(
        signed.out.contains("TransactionAmount.Value=10.5&TransactionAmount.CurrencyCode=USD&"),
        "{signed:?}"
    );
    assert!(signed.out.contains("CallerReference=cli-"), "{signed:?}");
    assert_eq!(signed.err.lines().count(), 1, "{signed:?}");
    assert!(signed.err.starts_with("note: made up CallerReference=cli-"), "{signed:?}");

    let verbatim = run(&["sign", "--verbatim", "Action=Pay", "TransactionAmount=10.5"]);
    assert!(verbatim.out.contains("TransactionAmount=10.5&") && !verbatim.out.contains("CallerReference"));
    assert_eq!(verbatim.err, "");
}

#[test]
fn a_doubtful_request_is_signed_with_a_warning() {
    for (words, warning) in [
        (&["Action=GetDebtBallance"][..], "did you mean `GetDebtBalance`?"),
        (&["Action=GetDebtBalance", "CreditInstrument=I"], "did you mean `CreditInstrumentId`?"),
        (&["Action=GetDebtBalance"], "GetDebtBalance needs CreditInstrumentId"),
        (&["CallerReference=1"], "no Action"),
    ] {
        let signed = run(&[&["sign"], words].concat());
        assert_eq!(signed.code, Some(0), "{signed:?}");
        assert!(signed.out.starts_with("http://127.0.0.1:8008/?"), "{signed:?}");
        assert!(signed.err.starts_with("warning: ") && signed.err.contains(warning), "{signed:?}");
    }
}

#[test]
fn the_string_to_sign_is_shown_on_standard_error() {
    let words = ["--timestamp", "2012-06-01T12:00:00Z", "Action=GetDebtBalance", "CreditInstrumentId=I"];
    let signed =
        run(&[&["sign", "--show-string-to-sign", "--endpoint", "http://Localhost:80"], &words[..]].concat());
    assert_eq!(
        signed.err,
        "GET\nlocalhost\n/\nAWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=GetDebtBalance&CreditInstrumentId=I&\
         SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2012-06-01T12%3A00%3A00Z&Version=2008-09-17\n"
    );
}

#[test]
fn key_secret_and_endpoint_come_from_the_environment() {
    let output = program(&["sign", "Action=GetDebtBalance", &instrument()])
        .envs([
            ("FPS_SANDBOX_ENDPOINT", "http://h:9"),
            ("FPS_SANDBOX_KEY", "K"),
            ("FPS_SANDBOX_SECRET", "other"),
        ])
        .output()
        .expect("the program runs");
    let signed = Finished::from(output);
    assert!(signed.out.starts_with("http://h:9/?") && signed.out.contains("AWSAccessKeyId=K&"), "{signed:?}");
    let wrong = program(&["sign", "Action=Pay"]).env("FPS_SANDBOX_ENDPOINT", "h:9").output();
    Finished::from(wrong.expect("the program runs"))
        .failed_in_a_line(2, &["FPS_SANDBOX_ENDPOINT", "http://HOST:PORT"]);
}

#[test]
fn call_prints_the_answer_indented_and_exits_by_its_outcome() {
    let sandbox = Running::start(&[]);
    let asked = run(&["call", "--endpoint", sandbox.url(), "Action=GetDebtBalance", &instrument()]);
    assert_eq!((asked.code, asked.err.as_str()), (Some(0), "HTTP/1.1 200 OK\n"));
    let expected = "<?xml version=\"1.0\"?>\n\
        <GetDebtBalanceResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\">\n  <GetDebtBalanceResult>\n    \
        <DebtBalance>\n      <AvailableBalance>\n        <CurrencyCode>USD</CurrencyCode>\n        \
        <Value>100.000000</Value>\n";
    assert!(asked.out.starts_with(expected), "{}", asked.out);

    let over = ["Action=Pay", "TransactionAmount=400.01", &credit_token(), "CallerReference=over"];
    let refused = run(&[&["call", "--post", "--endpoint", sandbox.url()], &over[..]].concat());
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), "HTTP/1.1 400 Bad Request\n"));
    assert!(refused.out.contains("\n      <Code>InsufficientBalance</Code>\n"), "{}", refused.out);
}

#[test]
fn call_says_what_to_do_when_nobody_answers_or_only_tls_does() {
    let ask = ["Action=GetDebtBalance", &instrument()];
    let nobody = format!("http://{NOBODY}");
    run(&[&["call", "--endpoint", &nobody], &ask[..]].concat()).failed_in_a_line(
        3,
        &["no sandbox answers at http://127.0.0.1:1 (connection refused)", "`fps-sandbox`"],
    );
    run(&[&["call", "--endpoint", "https://127.0.0.1:8443"], &ask[..]].concat())
        .failed_in_a_line(2, &["plain HTTP only", "curl"]);
}

// The demo

#[test]
fn the_demo_tells_the_guides_figures() {
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

// Questions with an answer

#[test]
fn healthcheck_tells_a_ready_sandbox_from_none_and_from_one_that_is_not_ready() {
    let sandbox = Running::start(&[]);
    let port = sandbox.address().rsplit_once(':').expect("a port").1;
    for listen in [sandbox.address(), &format!("0.0.0.0:{port}"), &format!("localhost:{port}")] {
        let check = run(&["healthcheck", "--listen", listen]);
        assert_eq!(
            (check.code, check.out.as_str(), check.err.as_str()),
            (Some(0), "ready\n", ""),
            "{listen}"
        );
    }
    let by_environment = program(&["healthcheck"]).env("FPS_SANDBOX_LISTEN", sandbox.address()).output();
    assert_eq!(Finished::from(by_environment.expect("the program runs")).code, Some(0));

    std::fs::write(sandbox.path("sandbox.toml"), format!("listen = \"{}\"\n", sandbox.address()))
        .expect("a file");
    let by_file = run(&["healthcheck", "--config", &sandbox.path("sandbox.toml").display().to_string()]);
    assert_eq!(by_file.code, Some(0), "{by_file:?}");

    run(&["healthcheck", "--listen", NOBODY]).failed_in_a_line(1, &["no sandbox answers", NOBODY]);
    run(&["healthcheck", "--listen", "127.0.0.1:0"]).failed_in_a_line(1, &["--listen"]);

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
    run(&["healthcheck", "--listen", &address]).failed_in_a_line(1, &["503", "the database is away"]);
    answering.join().expect("it was asked");
}

#[test]
fn what_a_filled_database_does_not_take_from_the_command_line_is_said() {
    let folder = folder();
    std::fs::write(
        folder.path().join("seed.toml"),
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
        let told = Running::start_in(&folder, &start).signal("-TERM").1;
        match part {
            Some(part) => assert!(told.contains(&part), "{arguments:?}: {told}"),
            None => assert_eq!(told, "", "{arguments:?}"),
        }
    }
    let fresh =
        Running::start_in(&folder, &["--database", "fresh.db", "--log", "warn", "--seed", "seed.toml"]);
    assert_eq!(fresh.signal("-TERM"), (Some(0), String::new()));
}

#[tokio::test]
async fn audit_exits_by_what_it_finds() {
    let folder = folder();
    let sandbox = Running::start_in(&folder, &["--database", "sandbox.db"]);
    assert_eq!(sandbox.ready["database"], "sandbox.db");
    assert_eq!(sandbox.signal("-TERM").0, Some(0));
    let path = folder.path().join("sandbox.db").display().to_string();

    let sound = run(&["audit", "--database", &path]);
    assert_eq!((sound.code, sound.err.as_str()), (Some(0), ""), "{sound:?}");
    assert!(sound.out.starts_with("sound: "), "{sound:?}");
    let by_environment = program(&["audit"]).env("FPS_SANDBOX_DATABASE", &path).output();
    assert_eq!(Finished::from(by_environment.expect("the program runs")).code, Some(0));

    let mut connection = sqlx::SqliteConnection::connect(&path).await.expect("the database opens");
    let spoil = "UPDATE totals SET amount = amount + 1 WHERE kind = 'debt'";
    sqlx::query(spoil).execute(&mut connection).await.expect("it is spoiled");
    connection.close().await.expect("it closes");
    let broken = run(&["audit", "--database", &path]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    assert!(broken.out.starts_with("broken: every total is the sum of its postings: debt "), "{broken:?}");

    run(&["audit", "--database", "/nowhere/at/all"]).failed_in_a_line(2, &["there is no database"]);
    run(&["audit"]).failed_in_a_line(2, &["--database"]);
}

#[test]
fn the_printed_configuration_is_read_back_unchanged() {
    let folder = folder();
    let file = folder.path().join("sandbox.toml");
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
    let folder = folder();
    let file = folder.path().join("sandbox.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nbatch_maximum = 8\n").expect("a file");
    run(&["--config", &file.display().to_string()])
        .failed_in_a_line(2, &["unknown key `batch_maximum` on line 2", "did you mean `batch_max`?"]);
}

#[test]
fn a_mistake_is_one_line_with_what_to_do_and_code_2() {
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
        run(words).failed_in_a_line(2, told);
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
fn a_reader_that_has_read_enough_is_no_failure() {
    let program = Path::new(env!("CARGO_BIN_EXE_fps-sandbox")).display();
    for words in ["--help", "--print-config", "reference actions", "demo"] {
        // The shell's own pipe, with the program's exit code beside it.
        let script = format!("{{ '{program}' {words}; echo code $? >&2; }} | head -n 1");
        let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let piped = Finished::from(output);
        assert_eq!((piped.err.as_str(), piped.out.lines().count()), ("code 0\n", 1), "{words}: {piped:?}");
    }
}
