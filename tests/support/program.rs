//! The `fps-sandbox` program as a process, started as its users start it.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use fps_sandbox::clock::Clock;
use fps_sandbox::signature::SecretKey;
use tokio::time::{Instant, sleep};

use super::{Client, demo};

/// A limit for everything that waits for the program, generous enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running program, which is killed when this is dropped.
pub struct Program {
    pub addr: SocketAddr,
    child: Child,
    log: PathBuf,
}

/// A command without the settings of the sandbox that the environment of the test may contain.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FPS_SANDBOX_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program until it exits.
pub fn run(arguments: &[&str]) -> Output {
    let mut command = command(env!("CARGO_BIN_EXE_fps-sandbox"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > TIMEOUT {
            child.kill().unwrap();
            panic!("{arguments:?} does not end: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Asserts that `fps-sandbox audit` finds no problem in a database that no sandbox has open.
pub fn assert_sound(database: &Path) {
    let audit = run(&["audit", "--database", database.to_str().unwrap()]);
    let output =
        format!("{}{}", String::from_utf8_lossy(&audit.stdout), String::from_utf8_lossy(&audit.stderr));
    assert!(audit.status.success(), "{output}");
    assert!(output.starts_with("sound: "), "{output}");
}

impl Program {
    /// Starts the program and waits until it has written its port file. Port file and log are in `folder`.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with_command(command(env!("CARGO_BIN_EXE_fps-sandbox")), folder, arguments).await
    }

    /// Does the same with another command, such as a shell that sets limits first.
    pub async fn start_with_command(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        let (port_file, log) = (folder.join("port"), folder.join("log"));
        let _absent = fs::remove_file(&port_file);
        let stderr = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        command.args(["--listen", "127.0.0.1:0", "--port-file", port_file.to_str().unwrap()]).args(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the program starts");
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let port = fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse::<u16>().ok());
            if let Some(port) = port {
                return Self { addr: ([127, 0, 0, 1], port).into(), child, log };
            }
            let status = child.try_wait().unwrap();
            if status.is_some() || Instant::now() > deadline {
                let _ignored = child.kill();
                panic!("not ready, exit status {status:?}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// A client with the key of the demo merchant, and with the system clock.
    pub fn merchant(&self) -> Client {
        Client {
            addr: self.addr,
            clock: Clock::real_time(),
            key: demo::KEY.to_owned(),
            secret: SecretKey::new(demo::SECRET),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The standard error of this and all earlier programs in the same folder.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends SIGKILL, so that the program cannot finish what it is doing.
    pub fn kill(&mut self) {
        self.child.kill().expect("the program runs");
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM, so that the program shuts down.
    pub fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits until the program exits.
    pub async fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Shuts the program down and asserts that it exits successfully.
    pub async fn stop(mut self) {
        self.terminate();
        let status = self.wait().await;
        assert!(status.success(), "{status}\n{}", self.log());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ignored = self.child.kill();
        let _ignored = self.child.wait();
    }
}
