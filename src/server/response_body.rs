//! Response bodies that report the progress of their connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

use super::activity::ConnectionActivity;

/// The largest chunk of a response that is passed to hyper at once, in bytes: the default frame size of HTTP/2.
pub(super) const MAX_CHUNK_BYTES: usize = 16 << 10;

/// A response body in chunks of at most [`MAX_CHUNK_BYTES`]. hyper asks for the next chunk when the client has room for
/// it, so each chunk taken is progress of the connection. With larger chunks a client that reads slowly would look idle.
pub(super) struct ProgressBody {
    body: Body,
    /// The rest of a frame that was larger than a chunk.
    remainder: Bytes,
    activity: Arc<ConnectionActivity>,
}

impl ProgressBody {
    pub(super) const fn new(body: Body, activity: Arc<ConnectionActivity>) -> Self {
        Self { body, remainder: Bytes::new(), activity }
    }
}

impl hyper::body::Body for ProgressBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, remainder, activity } = &mut *self;
        if remainder.is_empty() {
            match ready!(Pin::new(body).poll_frame(cx)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => *remainder = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        activity.record_progress();
        let chunk = remainder.split_to(remainder.len().min(MAX_CHUNK_BYTES));
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.remainder.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let remainder = self.remainder.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(remainder + body.lower());
        if let Some(upper) = body.upper() {
            hint.set_upper(remainder + upper);
        }
        hint
    }
}
