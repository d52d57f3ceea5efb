//! The channels to the writer and the readers of an open world.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::reader::ReaderMessage;
use super::writer::WriterMessage;

/// The channels to the writer and the readers of an open world. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct WorldChannels {
    pub(super) writer: mpsc::Sender<WriterMessage>,
    /// Empty for a database in memory.
    readers: Arc<[mpsc::Sender<ReaderMessage>]>,
    next_reader: Arc<AtomicUsize>,
}

impl WorldChannels {
    pub(super) fn new(
        writer: mpsc::Sender<WriterMessage>,
        readers: Vec<mpsc::Sender<ReaderMessage>>,
    ) -> Self {
        Self { writer, readers: readers.into(), next_reader: Arc::default() }
    }

    pub(super) fn has_readers(&self) -> bool {
        !self.readers.is_empty()
    }

    /// The next reader in rotation; `None` if there are no readers.
    pub(super) fn next_reader(&self) -> Option<&mpsc::Sender<ReaderMessage>> {
        let index = self.next_reader.fetch_add(1, Ordering::Relaxed).checked_rem(self.readers.len())?;
        self.readers.get(index)
    }

    /// Whether these are channels to the same writer.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.writer.same_channel(&other.writer)
    }

    /// Waits for the jobs in the queues, and closes the database.
    pub(super) async fn close(&self) {
        self.close_readers().await;
        let (done, closed) = oneshot::channel();
        if self.writer.send(WriterMessage::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }

    /// The same, and returns the image of a database in memory.
    pub(super) async fn close_with_image(&self) -> Option<Vec<u8>> {
        self.close_readers().await;
        let (image, closed) = oneshot::channel();
        self.writer.send(WriterMessage::CloseWithImage(image)).await.ok()?;
        closed.await.ok().flatten()
    }

    /// Closes the readers. They are closed before the writer: SQLite checkpoints the log when the last connection to a file
    /// is closed, which a read-only connection cannot do.
    async fn close_readers(&self) {
        for reader in self.readers.iter() {
            let (done, closed) = oneshot::channel();
            if reader.send(ReaderMessage::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
        }
    }
}
