//! What the tests of this crate share: plans over literal batches, and contexts of all sizes.

use std::collections::HashMap;
use std::sync::Arc;

use firn_column::{Batch, Column, PhysicalType};
use firn_expression::Expr;
use firn_functions::{Arity, Documentation, Kernel, ScalarBinding, ScalarFunction};
use firn_plan::{Plan, PlanColumn, VirtualScan, VirtualSource};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Error, Result, SqlType, Value};

use crate::WorkerPool;
use crate::context::{QueryContext, VirtualRows, VirtualTables};
use crate::memory::MemoryBudget;

/// A row of values.
pub(crate) type Row = Vec<Value>;

/// Tables of literal batches, by name.
#[derive(Default)]
pub(crate) struct Tables(HashMap<String, Vec<Batch>>);

impl VirtualTables for Tables {
    fn scan(&self, source: &VirtualSource) -> Result<VirtualRows> {
        match source {
            VirtualSource::Result { query_id } => {
                Ok(VirtualRows::Batches(self.0[query_id].clone()))
            }
            _ => Err(Error::internal("no such table")),
        }
    }
}

/// Literal tables for plans, and how they are run.
#[derive(Default)]
pub(crate) struct Test {
    tables: Tables,
    columns: HashMap<ColumnId, SqlType>,
    next: u32,
}

impl Test {
    /// A table of these rows in batches of `batch_rows`; every second batch is wider than it must be.
    pub(crate) fn table(&mut self, types: &[SqlType], rows: &[Row], batch_rows: usize) -> Plan {
        let batches = rows.chunks(batch_rows.max(1)).enumerate().map(|(number, rows)| {
            let columns = types.iter().enumerate().map(|(position, sql_type)| {
                let values = rows.iter().map(|row| &row[position]);
                let column = Column::from_values(*sql_type, values).unwrap();
                match column {
                    Column::Flat(array) if number % 2 == 1 => {
                        Column::Flat(array.widened(PhysicalType::I64))
                    }
                    other => other,
                }
            });
            Batch::new(columns.collect(), rows.len())
        });
        let name = format!("t{}", self.tables.0.len());
        self.tables.0.insert(name.clone(), batches.collect());
        let columns: Vec<PlanColumn> = types.iter().map(|t| self.fresh(*t)).collect();
        let positions = (0..types.len()).collect();
        let source = VirtualSource::Result { query_id: name };
        Plan::VirtualScan(VirtualScan { source, columns, positions })
    }

    /// A new column.
    pub(crate) fn fresh(&mut self, sql_type: SqlType) -> PlanColumn {
        self.next += 1;
        let id = ColumnId(self.next);
        self.columns.insert(id, sql_type);
        PlanColumn { id, name: format!("C{}", self.next), sql_type, nullable: true }
    }

    /// The plan's rows with a pool of `threads` and `memory_bytes`.
    pub(crate) fn run(&self, plan: &Plan, threads: usize, memory_bytes: usize) -> Result<Vec<Row>> {
        let context = self.context(threads, memory_bytes);
        let columns = plan.columns();
        let output: Vec<ColumnId> = columns.iter().map(|column| column.id).collect();
        let batches = crate::execute(plan, &output, &context)?;
        assert_eq!(context.memory.used_bytes(), 0, "memory that was not given back");
        Ok(rows(&batches, &columns))
    }

    pub(crate) fn context(&self, threads: usize, memory_bytes: usize) -> QueryContext {
        let pool = WorkerPool::start(threads).unwrap();
        let budget = MemoryBudget::new(memory_bytes);
        let mut context = QueryContext::new(Arc::new(pool), budget);
        context.tables = Arc::new(Tables(self.tables.0.clone()));
        context
    }
}

/// The rows of batches.
pub(crate) fn rows(batches: &[Batch], columns: &[PlanColumn]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.rows() {
            let value = |(i, c): (usize, &PlanColumn)| batch.column(i).value(row, c.sql_type);
            rows.push(columns.iter().enumerate().map(value).collect());
        }
    }
    rows
}

/// Rows in some order that is always the same, for comparing.
pub(crate) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_cached_key(|row| format!("{row:?}"));
    rows
}

/// Every way to run a plan: threads and memory.
pub(crate) const WAYS: [(usize, usize); 4] =
    [(1, usize::MAX), (4, usize::MAX), (1, 20_000), (4, 20_000)];

pub(crate) fn int(value: i64) -> Value {
    Value::integer(value)
}

/// A column of the plan as an expression.
pub(crate) fn column(plan: &Plan, position: usize) -> Expr {
    plan.columns()[position].expr()
}

/// A comparison of a column with a whole number.
pub(crate) fn compare(left: Expr, operator: Comparison, right: Expr) -> Expr {
    Expr::Compare { operator, left: Box::new(left), right: Box::new(right) }
}

pub(crate) fn literal(value: i64) -> Expr {
    Expr::Literal { value: int(value), sql_type: SqlType::INTEGER }
}

/// The sum of two whole numbers, small ones.
pub(crate) fn add(left: Expr, right: Expr) -> Expr {
    let signature = ADD.resolve(Vec::new()).unwrap();
    Expr::Call { function: &ADD, signature, arguments: vec![left, right] }
}

static ADD: ScalarFunction = ScalarFunction::new(
    "TEST_ADD",
    Arity::exactly(2),
    |_| {
        let integer = SqlType::INTEGER;
        ScalarBinding::new(
            vec![integer, integer],
            integer,
            Kernel::propagating(|call, columns| {
                let values: Vec<Value> = (0..call.rows)
                    .map(|row| {
                        match [0, 1].map(|c: usize| columns[c].value(row, SqlType::INTEGER)) {
                            [Value::Number(a), Value::Number(b)] => {
                                Value::integer(a.unscaled + b.unscaled)
                            }
                            _ => Value::Null,
                        }
                    })
                    .collect();
                Column::from_values(SqlType::INTEGER, &values)
            }),
        )
    },
    Documentation::of("Test", "", &[]),
);

/// Numbers that look random and are always the same.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// A whole number below `bound`, now and then NULL.
    pub(crate) fn value(&mut self, bound: u64) -> Value {
        match self.below(12) {
            0 => Value::Null,
            _ => int(self.below(bound) as i64),
        }
    }
}
