//! The servers under load. Each is a process, which is killed when its handle is dropped.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fps_sandbox::config::Database;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use crate::requests::{self, Requests};
use crate::{Result, baseline};

/// How long a server may take to start, and to answer a single request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often to check whether a server has started.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// Where a sandbox keeps its ledger.
#[derive(Clone)]
pub(crate) enum Storage {
    /// In memory, the default.
    Memory,
    /// In a new file.
    NewFile,
    /// In this file.
    File(PathBuf),
    /// In a new schema of PostgreSQL, shared by this many sandboxes.
    Postgres(usize),
    /// In a new schema of PostgreSQL, with the demo accounts.
    PostgresDemo,
}

/// The URL of the PostgreSQL server, which `.ci/postgres cargo bench` starts; `None` without one.
pub(crate) fn postgres_url() -> Option<String> {
    std::env::var("FPS_TEST_POSTGRES").ok()
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    directory: TempDir,
    pub(crate) addr: SocketAddr,
    /// The other sandboxes on the same database.
    replicas: Vec<Self>,
}

impl Server {
    /// Starts the sandbox with the world of the benchmark and waits until it is ready.
    pub(crate) fn sandbox(program: &Path, storage: &Storage, arguments: &[&str]) -> Result<Self> {
        let count = match *storage {
            Storage::Postgres(count) => count,
            Storage::PostgresDemo => {
                let mut command = Command::new(program);
                command.arg("--database").arg(new_schema()?);
                return Self::spawn_until_ready(command, temp_dir()?);
            }
            _ => return Self::spawn_sandbox(program, storage, None, arguments),
        };
        let url = new_schema()?;
        let mut first = Self::spawn_sandbox(program, storage, Some(&url), arguments)?;
        for _ in 1..count {
            first.replicas.push(Self::spawn_sandbox(program, storage, Some(&url), arguments)?);
        }
        Ok(first)
    }

    fn spawn_sandbox(
        program: &Path,
        storage: &Storage,
        url: Option<&str>,
        arguments: &[&str],
    ) -> Result<Self> {
        let directory = temp_dir()?;
        let seed = directory.path().join("seed.toml");
        std::fs::write(&seed, requests::seed())?;
        let mut command = Command::new(program);
        command.arg("--seed").arg(seed).args(arguments);
        match storage {
            Storage::Memory => {}
            Storage::NewFile => drop(command.arg("--database").arg(directory.path().join("load.db"))),
            Storage::File(path) => drop(command.arg("--database").arg(path)),
            Storage::Postgres(_) | Storage::PostgresDemo => drop(command.arg("--database").args(url)),
        }
        Self::spawn_until_ready(command, directory)
    }

    /// Sends one of these requests on a new connection and returns the body of the response.
    pub(crate) fn send_one(&self, requests: &Requests, number: usize) -> Result<String> {
        let request = String::from_utf8_lossy(requests.get(number).unwrap_or_default())
            .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let reply = send(self.addr, request.as_bytes())?;
        match reply.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
            _ => Err(format!("not a 200: {reply}").into()),
        }
    }

    /// The addresses of this server and its replicas.
    pub(crate) fn addrs(&self) -> Vec<SocketAddr> {
        std::iter::once(self.addr).chain(self.replicas.iter().map(|server| server.addr)).collect()
    }

    /// Starts the sandbox without options, in memory and with the demo world, and waits until it is ready.
    pub(crate) fn default_sandbox(program: &Path) -> Result<Self> {
        Self::spawn_until_ready(Command::new(program), temp_dir()?)
    }

    /// Starts the baseline handler, which answers with a body of `bytes` bytes.
    pub(crate) fn baseline(bytes: usize) -> Result<Self> {
        let directory = temp_dir()?;
        let mut command = Command::new(std::env::current_exe()?);
        let port_file = directory.path().join("port");
        command.arg(baseline::FLAG).arg(&port_file).arg(bytes.to_string());
        Self::start(command, directory, &port_file)
    }

    fn spawn_until_ready(mut command: Command, directory: TempDir) -> Result<Self> {
        let port_file = directory.path().join("port");
        command.args(["--listen", "127.0.0.1:0", "--port-file"]).arg(&port_file);
        let mut server = Self::start(command, directory, &port_file)?;
        server.wait_until(|server| {
            let ready =
                send(server.addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            ready.ok().filter(|reply| reply.starts_with("HTTP/1.1 200 ")).map(drop)
        })?;
        Ok(server)
    }

    /// Starts a server and waits for its port file.
    fn start(mut command: Command, directory: TempDir, port_file: &Path) -> Result<Self> {
        let log = File::create(directory.path().join("log"))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self { child, directory, addr, replicas: Vec::new() };
        let port = server.wait_until(|_| std::fs::read_to_string(port_file).ok()?.trim().parse().ok())?;
        server.addr.set_port(port);
        Ok(server)
    }

    fn wait_until<T>(&mut self, met: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = met(self) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended ({status}): {}", self.log()).into());
            }
            if start.elapsed() > TIMEOUT {
                return Err(format!("the server is not ready after {TIMEOUT:?}: {}", self.log()).into());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// The standard error of the server.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// The CPU time of all threads so far. Other work on the machine disturbs it less than it disturbs rates.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        let replicas = self.replicas.iter().map(Self::cpu_time).sum::<Result<Duration>>()?;
        Ok(Duration::from_nanos(nanos) + replicas)
    }

    /// The number of threads.
    pub(crate) fn threads(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/task", self.child.id()))?.count())
    }

    /// The resident memory in kB.
    pub(crate) fn resident_kb(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let text = line.and_then(|line| line.split_whitespace().next());
        Ok(text.ok_or("no VmRSS in /proc: resident memory is measured on Linux only")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates an empty schema on the PostgreSQL server and returns its URL.
#[tokio::main(flavor = "current_thread")]
async fn new_schema() -> Result<String> {
    static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
    let url = postgres_url().ok_or("no PostgreSQL: `.ci/postgres cargo bench` starts one")?;
    let schema = format!("load_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await?;
    Ok(format!("{url}?options=-c%20search_path%3D{schema}"))
}

/// Creates an empty schema on the PostgreSQL server, as a setting of the sandbox.
pub(crate) fn new_database() -> Result<Database> {
    Ok(new_schema()?.parse()?)
}

/// A temporary directory below the build directory: on a disk, where the usual one may be in memory.
pub(crate) fn temp_dir() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("load-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Sends a request that asks to close the connection, and reads the response to its end.
pub(crate) fn send(addr: SocketAddr, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}
