//! The baseline: an axum handler that returns a constant body, in a process of its own.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::Result;

/// The option that makes this program run the baseline server: `--baseline PORTFILE BYTES`.
pub(crate) const FLAG: &str = "--baseline";

/// Answers every request with the same body of `bytes` bytes, until the process is killed.
#[tokio::main]
pub(crate) async fn serve(port_file: &str, bytes: &str) -> Result<()> {
    let body = Bytes::from(vec![b'x'; bytes.parse()?]);
    let handler = async move || {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    std::fs::write(port_file, format!("{}\n", listener.local_addr()?.port()))?;
    let listener = listener.tap_io(|stream| {
        // Without TCP_NODELAY a small response waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().fallback(handler)).await?;
    Ok(())
}
