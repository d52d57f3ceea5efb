//! The load generator: two threads, each with half of the connections, each connection with one request on its way.
//!
//! It does as little as it can, because it shares the machine with the server: written-out requests go over plain
//! sockets, and of an answer it looks at the status and the length only.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Outcome;
use crate::requests::Requests;

/// How many threads write load.
const THREADS: usize = 2;
/// An answer that takes longer than this fails the run.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to drive a server.
#[derive(Clone, Copy)]
pub(crate) struct Drive {
    pub(crate) connections: usize,
    /// Answers in this first time do not count.
    pub(crate) warm_up: Duration,
    /// Answers in the time after it do.
    pub(crate) measured: Duration,
    /// Begin again when all requests are sent; else running out of them ends the run early.
    pub(crate) again: bool,
}

/// What a run found.
pub(crate) struct Measured {
    /// Answers a second in the measured time.
    pub(crate) rate: f64,
    /// All answers, those of the first time too.
    pub(crate) answers: u32,
    /// The time of each answer, from the shortest to the longest.
    latencies: Vec<Duration>,
    /// The requests ran out before the time was over.
    pub(crate) ran_out: bool,
}

impl Measured {
    /// The time within which so many per cent of the answers came.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        crate::report::percentile(&self.latencies, percent)
    }
}

/// Drives the servers, each over its part of the connections; the first answer that is not a 200 fails it.
pub(crate) fn drive(addrs: &[SocketAddr], requests: &Requests, drive: Drive) -> Outcome<Measured> {
    let threads = THREADS.min(drive.connections);
    let start = Instant::now();
    let results: Vec<Outcome<Half>> = std::thread::scope(|scope| {
        let halves: Vec<_> = (0..threads)
            .map(|index| {
                let connections =
                    drive.connections / threads + usize::from(index < drive.connections % threads);
                let mine = Supply { requests, next: index, step: threads, again: drive.again };
                scope.spawn(move || Half::new(addrs, mine, connections, start, drive)?.run())
            })
            .collect();
        let joined = |half: std::thread::ScopedJoinHandle<'_, _>| {
            half.join().unwrap_or_else(|_| Err("a thread of the load generator panicked".into()))
        };
        halves.into_iter().map(joined).collect()
    });
    let halves = results.into_iter().collect::<Outcome<Vec<_>>>()?;
    let answers = halves.iter().map(|half| half.answers).sum();
    let ran_out = halves.iter().any(|half| half.supply.ran_out());
    let mut latencies: Vec<Duration> = halves.into_iter().flat_map(|half| half.latencies).collect();
    latencies.sort_unstable();
    let rate = latencies.len() as f64 / drive.measured.as_secs_f64();
    Ok(Measured { rate, answers, latencies, ran_out })
}

/// The requests of one thread: every second one of all.
struct Supply<'a> {
    requests: &'a Requests,
    next: usize,
    step: usize,
    again: bool,
}

impl<'a> Supply<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let index = if self.again { self.next % self.requests.len() } else { self.next };
        self.next += self.step;
        self.requests.get(index)
    }

    fn ran_out(&self) -> bool {
        !self.again && self.next >= self.requests.len() + self.step
    }
}

struct Connection {
    stream: TcpStream,
    sent: Instant,
    waiting: bool,
    reply: Vec<u8>,
}

/// One thread's part of the load.
struct Half<'a> {
    supply: Supply<'a>,
    connections: Vec<Connection>,
    poll: Poll,
    counting: Instant,
    until: Instant,
    answers: u32,
    latencies: Vec<Duration>,
}

impl<'a> Half<'a> {
    fn new(
        addrs: &[SocketAddr],
        supply: Supply<'a>,
        connections: usize,
        start: Instant,
        drive: Drive,
    ) -> Outcome<Self> {
        let poll = Poll::new()?;
        let connect = |index: usize| -> Outcome<Connection> {
            let stream = std::net::TcpStream::connect(addrs[index % addrs.len()])?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            Ok(Connection { stream, sent: start, waiting: false, reply: Vec::with_capacity(4096) })
        };
        let connections = (0..connections).map(connect).collect::<Outcome<_>>()?;
        let counting = start + drive.warm_up;
        let until = counting + drive.measured;
        let latencies = Vec::with_capacity(1 << 18);
        Ok(Self { supply, connections, poll, counting, until, answers: 0, latencies })
    }

    /// Sends and receives until the time is over and nothing is on its way any more.
    fn run(mut self) -> Outcome<Self> {
        for index in 0..self.connections.len() {
            self.send(index, Instant::now())?;
        }
        let mut events = Events::with_capacity(256);
        while self.connections.iter().any(|connection| connection.waiting) {
            self.poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(format!("no answer within {PATIENCE:?}").into());
            }
            for event in &events {
                self.receive(event.token().0)?;
            }
        }
        Ok(self)
    }

    fn send(&mut self, index: usize, now: Instant) -> Outcome<()> {
        let request = if now < self.until { self.supply.next() } else { None };
        let connection = &mut self.connections[index];
        connection.waiting = request.is_some();
        if let Some(request) = request {
            connection.sent = now;
            // An idle connection has room for a request; so one write is a whole one, or something is wrong.
            let written = connection.stream.write(request)?;
            if written != request.len() {
                return Err("the server does not take requests".into());
            }
        }
        Ok(())
    }

    fn receive(&mut self, index: usize) -> Outcome<()> {
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
            if is_whole(&connection.reply)? {
                break;
            }
        }
        if !connection.reply.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("not a 200: {}", String::from_utf8_lossy(&connection.reply)).into());
        }
        connection.reply.clear();
        self.answers += 1;
        let now = Instant::now();
        if (self.counting..self.until).contains(&now) {
            self.latencies.push(now - connection.sent);
        }
        self.send(index, now)
    }
}

/// Whether the answer has all the bytes that its head announces.
fn is_whole(reply: &[u8]) -> Outcome<bool> {
    let Some(head) = reply.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let head_text = std::str::from_utf8(&reply[..head])?;
    let length = head_text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or("an answer has no Content-Length")??;
    Ok(reply.len() >= head + 4 + length)
}
