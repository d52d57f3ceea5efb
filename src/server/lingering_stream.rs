//! A TCP stream whose close does not lose the last response.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a closing connection continues to read what the client still sends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of that it reads and discards at most, in bytes.
const MAX_DRAINED_BYTES: usize = 16 << 20;

/// A TCP stream that reads and discards what the client still sends while it is being closed (lingering close).
///
/// Otherwise the kernel answers the rest of an oversized request with a reset, and the client sees "connection reset"
/// in place of the 413, 414 or 431 that gives the reason.
#[derive(Debug)]
pub(super) struct LingeringStream {
    stream: TcpStream,
    /// Set once the sending side is closed.
    drain: Option<Drain>,
}

/// How much a closing stream has discarded.
#[derive(Debug, Default)]
struct Drain {
    drained_bytes: usize,
    timeout: Option<Pin<Box<Sleep>>>,
}

impl LingeringStream {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, drain: None }
    }
}

impl Drain {
    /// Discards input until the client closes, the time or size limit is reached, or at once if no input is waiting.
    fn poll_drain(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 16 << 10];
        while self.drained_bytes < MAX_DRAINED_BYTES {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.drained_bytes += buffer.filled().len();
                }
                // End of input, or an error: nothing more will come.
                Poll::Ready(_) => return Poll::Ready(()),
                // The client sent its whole request, so closing now resets nothing.
                Poll::Pending if self.drained_bytes == 0 => return Poll::Ready(()),
                Poll::Pending => {
                    let timeout = self.timeout.get_or_insert_with(|| Box::pin(sleep(LINGER_TIMEOUT)));
                    return timeout.as_mut().poll(cx);
                }
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for LingeringStream {
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
        let Self { stream, drain } = &mut *self;
        // Closes only the sending side: the client sees the end of the response while its own data is still read.
        if drain.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        drain.get_or_insert_default().poll_drain(stream, cx).map(Ok)
    }
}
