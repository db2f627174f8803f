//! Many files, many workers: one way to read staged files, whatever their format, and who reads what
//! next. It is what COPY and queries on stages use.
//!
//! ```text
//! let scan = FileScan::new(stage, files, reader);
//! // in every worker:
//! while let Some(chunk) = scan.next() {
//!     chunk.parse(|batch| ...)?;
//! }
//! ```

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use firn_types::Result;

use crate::format::{ChunkedFile, FileChunk, FileReader};
use crate::stage::{SharedStage, StagedFile};

/// Hands out the chunks of many files to many workers. Files are begun in order; a further one is
/// opened when all open ones are busy, so that compressed files are decompressed side by side.
pub struct FileScan {
    stage: SharedStage,
    files: Vec<StagedFile>,
    reader: Arc<dyn FileReader>,
    state: Mutex<State>,
    /// A file was opened, or could not be.
    opened: Condvar,
}

struct State {
    next: usize,
    /// How many files are just being opened.
    opening: usize,
    open: Vec<(usize, Arc<dyn ChunkedFile>)>,
}

impl FileScan {
    /// A scan of these files of the stage, each opened when its turn comes.
    pub fn new(
        stage: SharedStage,
        files: Vec<StagedFile>,
        reader: Arc<dyn FileReader>,
    ) -> FileScan {
        let state = Mutex::new(State { next: 0, opening: 0, open: Vec::new() });
        FileScan { stage, files, reader, state, opened: Condvar::new() }
    }

    /// The next part of any file; none when all are read. Any number of workers may ask; parts come in no
    /// particular order, but carry their place. A file that cannot be opened or read gives a part whose
    /// parsing fails, so that the caller knows whose error it is; the other files go on.
    pub fn next(&self) -> Option<FileChunk> {
        loop {
            let (position, file) = match self.choose() {
                Choice::Open(position, file) => (position, file),
                Choice::New(position) => match self.open_file(position) {
                    Ok(file) => (position, file),
                    Err(error) => return Some(FileChunk::failed(error).of_file(position)),
                },
                Choice::Nothing => return None,
            };
            match file.next_chunk() {
                Ok(Some(chunk)) => return Some(chunk.of_file(position)),
                Ok(None) => self.close(position),
                Err(error) => {
                    self.close(position);
                    return Some(FileChunk::failed(error).of_file(position));
                }
            }
        }
    }

    fn close(&self, position: usize) {
        self.lock().open.retain(|(open, _)| *open != position);
    }

    fn open_file(&self, position: usize) -> Result<Arc<dyn ChunkedFile>> {
        let _opening = Opening(self);
        let file: Arc<dyn ChunkedFile> =
            self.reader.open(&self.stage, &self.files[position])?.into();
        self.lock().open.push((position, Arc::clone(&file)));
        Ok(file)
    }

    fn choose(&self) -> Choice {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, a file is being opened.
struct Opening<'s>(&'s FileScan);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.lock().opening -= 1;
        self.0.opened.notify_all();
    }
}

enum Choice {
    Open(usize, Arc<dyn ChunkedFile>),
    New(usize),
    Nothing,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use firn_types::{SqlType, Value};
    use object_store::memory::InMemory;

    use super::*;
    use crate::compression::Compression;
    use crate::format::WantedColumn;
    use crate::format::csv::{CsvColumns, CsvReader, text_sinks};
    use crate::options::CsvOptions;
    use crate::row_error::LoadTarget;
    use crate::stage::{ObjectStage, put_bytes};

    #[test]
    fn many_workers_read_all_rows_of_all_files_once() -> Result<()> {
        use std::io::Write;
        let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
        for number in 0..4u64 {
            // The first file makes two chunks.
            let count = if number == 0 { 260_000u64 } else { 10_000 };
            let lines =
                (0..count).map(|row| format!("{row},{number},some text to fill the line\n"));
            let text = format!("ID,Other,N\n{}", lines.collect::<String>());
            let mut gzip = Compression::Gzip.writer(Vec::new()).unwrap();
            gzip.write_all(text.as_bytes()).unwrap();
            put_bytes(&*stage, &format!("f{number}.csv.gz"), &gzip.finish().unwrap())?;
        }
        let wanted = [("other", false), ("id", true), ("ID", true)];
        let wanted = wanted
            .map(|(name, case_sensitive)| WantedColumn { name: name.to_owned(), case_sensitive });
        let reader = CsvReader {
            options: CsvOptions { parse_header: true, ..CsvOptions::default() },
            columns: CsvColumns::Names(wanted.to_vec()),
            expected: Some(3),
            sinks: Arc::new(|| text_sinks(3)),
            target: LoadTarget::default(),
        };
        let scan = FileScan::new(Arc::clone(&stage), stage.list("")?, Arc::new(reader));
        let seen: Mutex<BTreeMap<(String, u64), String>> = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some(chunk) = scan.next() {
                        chunk
                            .parse(|batch| {
                                let text = |row, column: usize| match batch
                                    .batch
                                    .column(column)
                                    .value(row, SqlType::TEXT)
                                {
                                    Value::Text(text) => text.to_string(),
                                    _ => "~".to_owned(),
                                };
                                let mut seen = seen.lock().unwrap();
                                for row in 0..batch.batch.rows() {
                                    let key = (text(row, 0), batch.row_number(row));
                                    assert_eq!(text(row, 1), "~");
                                    assert!(seen.insert(key, text(row, 2)).is_none());
                                }
                                Ok(())
                            })
                            .unwrap();
                    }
                });
            }
        });
        let seen = seen.into_inner().unwrap();
        assert_eq!(seen.len(), 290_000);
        assert!(seen.iter().all(|((_, number), id)| (number - 1).to_string() == *id));
        Ok(())
    }

    /// A file with so many chunks left.
    struct Slow(AtomicUsize);

    impl ChunkedFile for Slow {
        fn next_chunk(&self) -> Result<Option<FileChunk>> {
            let left =
                self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            Ok(left.is_ok().then(|| FileChunk::new(0, |_| Ok(()))))
        }

        fn is_busy(&self) -> bool {
            false
        }
    }

    struct SlowReader;

    impl FileReader for SlowReader {
        fn open(&self, _: &SharedStage, _: &StagedFile) -> Result<Box<dyn ChunkedFile>> {
            std::thread::sleep(Duration::from_millis(50));
            Ok(Box::new(Slow(AtomicUsize::new(2_000))))
        }
    }

    #[test]
    fn workers_wait_for_the_only_file_to_be_opened() {
        let (path, etag) = ("f".to_owned(), String::new());
        let file = StagedFile { path, size: 0, etag, last_modified: 0, arrived: 0 };
        let stage: SharedStage = Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", ""));
        let scan = FileScan::new(stage, vec![file], Arc::new(SlowReader));
        let parsed: Vec<usize> = std::thread::scope(|scope| {
            let worker = || {
                let mut count = 0;
                while scan.next().is_some() {
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
