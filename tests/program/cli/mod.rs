//! The command line: the built program, its output and its exit codes.

mod other_commands;
mod serve;
mod sign_and_call;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::rc::Rc;

use crate::support::{Response, demo};
use sqlx::Connection;
use tempfile::TempDir;

/// An address on which nothing listens: ordinary programs do not use port 1.
const UNUSED_ADDRESS: &str = "127.0.0.1:1";

/// The program with an environment that contains only `PATH`.
fn sandbox_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fps-sandbox"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn run(arguments: &[&str]) -> CommandOutput {
    CommandOutput::from(sandbox_command(arguments).output().expect("the program runs"))
}

/// The exit code and output of a program.
#[derive(Debug)]
struct CommandOutput {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl CommandOutput {
    /// Asserts that the program failed with this exit code and one line on standard error that contains these words.
    fn assert_one_line_error(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.err.lines().count()), (Some(code), 1), "{self:?}");
        assert!(self.err.starts_with("fps-sandbox: "), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} in {self:?}");
        }
    }
}

/// A sandbox as a process, which is killed when this is dropped.
struct RunningSandbox {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    directory: Rc<TempDir>,
    ready: serde_json::Value,
}

impl RunningSandbox {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(&temp_dir(), arguments)
    }

    fn start_in(directory: &Rc<TempDir>, arguments: &[&str]) -> Self {
        Self::start_with_arguments(
            directory,
            &[&["--listen", "127.0.0.1:0", "--port-file", "port"], arguments].concat(),
        )
    }

    fn start_with_arguments(directory: &Rc<TempDir>, arguments: &[&str]) -> Self {
        let stderr = File::create(directory.path().join("stderr")).expect("a file");
        Self::spawn(directory, sandbox_command(arguments).arg("--ready-json").stderr(stderr))
    }

    /// Starts the program and waits for the line on standard output that says that it is ready.
    fn spawn(directory: &Rc<TempDir>, command: &mut Command) -> Self {
        command.current_dir(directory.path()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().map(BufReader::new);
        let mut running =
            Self { child, stdout, directory: Rc::clone(directory), ready: serde_json::Value::Null };
        let mut line = String::new();
        let stdout = running.stdout.as_mut().expect("piped");
        stdout.read_line(&mut line).expect("standard output is read");
        running.ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}{}", running.stderr()));
        running
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("stderr")).expect("a file")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn url(&self) -> &str {
        self.ready["http"][0].as_str().expect("a URL")
    }

    fn address(&self) -> &str {
        self.url().strip_prefix("http://").expect("plain HTTP")
    }

    /// The words of the curl command that the sandbox printed, as a shell splits them.
    fn curl_arguments(&self) -> Vec<String> {
        let stderr = self.stderr();
        let line = stderr.lines().find(|line| line.trim_start().starts_with("curl -sS "));
        shell_words(line.unwrap_or_else(|| panic!("no curl line in {stderr}")))
    }

    /// Sends a signal, waits for the exit, and returns the exit code and the remaining output.
    fn stop_with_signal(mut self, name: &str) -> (Option<i32>, String) {
        let code = self.send_signal(name);
        let mut rest = String::new();
        let stdout = self.stdout.as_mut().expect("piped");
        stdout.read_to_string(&mut rest).expect("standard output is read");
        (code, rest + &self.stderr())
    }

    fn send_signal(&mut self, name: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn temp_dir() -> Rc<TempDir> {
    Rc::new(tempfile::tempdir().expect("a directory"))
}

/// A command line as a POSIX shell splits it.
fn shell_words(line: &str) -> Vec<String> {
    let line = line.trim();
    let script = format!("set -- {line}; for word; do printf '%s\\n' \"$word\"; done");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// Sends a GET, or a POST when there is a form, as curl does.
fn send_request(url: &str, form: Option<&str>) -> Response {
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
    Response::parse(&bytes)
}

fn available_debt(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    response.text("AvailableBalance/Value")
}

fn instrument_parameter() -> String {
    format!("CreditInstrumentId={}", demo::INSTRUMENT)
}

fn credit_token_parameter() -> String {
    format!("SenderTokenId={}", demo::CREDIT)
}
