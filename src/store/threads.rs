//! The threads on which writers and readers run.
//!
//! A writer goes to the database and back many times a batch. On the runtime that serves clients it would wait behind
//! requests each time, so it runs on a thread with a runtime of its own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A fixed number of threads, each of which runs many tasks. A thread is started when it is first needed, and ends when the
/// last handle is gone and its tasks are done.
#[derive(Clone, Debug)]
pub(super) struct Threads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    most: usize,
    started: Mutex<Started>,
}

#[derive(Debug, Default)]
struct Started {
    threads: Vec<mpsc::UnboundedSender<Task>>,
    /// Tasks take the threads in turn.
    next: usize,
}

impl Threads {
    pub(super) fn new(name: &'static str, most: usize) -> Self {
        Self(Arc::new(Inner { name, most, started: Mutex::default() }))
    }

    /// Runs a task on one of the threads.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let mut started = self.0.started.lock().unwrap_or_else(PoisonError::into_inner);
        let place = started.next % self.0.most;
        started.next = place + 1;
        if started.threads.len() <= place {
            started.threads.push(start(self.0.name)?);
        }
        // A thread takes tasks as long as its sender is here.
        let _ = started.threads.get(place).map(|thread| thread.send(Box::pin(task)));
        Ok(())
    }

    /// Runs a task on one of the threads and gives what it answers; `None` when it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> std::io::Result<Option<T>> {
        let (answer, answered) = oneshot::channel();
        self.spawn(async {
            let _ = answer.send(task.await);
        })?;
        Ok(answered.await.ok())
    }
}

fn start(name: &str) -> std::io::Result<mpsc::UnboundedSender<Task>> {
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
