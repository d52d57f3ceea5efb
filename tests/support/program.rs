//! The program itself, started as its users start it.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use fps_sandbox::clock::Clock;
use fps_sandbox::signature::SecretKey;
use tokio::time::{Instant, sleep};

use super::{Client, demo};

/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// A running program. It is killed when it is dropped.
pub struct Program {
    pub addr: SocketAddr,
    child: Child,
    log: PathBuf,
}

/// A command that hears nothing of the settings around the test.
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

/// Runs the program to its end, which comes by itself.
pub fn run(arguments: &[&str]) -> Output {
    let mut command = command(env!("CARGO_BIN_EXE_fps-sandbox"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > LONG {
            child.kill().unwrap();
            panic!("{arguments:?} does not end: {:?}", child.wait_with_output().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

/// Checks a database that nobody has open.
pub fn assert_sound(database: &Path) {
    let audit = run(&["audit", "--database", database.to_str().unwrap()]);
    let told =
        format!("{}{}", String::from_utf8_lossy(&audit.stdout), String::from_utf8_lossy(&audit.stderr));
    assert!(audit.status.success(), "{told}");
    assert!(told.starts_with("sound: "), "{told}");
}

impl Program {
    /// Starts it and waits until it is ready. Port file and log are in `folder`.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_by(command(env!("CARGO_BIN_EXE_fps-sandbox")), folder, arguments).await
    }

    /// The same by another command, such as a shell that sets limits first.
    pub async fn start_by(mut command: Command, folder: &Path, arguments: &[&str]) -> Self {
        let (port_file, log) = (folder.join("port"), folder.join("log"));
        let _absent = fs::remove_file(&port_file);
        let stderr = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        command.args(["--listen", "127.0.0.1:0", "--port-file", port_file.to_str().unwrap()]).args(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the program starts");
        let deadline = Instant::now() + LONG;
        loop {
            let port = fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse::<u16>().ok());
            if let Some(port) = port {
                return Self { addr: ([127, 0, 0, 1], port).into(), child, log };
            }
            let ended = child.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let _ended = child.kill();
                panic!("not ready, ended: {ended:?}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The demo merchant, on real time.
    pub fn merchant(&self) -> Client {
        Client {
            addr: self.addr,
            clock: Clock::real_time(),
            key: demo::KEY.to_owned(),
            secret: SecretKey::new(demo::SECRET),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written on standard error, with earlier programs of the same folder.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL: it ends in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.child.kill().expect("the program runs");
        self.child.wait().unwrap();
    }

    /// SIGTERM: it is asked to finish.
    pub fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks it to finish, and waits until it has, in order.
    pub async fn finish(mut self) {
        self.terminate();
        let status = self.ended().await;
        assert!(status.success(), "{status}\n{}", self.log());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
