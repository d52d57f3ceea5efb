//! The servers under load, each a process of its own that ends with its handle.

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
use crate::{Outcome, bare};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look whether it has.
const GLANCE: Duration = Duration::from_micros(200);

/// Where the sandbox keeps its ledger.
#[derive(Clone)]
pub(crate) enum Place {
    /// The default: in memory.
    Memory,
    /// In a new file.
    NewFile,
    /// In this file.
    File(PathBuf),
    /// In a new schema of PostgreSQL, shared by so many sandboxes.
    Postgres(usize),
    /// In a new schema of PostgreSQL, with the demo accounts.
    EmptyPostgres,
}

/// Where PostgreSQL is, for whoever has one: `.ci/postgres cargo bench`.
pub(crate) fn postgres() -> Option<String> {
    std::env::var("FPS_TEST_POSTGRES").ok()
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    pub(crate) addr: SocketAddr,
    /// Others on the same database.
    beside: Vec<Self>,
}

impl Server {
    /// The sandbox with the benchmark's world, ready.
    pub(crate) fn sandbox(program: &Path, place: &Place, arguments: &[&str]) -> Outcome<Self> {
        let count = match *place {
            Place::Postgres(count) => count,
            Place::EmptyPostgres => {
                let mut command = Command::new(program);
                command.arg("--database").arg(new_schema()?);
                return Self::ready_sandbox(command, folder()?);
            }
            _ => return Self::one_sandbox(program, place, None, arguments),
        };
        let url = new_schema()?;
        let mut first = Self::one_sandbox(program, place, Some(&url), arguments)?;
        for _ in 1..count {
            first.beside.push(Self::one_sandbox(program, place, Some(&url), arguments)?);
        }
        Ok(first)
    }

    fn one_sandbox(program: &Path, place: &Place, url: Option<&str>, arguments: &[&str]) -> Outcome<Self> {
        let folder = folder()?;
        let seed = folder.path().join("seed.toml");
        std::fs::write(&seed, requests::seed())?;
        let mut command = Command::new(program);
        command.arg("--seed").arg(seed).args(arguments);
        match place {
            Place::Memory => {}
            Place::NewFile => drop(command.arg("--database").arg(folder.path().join("load.db"))),
            Place::File(path) => drop(command.arg("--database").arg(path)),
            Place::Postgres(_) | Place::EmptyPostgres => drop(command.arg("--database").args(url)),
        }
        Self::ready_sandbox(command, folder)
    }

    /// Sends one of these requests on a connection of its own, and gives the body of its answer.
    pub(crate) fn ask_once(&self, requests: &Requests, number: usize) -> Outcome<String> {
        let request = String::from_utf8_lossy(requests.get(number).unwrap_or_default())
            .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let reply = ask(self.addr, request.as_bytes())?;
        match reply.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
            _ => Err(format!("not a 200: {reply}").into()),
        }
    }

    /// Where all of them listen.
    pub(crate) fn addrs(&self) -> Vec<SocketAddr> {
        std::iter::once(self.addr).chain(self.beside.iter().map(|server| server.addr)).collect()
    }

    /// The sandbox as it starts without any option, ready: in memory, with its demo world.
    pub(crate) fn plain_sandbox(program: &Path) -> Outcome<Self> {
        Self::ready_sandbox(Command::new(program), folder()?)
    }

    /// The bare handler, answering with a body of so many bytes.
    pub(crate) fn bare(bytes: usize) -> Outcome<Self> {
        let folder = folder()?;
        let mut command = Command::new(std::env::current_exe()?);
        let port_file = folder.path().join("port");
        command.arg(bare::FLAG).arg(&port_file).arg(bytes.to_string());
        Self::start(command, folder, &port_file)
    }

    fn ready_sandbox(mut command: Command, folder: TempDir) -> Outcome<Self> {
        let port_file = folder.path().join("port");
        command.args(["--listen", "127.0.0.1:0", "--port-file"]).arg(&port_file);
        let mut server = Self::start(command, folder, &port_file)?;
        server.wait_until(|server| {
            let ready =
                ask(server.addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            ready.ok().filter(|reply| reply.starts_with("HTTP/1.1 200 ")).map(drop)
        })?;
        Ok(server)
    }

    /// Starts a server and waits for its port.
    fn start(mut command: Command, folder: TempDir, port_file: &Path) -> Outcome<Self> {
        let log = File::create(folder.path().join("log"))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self { child, folder, addr, beside: Vec::new() };
        let port = server.wait_until(|_| std::fs::read_to_string(port_file).ok()?.trim().parse().ok())?;
        server.addr.set_port(port);
        Ok(server)
    }

    fn wait_until<T>(&mut self, met: impl Fn(&Self) -> Option<T>) -> Outcome<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = met(self) {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended ({status}): {}", self.log()).into());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("the server is not ready after {PATIENCE:?}: {}", self.log()).into());
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// What it wrote on standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// How long its threads have worked so far: less shaken than rates by what else the machine does.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        let beside = self.beside.iter().map(Self::cpu_time).sum::<Outcome<Duration>>()?;
        Ok(Duration::from_nanos(nanos) + beside)
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> Outcome<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/task", self.child.id()))?.count())
    }

    /// Its resident memory in kB.
    pub(crate) fn resident_kb(&self) -> Outcome<u64> {
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

/// The URL of an empty place on the PostgreSQL server.
#[tokio::main(flavor = "current_thread")]
async fn new_schema() -> Outcome<String> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let url = postgres().ok_or("no PostgreSQL: `.ci/postgres cargo bench` starts one")?;
    let schema = format!("load_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut connection).await?;
    Ok(format!("{url}?options=-c%20search_path%3D{schema}"))
}

/// The same as a setting.
pub(crate) fn new_database() -> Outcome<Database> {
    Ok(new_schema()?.parse()?)
}

/// A folder beside the build, so that files lie on the disk of the project and not in a memory file system.
pub(crate) fn folder() -> Outcome<TempDir> {
    Ok(tempfile::Builder::new().prefix("load-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Sends a request that asks to close the connection, and reads the answer to its end.
pub(crate) fn ask(addr: SocketAddr, request: &[u8]) -> Outcome<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}
