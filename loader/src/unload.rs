//! COPY INTO a location: names of files, splitting by size, and what is in the way.

use std::sync::Arc;

use firn_column::Batch;
use firn_types::{Error, ErrorCode, Field, Result};

use crate::format::FileWriter;
use crate::options::{FileFormat, UnloadOptions};
use crate::stage::{Pattern, SharedStage};

/// Where and how rows are unloaded: shared by all workers.
#[derive(Clone)]
pub struct UnloadPlan {
    /// The stage.
    pub stage: SharedStage,
    /// What follows the stage's name.
    pub path: String,
    /// The format.
    pub format: FileFormat,
    /// The statement's options.
    pub options: UnloadOptions,
    /// The query's id, for INCLUDE_QUERY_ID and PARTITION BY.
    pub query_id: String,
    /// The names and types of the columns; [`crate::format::WritableFormat`] says which batches a format takes.
    pub fields: Vec<Field>,
}

/// A file that was written: the columns of DETAILED_OUTPUT, and the bytes before compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnloadedFile {
    /// The path in the stage.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes before compression.
    pub input_bytes: u64,
}

/// Writes the rows of one worker, and of one partition, file after file.
pub struct Unloader {
    plan: Arc<UnloadPlan>,
    partition: Option<String>,
    worker: usize,
    files: usize,
    open: Option<(String, Box<dyn FileWriter>, u64)>,
    done: Vec<UnloadedFile>,
}

impl UnloadPlan {
    /// Checks that the format can be written and, unless OVERWRITE, that nothing is in the way. To be
    /// called once, before any worker.
    ///
    /// # Errors
    /// A format or options that cannot be written, files that would be replaced, or a stage that cannot be listed.
    pub fn check(&self) -> Result<()> {
        self.format.writable()?.check()?;
        if self.options.overwrite || self.options.include_query_id {
            return Ok(());
        }
        let in_the_way = if self.options.single {
            self.stage.find(&self.single_name())?.is_some()
        } else {
            let stem = self.stem(None);
            let pattern = Pattern::new(&format!("{}_\\d+_\\d+_\\d+\\..*", regex::escape(&stem)))?;
            self.stage.list(&stem)?.iter().any(|file| pattern.matches(&file.path))
        };
        if !in_the_way {
            return Ok(());
        }
        let detail = format!(
            "Files already existing at the unload destination: @{}. Use overwrite option to force \
             unloading.",
            self.stage.shown(&self.path)
        );
        Err(Error::new(ErrorCode::FilesInTheWay, detail))
    }

    /// The name of the one file, with SINGLE.
    fn single_name(&self) -> String {
        match self.path.is_empty() || self.path.ends_with('/') {
            true => format!("{}data", self.path),
            false => self.path.clone(),
        }
    }

    /// What file names begin with, before the three numbers.
    fn stem(&self, partition: Option<&str>) -> String {
        let mut stem = self.path.clone();
        if let Some(partition) = partition {
            if !stem.is_empty() && !stem.ends_with('/') {
                stem.push('/');
            }
            stem.push_str(partition.trim_matches('/'));
            stem.push('/');
        }
        if stem.is_empty() || stem.ends_with('/') {
            stem.push_str("data");
        }
        if self.options.include_query_id || partition.is_some() {
            stem.push('_');
            stem.push_str(&self.query_id);
        }
        stem
    }

    fn writer(&self, name: &str) -> Result<Box<dyn FileWriter>> {
        let (sink, file) = (self.stage.write(name)?, self.stage.shown(name));
        self.format.writable()?.writer(sink, file, &self.fields, self.options.header)
    }
}

/// The folder of a partition whose expression is NULL.
pub const NULL_PARTITION: &str = "__NULL__";

impl Unloader {
    /// The writer of worker number `worker`, for the rows of one value of PARTITION BY, if that is
    /// asked for. Files of different workers differ in name. With SINGLE there is one worker.
    pub fn new(plan: Arc<UnloadPlan>, worker: usize, partition: Option<String>) -> Unloader {
        Unloader { plan, partition, worker, files: 0, open: None, done: Vec::new() }
    }

    /// Writes rows, and begins a new file when one is full.
    ///
    /// # Errors
    /// A stage that cannot be written, values that the format does not have.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.rows() == 0 {
            return Ok(());
        }
        if self.open.is_none() {
            let name = self.next_name()?;
            let writer = self.plan.writer(&name)?;
            self.open = Some((name, writer, 0));
        }
        let Some((_, writer, rows)) = &mut self.open else { return Ok(()) };
        writer.write(batch)?;
        *rows += batch.rows() as u64;
        let bytes = writer.bytes();
        match self.plan.options.single {
            true => self.check_single(bytes),
            false if bytes >= self.plan.options.max_file_size => self.close(),
            false => Ok(()),
        }
    }

    /// Refuses one file above MAX_FILE_SIZE.
    fn check_single(&self, bytes: u64) -> Result<()> {
        let max = self.plan.options.max_file_size;
        if bytes <= max {
            return Ok(());
        }
        let text = format!("Max file size ({max}) exceeded for unload single file mode.");
        Err(Error::new(ErrorCode::SingleFileTooLarge, text))
    }

    /// Ends the last file, and gives all that were written.
    ///
    /// # Errors
    /// A stage that cannot be written.
    pub fn finish(mut self) -> Result<Vec<UnloadedFile>> {
        self.close()?;
        Ok(self.done)
    }

    fn close(&mut self) -> Result<()> {
        if let Some((name, writer, rows)) = self.open.take() {
            let written = writer.finish()?;
            let (size, input_bytes) = (written.size, written.plain);
            if self.plan.options.single {
                let checked = self.check_single(size);
                if checked.is_err() {
                    self.plan.stage.remove(&name)?;
                }
                checked?;
            }
            self.done.push(UnloadedFile { name, size, rows, input_bytes });
        }
        Ok(())
    }

    fn next_name(&mut self) -> Result<String> {
        if self.plan.options.single {
            return Ok(self.plan.single_name());
        }
        let extension = self.plan.format.writable()?.extension();
        let stem = self.plan.stem(self.partition.as_deref());
        let name = format!("{stem}_{}_0_{}{extension}", self.worker, self.files);
        self.files += 1;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use firn_column::Column;
    use firn_types::{Decimal, SqlType, Value};
    use object_store::memory::InMemory;

    use super::*;
    use crate::compression::Compression;
    use crate::options::{CsvOptions, FormatDefinition, OptionValue};
    use crate::stage::{ObjectStage, Stage};

    fn plan(given: &[(&str, &str)], path: &str, fields: Vec<Field>) -> UnloadPlan {
        let value = |text: &str| OptionValue::Text(text.to_owned());
        let given: Vec<_> = given.iter().map(|(n, v)| ((*n).to_owned(), value(v))).collect();
        UnloadPlan {
            stage: Arc::new(ObjectStage::new(Arc::new(InMemory::new()), "", "st/")),
            path: path.to_owned(),
            format: FormatDefinition::parse(&given).unwrap().typed().unwrap(),
            options: UnloadOptions::parse(&[]).unwrap(),
            query_id: "q1".to_owned(),
            fields,
        }
    }

    fn text_of(stage: &dyn Stage, path: &str) -> String {
        let mut text = String::new();
        let reader = Compression::Auto.reader(path, stage.read(path).unwrap()).unwrap();
        { reader }.read_to_string(&mut text).unwrap();
        text
    }

    fn texts(values: &[Option<&str>]) -> Column {
        let values: Vec<Value> =
            values.iter().map(|text| text.map_or(Value::Null, Value::text)).collect();
        Column::from_values(SqlType::TEXT, &values).unwrap()
    }

    #[test]
    fn csv_is_quoted_escaped_split_and_named() -> Result<()> {
        let fields = vec![Field::new("N", SqlType::INTEGER), Field::new("T", SqlType::TEXT)];
        let numbers = texts(&[Some("1"), None, Some("3")]);
        let words = texts(&[Some("a,b\"c\\"), Some(""), None]);
        let batch = Batch::new(vec![numbers, words], 3);
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "1,a\\,b\"c\\\\\n\\N,\n3,\\N\n"),
            (&[("FIELD_OPTIONALLY_ENCLOSED_BY", "\"")], "1,\"a,b\"\"c\\\"\n\\N,\"\"\n3,\\N\n"),
            (&[("NULL_IF", ""), ("FIELD_DELIMITER", "|")], "1|a,b\"c\\\\\n|\n3|\n"),
        ];
        for (given, expected) in cases {
            let plan = Arc::new(plan(given, "out/", fields.clone()));
            let mut unloader = Unloader::new(Arc::clone(&plan), 0, None);
            unloader.write(&batch)?;
            let files = unloader.finish()?;
            assert_eq!((files[0].name.as_str(), files[0].rows), ("out/data_0_0_0.csv.gz", 3));
            assert_eq!(text_of(&*plan.stage, "out/data_0_0_0.csv.gz"), *expected, "{given:?}");
            let error = plan.check().err().map(|error| error.detail().to_owned());
            assert_eq!(
                error.as_deref(),
                Some(
                    "Files already existing at the unload destination: @st/out/. Use overwrite \
                     option to force unloading."
                )
            );
        }
        let mut small = plan(&[("COMPRESSION", "NONE")], "out/x", fields);
        small.options.max_file_size = 1;
        small.options.header = true;
        small.options.include_query_id = true;
        let small = Arc::new(small);
        let mut unloader = Unloader::new(Arc::clone(&small), 2, None);
        let large =
            Batch::new(vec![texts(&[Some("1"); 100_000]), texts(&[Some("x"); 100_000])], 100_000);
        unloader.write(&large)?;
        unloader.write(&batch)?;
        let names: Vec<String> = unloader.finish()?.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["out/x_q1_2_0_0.csv", "out/x_q1_2_0_1.csv"]);
        assert!(text_of(&*small.stage, "out/x_q1_2_0_1.csv").starts_with("N,T\n1,"));
        Ok(())
    }

    #[test]
    fn parquet_written_is_parquet_read() -> Result<()> {
        use crate::format::parquet::ParquetFile;
        use crate::format::{ColumnsPlan, WantedColumn};
        use crate::options::ParquetOptions;
        use crate::row_error::LoadTarget;
        let money = SqlType::number(12, 2);
        let fields = vec![Field::new("A", money), Field::new("B", SqlType::TIMESTAMP_NTZ)];
        let plan = Arc::new(plan(&[("TYPE", "PARQUET")], "p", fields));
        let number = Value::Number(Decimal { unscaled: -1234, scale: 2 });
        let time = Value::Timestamp(1_700_000_000_123_456_789);
        let columns = vec![
            Column::from_values(money, [&number, &Value::Null])?,
            Column::from_values(SqlType::TIMESTAMP_NTZ, [&Value::Null, &time])?,
        ];
        let mut unloader = Unloader::new(Arc::clone(&plan), 0, Some("d=1".to_owned()));
        unloader.write(&Batch::new(columns, 2))?;
        let files = unloader.finish()?;
        assert_eq!(files[0].name, "p/d=1/data_q1_0_0_0.snappy.parquet");
        let file = plan.stage.find(&files[0].name)?.unwrap();
        let options = ParquetOptions::default();
        let parquet = ParquetFile::open(Arc::clone(&plan.stage), &file, &options)?;
        let names: Vec<&str> = parquet.schema().fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["_COL_0", "_COL_1"]);
        let wanted = ["_COL_1", "_COL_0"]
            .map(|name| WantedColumn { name: name.to_owned(), case_sensitive: true });
        let read = Arc::new(ColumnsPlan::columns(wanted.to_vec(), LoadTarget::default()));
        assert_eq!(parquet.types(&read), [Some(SqlType::TIMESTAMP_NTZ), Some(money)]);
        parquet.next_chunk()?.unwrap().parse(&read, |batch| {
            assert_eq!(batch.batch.column(0).value(1, SqlType::TIMESTAMP_NTZ), time);
            assert_eq!(batch.batch.column(1).value(0, money), number);
            assert!(batch.batch.column(1).is_null(1));
            Ok(())
        })?;
        assert_eq!(CsvOptions::default().compression, Compression::Auto);
        Ok(())
    }
}
