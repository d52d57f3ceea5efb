//! The threads on which writers and readers run.
//!
//! A writer makes many round trips to the database in each batch. On the runtime that serves clients it would wait behind
//! requests each time. So writers and readers run on threads with runtimes of their own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A fixed number of threads, each of which runs any number of tasks. A thread is started on first use, and ends when the
/// last handle is dropped and its tasks are done.
#[derive(Clone, Debug)]
pub(super) struct WorkerThreads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    max_threads: usize,
    started: Mutex<StartedThreads>,
}

#[derive(Debug, Default)]
struct StartedThreads {
    senders: Vec<mpsc::UnboundedSender<Task>>,
    /// The index of the thread that gets the next task.
    next: usize,
}

impl WorkerThreads {
    /// `name` is the name of the threads in the operating system.
    pub(super) fn new(name: &'static str, max_threads: usize) -> Self {
        Self(Arc::new(Inner { name, max_threads, started: Mutex::default() }))
    }

    /// Runs a task on the next thread in rotation. Fails if the thread cannot be started.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let mut started = self.0.started.lock().unwrap_or_else(PoisonError::into_inner);
        let index = started.next % self.0.max_threads;
        started.next = index + 1;
        if started.senders.len() <= index {
            started.senders.push(start_thread(self.0.name)?);
        }
        // Sending cannot fail: a thread receives tasks as long as its sender exists.
        let _ = started.senders.get(index).map(|thread| thread.send(Box::pin(task)));
        Ok(())
    }

    /// Runs a task on the next thread in rotation and returns its output; `None` if it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> std::io::Result<Option<T>> {
        let (sender, output) = oneshot::channel();
        self.spawn(async {
            let _ = sender.send(task.await);
        })?;
        Ok(output.await.ok())
    }
}

fn start_thread(name: &str) -> std::io::Result<mpsc::UnboundedSender<Task>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, mut tasks) = mpsc::unbounded_channel::<Task>();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(async {
            let mut running = JoinSet::new();
            loop {
                tokio::select! {
                    Some(task) = tasks.recv() => drop(running.spawn(task)),
                    Some(_ended) = running.join_next() => {}
                    else => break,
                }
            }
        });
    })?;
    Ok(sender)
}
