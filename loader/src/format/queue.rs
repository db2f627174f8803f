//! Many files, many workers: who reads what next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
}

struct State<F> {
    next: usize,
    open: Vec<(usize, Arc<F>)>,
}

impl<F: ChunkedFile> FileQueue<F> {
    /// A queue of these files, each opened by `open` when its turn comes.
    pub fn new(
        files: Vec<StagedFile>,
        open: impl Fn(&StagedFile) -> Result<F> + Send + Sync + 'static,
    ) -> FileQueue<F> {
        let state = Mutex::new(State { next: 0, open: Vec::new() });
        FileQueue { files, open: Box::new(open), state }
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
                Choice::New(position) => match (self.open)(&self.files[position]) {
                    Ok(file) => {
                        let file = Arc::new(file);
                        self.lock().open.push((position, Arc::clone(&file)));
                        (position, file)
                    }
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

    fn choose(&self) -> Choice<F> {
        let mut state = self.lock();
        let idle = state.open.iter().find(|(_, file)| !file.is_busy());
        if let Some((position, file)) = idle {
            return Choice::Open(*position, Arc::clone(file));
        }
        if state.next < self.files.len() {
            state.next += 1;
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

enum Choice<F> {
    Open(usize, Arc<F>),
    New(usize),
    Nothing,
}
