//! What a connection does, and a TCP stream that closes politely.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a closing connection goes on reading what the client still sends.
const LINGER: Duration = Duration::from_secs(2);
/// How much of it is thrown away at most, in bytes.
const LINGER_BYTES: usize = 16 << 20;

/// What a connection does, as its watchman sees it.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests of HTTP/1 begun and pieces of answers taken: it only matters whether the sum moves. Whatever else HTTP/2
    /// sends does not count: a client that pings, or opens streams and resets them, and takes nothing makes no progress.
    progress: AtomicU64,
    /// Requests that a handler is working on.
    in_hand: AtomicUsize,
}

impl Activity {
    /// Counts up with every request of HTTP/1 begun and every piece of an answer that the client has room for.
    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// A request begins, or a piece of an answer is taken.
    pub(super) fn advance(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a handler is at work on this connection.
    pub(super) fn is_at_work(&self) -> bool {
        self.in_hand.load(Ordering::Relaxed) > 0
    }
}

/// A request in a handler's hands, for as long as this value lives.
#[derive(Debug)]
pub(super) struct InHand(Arc<Activity>);

impl InHand {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.in_hand.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A TCP stream that lingers when it is closed on a client that still sends.
///
/// Without lingering the kernel answers the rest of an oversized request with a reset, and the client sees
/// "connection reset" in place of the 413, 414 or 431 that says why.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    closing: Option<Closing>,
}

/// What has been thrown away since our side was closed.
#[derive(Debug, Default)]
struct Closing {
    drained: usize,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, closing: None }
    }
}

impl Closing {
    /// Reads on until the client closes, falls silent for good or has sent too much; at once if it sends nothing.
    fn poll_drain(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 16 << 10];
        while self.drained < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.drained += buffer.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending if self.drained == 0 => return Poll::Ready(()),
                Poll::Pending => {
                    return self.deadline.get_or_insert_with(|| Box::pin(sleep(LINGER))).as_mut().poll(cx);
                }
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, closing, .. } = &mut *self;
        if closing.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        closing.get_or_insert_default().poll_drain(stream, cx).map(Ok)
    }
}
