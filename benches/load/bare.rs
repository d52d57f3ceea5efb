//! The yardstick: an axum handler that does nothing but answer, in a process of its own.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::Outcome;

/// Tells this program to be the bare server: `--bare PORTFILE BYTES`.
pub(crate) const FLAG: &str = "--bare";

/// Answers every request with the same body of so many bytes, until it is ended.
#[tokio::main]
pub(crate) async fn serve(port_file: &str, bytes: &str) -> Outcome<()> {
    let body = Bytes::from(vec![b'x'; bytes.parse()?]);
    let handler = async move || {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    std::fs::write(port_file, format!("{}\n", listener.local_addr()?.port()))?;
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().fallback(handler)).await?;
    Ok(())
}
