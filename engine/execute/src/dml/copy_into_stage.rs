//! COPY INTO a stage: rows to files, each worker its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::UInt32Array;
use firn_column::Batch;
use firn_expression::Evaluator;
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_column};
use firn_loader::format::RowForm;
use firn_loader::options::{FileFormat, FormatDefinition, UnloadOptions, from_plan};
use firn_loader::stage::SharedStage;
use firn_loader::unload::{NULL_PARTITION, UnloadPlan, UnloadedFile, Unloader};
use firn_plan::Plan;
use firn_plan::statement::CopyIntoStage;
use firn_types::{ColumnId, Error, ErrorCode, Result, SqlType, Value};

use super::source::Layout;
use crate::context::{QueryContext, lock};
use crate::operator::Flow;
use crate::run::{BatchSink, BatchWorker, execute_into, execute_ordered};
use crate::staged::output_functions;

/// What an unload wrote.
#[derive(Debug)]
pub struct Unloaded {
    /// The files, by name.
    pub files: Vec<UnloadedFile>,
    /// Whether the result has a row for each file: DETAILED_OUTPUT.
    pub detailed: bool,
}

/// Writes a statement's rows to files of a stage. `query_id` is for the names of files.
///
/// # Errors
/// Those of the source; options that the format does not have; files in the way; columns that the
/// format does not take; a stage that cannot be written.
pub fn copy_into_stage(
    plan: &CopyIntoStage,
    stage: SharedStage,
    query_id: &str,
    context: &QueryContext,
) -> Result<Unloaded> {
    let mut options = UnloadOptions::parse(&from_plan(&plan.options)?)?;
    if options.single && plan.partition_by.is_some() {
        let text = "SINGLE = TRUE and PARTITION BY exclude each other";
        return Err(Error::new(ErrorCode::InvalidParameterValue, text));
    }
    options.include_query_id |= plan.partition_by.is_some();
    let format = FormatDefinition::parse(&from_plan(&plan.format)?)?.typed()?;
    let fields = plan.source.fields();
    check_columns(&format, plan)?;
    let (single, detailed) = (options.single, options.detailed_output);
    let functions = output_functions(&format, context);
    let unload = UnloadPlan {
        stage,
        path: plan.path.clone(),
        format,
        options,
        query_id: query_id.to_string(),
        fields,
    };
    unload.check()?;
    let unloading = Unloading::new(plan, unload, functions)?;
    let source = &plan.source.plan;
    let output = unloading.output(plan);
    if single || is_ordered(source) {
        let mut worker = Worker::new(&unloading, 0);
        execute_ordered(source, &output, context, &mut |batch| {
            worker.write(&batch)?;
            Ok(Flow::Continue)
        })?;
        worker.end()?;
    } else {
        execute_into(source, &output, context, &unloading)?;
    }
    let mut files = unloading.files.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Unloaded { files, detailed })
}

/// Whether the rows' order means something.
fn is_ordered(source: &Plan) -> bool {
    match source {
        Plan::Sort(_) => true,
        Plan::Limit(node) => is_ordered(&node.input),
        Plan::Project(node) => is_ordered(&node.input),
        _ => false,
    }
}

/// JSON files hold one document a row.
fn check_columns(format: &FileFormat, plan: &CopyIntoStage) -> Result<()> {
    let fields = plan.source.fields();
    let single = matches!(&fields[..], [field] if field.sql_type.is_semi_structured());
    if !matches!(format.rows(), RowForm::Documents(_)) || single {
        return Ok(());
    }
    let text = "JSON file format can produce one and only one column of type variant, object, or array. \
                Use CSV file format if you want to unload more than one column.";
    Err(Error::new(ErrorCode::SingleVariantColumn, text))
}

/// What all workers share.
struct Unloading {
    plan: Arc<UnloadPlan>,
    functions: FunctionContext,
    /// Which columns of a batch are written.
    types: Vec<SqlType>,
    /// PARTITION BY.
    partition: Option<Evaluator>,
    /// The columns that only PARTITION BY reads.
    extra: Vec<ColumnId>,
    workers: AtomicUsize,
    files: Mutex<Vec<UnloadedFile>>,
}

impl Unloading {
    fn new(
        plan: &CopyIntoStage,
        unload: UnloadPlan,
        functions: FunctionContext,
    ) -> Result<Unloading> {
        let written = &plan.source.output;
        let mut layout: Layout = Layout::new();
        for (position, column) in written.iter().enumerate() {
            layout.entry(column.id).or_insert(position);
        }
        let mut extra = Vec::new();
        for id in plan.partition_by.iter().flat_map(|expr| expr.columns_used()) {
            layout.entry(id).or_insert_with(|| {
                extra.push(id);
                written.len() + extra.len() - 1
            });
        }
        let by = plan.partition_by.as_ref();
        let compile = |expr| Evaluator::compile(std::slice::from_ref(expr), &layout);
        Ok(Unloading {
            plan: Arc::new(unload),
            functions,
            types: written.iter().map(|column| column.field.sql_type).collect(),
            partition: by.map(compile).transpose()?,
            extra,
            workers: AtomicUsize::new(0),
            files: Mutex::default(),
        })
    }

    /// The columns that batches have.
    fn output(&self, plan: &CopyIntoStage) -> Vec<ColumnId> {
        let written = plan.source.output.iter().map(|column| column.id);
        written.chain(self.extra.iter().copied()).collect()
    }

    /// The columns of a file, in the form in which its writer takes them.
    fn written(&self, batch: &Batch) -> Result<Batch> {
        let texts = matches!(self.plan.format.rows(), RowForm::Fields(_));
        let columns = self.types.iter().enumerate().map(|(position, sql_type)| {
            let column = batch.column(position);
            match texts {
                true => {
                    let mode = CastMode::Strict;
                    cast_column(column, *sql_type, SqlType::TEXT, mode, &self.functions)
                }
                false => Ok(column.clone()),
            }
        });
        Ok(Batch::new(columns.collect::<Result<_>>()?, batch.rows()))
    }

    /// The rows of each value of PARTITION BY.
    fn partitions(&self, by: &Evaluator, batch: &Batch) -> Result<BTreeMap<String, Vec<u32>>> {
        let values = by.evaluate(batch, &self.functions)?;
        let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (row, number) in (0..batch.rows()).zip(0..) {
            let name = match values[0].value(row, SqlType::TEXT) {
                Value::Text(text) => text.to_string(),
                _ => NULL_PARTITION.to_string(),
            };
            rows.entry(name).or_default().push(number);
        }
        Ok(rows)
    }
}

impl BatchSink for Unloading {
    fn worker(&self) -> Result<Box<dyn BatchWorker + '_>> {
        Ok(Box::new(Worker { unloading: self, number: None, unloaders: BTreeMap::new() }))
    }
}

/// One worker with its open files, by partition.
struct Worker<'u> {
    unloading: &'u Unloading,
    /// Its number in the names of files; given with the first row.
    number: Option<usize>,
    unloaders: BTreeMap<Option<String>, Unloader>,
}

impl<'u> Worker<'u> {
    fn new(unloading: &'u Unloading, number: usize) -> Worker<'u> {
        Worker { unloading, number: Some(number), unloaders: BTreeMap::new() }
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let unloading = self.unloading;
        let written = unloading.written(batch)?;
        let Some(by) = &unloading.partition else { return self.write_to(None, &written) };
        for (partition, rows) in unloading.partitions(by, batch)? {
            self.write_to(Some(partition), &written.take(&UInt32Array::from(rows)))?;
        }
        Ok(())
    }

    fn write_to(&mut self, partition: Option<String>, rows: &Batch) -> Result<()> {
        let next = || self.unloading.workers.fetch_add(1, Ordering::Relaxed);
        let number = *self.number.get_or_insert_with(next);
        let plan = &self.unloading.plan;
        let unloader = self
            .unloaders
            .entry(partition)
            .or_insert_with_key(|key| Unloader::new(Arc::clone(plan), number, key.clone()));
        unloader.write(rows)
    }

    fn end(self) -> Result<()> {
        for unloader in self.unloaders.into_values() {
            let files = unloader.finish()?;
            lock(&self.unloading.files).extend(files);
        }
        Ok(())
    }
}

impl BatchWorker for Worker<'_> {
    fn consume(&mut self, batch: Batch) -> Result<Flow> {
        if batch.rows() > 0 {
            self.write(&batch)?;
        }
        Ok(Flow::Continue)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.end()
    }
}
