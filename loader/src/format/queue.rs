//! Many files, many workers: who reads what next.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use firn_types::Result;

use crate::stage::StagedFile;

/// A file that is handed out in parts.
pub trait ChunkedFile: Send + Sync {
    /// A part, to be parsed by the worker that got it.
    type Chunk: Send;

    /// The next part; none at the file's end. Waits while another worker fetches one.
    ///
    /// # Errors
    /// A file that cannot be read.
    fn next_chunk(&self) -> Result<Option<Self::Chunk>>;

    /// Whether another worker is fetching a part right now.
    fn is_busy(&self) -> bool;
}

/// Opens a file when its turn comes.
type Opener<F> = Box<dyn Fn(&StagedFile) -> Result<F> + Send + Sync>;

/// Hands out the chunks of many files to many workers. Files are begun in order; a further one is
/// opened when all open ones are busy, so that compressed files are decompressed side by side.
pub struct FileQueue<F: ChunkedFile> {
    files: Vec<StagedFile>,
    open: Opener<F>,
    state: Mutex<State<F>>,
    /// A file was opened, or could not be.
    opened: Condvar,
}

struct State<F> {
    next: usize,
    /// How many files are just being opened.
    opening: usize,
    open: Vec<(usize, Arc<F>)>,
}

impl<F: ChunkedFile> FileQueue<F> {
    /// A queue of these files, each opened by `open` when its turn comes.
    pub fn new(
        files: Vec<StagedFile>,
        open: impl Fn(&StagedFile) -> Result<F> + Send + Sync + 'static,
    ) -> FileQueue<F> {
        let state = Mutex::new(State { next: 0, opening: 0, open: Vec::new() });
        FileQueue { files, open: Box::new(open), state, opened: Condvar::new() }
    }

    /// The files.
    pub fn files(&self) -> &[StagedFile] {
        &self.files
    }

    /// The next chunk of any file, with the file's position; none when all are read. Chunks come in
    /// no particular order, but carry their place. A file that cannot be opened or read gives an error
    /// in place of a chunk, and nothing more; the others go on.
    pub fn next(&self) -> Option<(usize, Result<F::Chunk>)> {
        loop {
            let (position, file) = match self.choose() {
                Choice::Open(position, file) => (position, file),
                Choice::New(position) => match self.open_file(position) {
                    Ok(file) => (position, file),
                    Err(error) => return Some((position, Err(error))),
                },
                Choice::Nothing => return None,
            };
            match file.next_chunk() {
                Ok(Some(chunk)) => return Some((position, Ok(chunk))),
                Ok(None) => self.lock().open.retain(|(open, _)| *open != position),
                Err(error) => {
                    self.lock().open.retain(|(open, _)| *open != position);
                    return Some((position, Err(error)));
                }
            }
        }
    }

    fn open_file(&self, position: usize) -> Result<Arc<F>> {
        let _opening = Opening(self);
        let file = Arc::new((self.open)(&self.files[position])?);
        self.lock().open.push((position, Arc::clone(&file)));
        Ok(file)
    }

    fn choose(&self) -> Choice<F> {
        let mut state = self.lock();
        // A file that is just being opened will have chunks for this worker too.
        while state.open.is_empty() && state.next == self.files.len() && state.opening > 0 {
            state = self.opened.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let idle = state.open.iter().find(|(_, file)| !file.is_busy());
        if let Some((position, file)) = idle {
            return Choice::Open(*position, Arc::clone(file));
        }
        if state.next < self.files.len() {
            state.next += 1;
            state.opening += 1;
            return Choice::New(state.next - 1);
        }
        match state.open.first() {
            Some((position, file)) => Choice::Open(*position, Arc::clone(file)),
            None => Choice::Nothing,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, a file is being opened.
struct Opening<'q, F: ChunkedFile>(&'q FileQueue<F>);

impl<F: ChunkedFile> Drop for Opening<'_, F> {
    fn drop(&mut self) {
        self.0.lock().opening -= 1;
        self.0.opened.notify_all();
    }
}

enum Choice<F> {
    Open(usize, Arc<F>),
    New(usize),
    Nothing,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Chunks that are left.
    struct Slow(AtomicUsize);

    impl ChunkedFile for Slow {
        type Chunk = ();

        fn next_chunk(&self) -> Result<Option<()>> {
            let left =
                self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            Ok(left.is_ok().then_some(()))
        }

        fn is_busy(&self) -> bool {
            false
        }
    }

    #[test]
    fn workers_wait_for_the_only_file_to_be_opened() {
        let (path, etag) = ("f".to_owned(), String::new());
        let file = StagedFile { path, size: 0, etag, last_modified: 0, arrived: 0 };
        let queue = FileQueue::new(vec![file], |_| {
            std::thread::sleep(Duration::from_millis(50));
            Ok(Slow(AtomicUsize::new(2_000)))
        });
        let parsed: Vec<usize> = std::thread::scope(|scope| {
            let worker = || {
                let mut count = 0;
                while let Some((_, Ok(()))) = queue.next() {
                    count += 1;
                    std::thread::sleep(Duration::from_micros(10));
                }
                count
            };
            let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or(0)).collect()
        });
        assert_eq!(parsed.iter().sum::<usize>(), 2_000);
        assert!(parsed.iter().all(|count| *count > 0), "{parsed:?}");
    }
}
