//! The load generator: two threads with half of the connections each, and one request in flight per connection.
//!
//! It shares the machine with the server, so it does as little work as possible: it sends prepared bytes over plain
//! sockets, and of each response it checks the status and the length only.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Result;
use crate::requests::Requests;

/// The number of threads that send requests.
const THREADS: usize = 2;
/// A response that takes longer fails the run.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much load to send, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct LoadSettings {
    pub(crate) connections: usize,
    /// Responses in this first period are not measured.
    pub(crate) warm_up: Duration,
    /// The period after the warm-up, in which responses are measured.
    pub(crate) measured: Duration,
    /// Whether to start over when all requests are sent. Otherwise the run ends early.
    pub(crate) repeat: bool,
}

/// The result of a run.
pub(crate) struct LoadResult {
    /// Responses per second in the measured period.
    pub(crate) rate: f64,
    /// All responses, including those of the warm-up.
    pub(crate) responses: u32,
    /// The latency of each measured response, in ascending order.
    latencies: Vec<Duration>,
    /// Whether the requests ran out before the time was over.
    pub(crate) ran_out: bool,
}

impl LoadResult {
    /// The latency that `percent` per cent of the responses did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        crate::report::percentile(&self.latencies, percent)
    }
}

/// Sends requests to the servers, which share the connections equally. A response other than 200 is an error.
pub(crate) fn run_load(
    addrs: &[SocketAddr],
    requests: &Requests,
    settings: LoadSettings,
) -> Result<LoadResult> {
    let threads = THREADS.min(settings.connections);
    let start = Instant::now();
    let results: Vec<Result<Worker>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|index| {
                let connections =
                    settings.connections / threads + usize::from(index < settings.connections % threads);
                let source = RequestSource { requests, next: index, step: threads, repeat: settings.repeat };
                scope.spawn(move || Worker::new(addrs, source, connections, start, settings)?.run())
            })
            .collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|_| Err("a thread of the load generator panicked".into()))
        };
        workers.into_iter().map(join).collect()
    });
    let workers = results.into_iter().collect::<Result<Vec<_>>>()?;
    let responses = workers.iter().map(|worker| worker.responses).sum();
    let ran_out = workers.iter().any(|worker| worker.source.ran_out());
    let mut latencies: Vec<Duration> = workers.into_iter().flat_map(|worker| worker.latencies).collect();
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / settings.measured.as_secs_f64();
    Ok(LoadResult { rate, responses, latencies, ran_out })
}

/// The requests of one thread: with two threads, every second request.
struct RequestSource<'a> {
    requests: &'a Requests,
    next: usize,
    step: usize,
    repeat: bool,
}

impl<'a> RequestSource<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let index = if self.repeat { self.next % self.requests.len() } else { self.next };
        self.next += self.step;
        self.requests.get(index)
    }

    fn ran_out(&self) -> bool {
        !self.repeat && self.next >= self.requests.len() + self.step
    }
}

struct Connection {
    stream: TcpStream,
    sent: Instant,
    waiting: bool,
    reply: Vec<u8>,
}

/// One thread of the load generator, and its connections.
struct Worker<'a> {
    source: RequestSource<'a>,
    connections: Vec<Connection>,
    poll: Poll,
    measured_from: Instant,
    measured_until: Instant,
    responses: u32,
    latencies: Vec<Duration>,
}

impl<'a> Worker<'a> {
    fn new(
        addrs: &[SocketAddr],
        source: RequestSource<'a>,
        connections: usize,
        start: Instant,
        settings: LoadSettings,
    ) -> Result<Self> {
        let poll = Poll::new()?;
        let connect = |index: usize| -> Result<Connection> {
            let stream = std::net::TcpStream::connect(addrs[index % addrs.len()])?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            Ok(Connection { stream, sent: start, waiting: false, reply: Vec::with_capacity(4096) })
        };
        let connections = (0..connections).map(connect).collect::<Result<_>>()?;
        let measured_from = start + settings.warm_up;
        let measured_until = measured_from + settings.measured;
        let latencies = Vec::with_capacity(1 << 18);
        Ok(Self { source, connections, poll, measured_from, measured_until, responses: 0, latencies })
    }

    /// Sends and receives until the time is over and every request has its response.
    fn run(mut self) -> Result<Self> {
        for index in 0..self.connections.len() {
            self.send(index, Instant::now())?;
        }
        let mut events = Events::with_capacity(256);
        while self.connections.iter().any(|connection| connection.waiting) {
            self.poll.poll(&mut events, Some(RESPONSE_TIMEOUT))?;
            if events.is_empty() {
                return Err(format!("no response within {RESPONSE_TIMEOUT:?}").into());
            }
            for event in &events {
                self.receive(event.token().0)?;
            }
        }
        Ok(self)
    }

    fn send(&mut self, index: usize, now: Instant) -> Result<()> {
        let request = if now < self.measured_until { self.source.next() } else { None };
        let connection = &mut self.connections[index];
        connection.waiting = request.is_some();
        if let Some(request) = request {
            connection.sent = now;
            // The send buffer of an idle connection holds a whole request, so a partial write is an error.
            let written = connection.stream.write(request)?;
            if written != request.len() {
                return Err("the server does not read requests".into());
            }
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> Result<()> {
        let connection = &mut self.connections[index];
        if !connection.waiting {
            return Ok(());
        }
        let mut buffer = [0; 4096];
        loop {
            match connection.stream.read(&mut buffer) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(count) => connection.reply.extend_from_slice(&buffer[..count]),
                Err(problem) if problem.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(problem) if problem.kind() == ErrorKind::Interrupted => continue,
                Err(problem) => return Err(problem.into()),
            }
            if is_complete(&connection.reply)? {
                break;
            }
        }
        if !connection.reply.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("not a 200: {}", String::from_utf8_lossy(&connection.reply)).into());
        }
        connection.reply.clear();
        self.responses += 1;
        let now = Instant::now();
        if (self.measured_from..self.measured_until).contains(&now) {
            self.latencies.push(now - connection.sent);
        }
        self.send(index, now)
    }
}

/// Whether the response has all the bytes that its head announces.
fn is_complete(reply: &[u8]) -> Result<bool> {
    let Some(head) = reply.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head_text = std::str::from_utf8(&reply[..head])?;
    let length = head_text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or("a response has no Content-Length")??;
    Ok(reply.len() >= head + 4 + length)
}
