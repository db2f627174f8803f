//! Scans of stored tables: pruning, late reading, deletes, locators, limits, filters from joins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use firn_account::catalog::{Header, Table, TableColumn};
use firn_column::{Batch, Column};
use firn_functions::Argument;
use firn_functions::registry::{Function, find};
use firn_plan::{
    Aggregate, AggregateCall, Join, JoinKey, JoinKind, Plan, Project, ProjectItem, Scan,
    ScanColumn, Sort, SortKey,
};
use firn_storage::{
    ColumnCache, ObjectAccess, Partition, PartitionWriter, Snapshot, StoredColumn, WriterOptions,
};
use firn_types::scan_predicate::{Comparison, ScanPredicate};
use firn_types::{FieldId, ObjectId, Result, SqlType, Value};

use crate::context::{QueryContext, Storage};
use crate::testing::{Row, Test, column, compare, int, literal, rows, sorted};

const TYPES: [SqlType; 2] = [SqlType::INTEGER, SqlType::TEXT];

struct Stored {
    access: ObjectAccess,
    table: Arc<Table>,
    snapshot: Arc<Snapshot>,
}

fn row(n: i64) -> Row {
    vec![int(n), Value::text(format!("the text of row {}", n % 7))]
}

/// Rows 0 to 999 in partitions of 100 rows and row groups of 20; row 555 is deleted.
fn stored() -> Result<Stored> {
    let access = ObjectAccess::memory();
    let columns = TYPES.iter().map(|t| TableColumn::new("C", *t)).collect();
    let table =
        Table::new(Header::new(ObjectId(1), "T", firn_account::catalog::SYSADMIN, 0), columns);
    let stored: Vec<StoredColumn> = TYPES
        .iter()
        .zip(1..)
        .map(|(t, id)| StoredColumn { field: FieldId(id), name: format!("C{id}"), sql_type: *t })
        .collect();
    let mut partitions = Vec::new();
    for first in (0..1000).step_by(100) {
        let options = WriterOptions { row_group_rows: 20, ..WriterOptions::default() };
        let mut writer = PartitionWriter::new(access.clone(), "data/1", &stored, options);
        let rows: Vec<Row> = (first..first + 100).map(row).collect();
        let column = |c: usize| Column::from_values(TYPES[c], rows.iter().map(|row| &row[c]));
        writer.write(&Batch::new(vec![column(0)?, column(1)?], 100))?;
        partitions.extend(writer.finish()?);
    }
    let deleted = Partition { deleted: Some(Arc::new([55].into())), ..partitions[5].clone() };
    partitions[5] = deleted;
    let partitions = partitions.into_iter().map(Arc::new).collect();
    let (table, snapshot) = (Arc::new(table), Arc::new(Snapshot::new(partitions, 0)));
    Ok(Stored { access, table, snapshot })
}

impl Stored {
    fn scan(&self, test: &mut Test) -> Scan {
        let columns = TYPES.iter().zip(1..).map(|(sql_type, id)| ScanColumn {
            column: test.fresh(*sql_type),
            source: FieldId(id).into(),
        });
        Scan {
            table: Arc::clone(&self.table),
            snapshot: Arc::clone(&self.snapshot),
            qualified_name: "D.S.T".to_string(),
            alias: None,
            columns: columns.collect(),
            conditions: Vec::new(),
            pruning: ScanPredicate::True,
            row_locator: None,
            limit: None,
        }
    }

    fn context(&self, test: &Test) -> QueryContext {
        let mut context = test.context(2, usize::MAX);
        let cache = ColumnCache::new(1 << 20);
        context.storage = Some(Storage { access: self.access.clone(), cache });
        context
    }

    fn run(&self, test: &Test, plan: &Plan) -> Result<(Vec<Row>, QueryContext)> {
        let context = self.context(test);
        let columns = plan.columns();
        let ids: Vec<_> = columns.iter().map(|column| column.id).collect();
        let batches = crate::execute(plan, &ids, &context)?;
        Ok((rows(&batches, &columns), context))
    }
}

/// Partitions that the scan, which is the operator of this name, read.
fn scanned(context: &QueryContext) -> u64 {
    let operators = context.profile.operators();
    let scan = operators.iter().find(|operator| operator.name == "TableScan").unwrap();
    scan.partitions_scanned.load(Ordering::Relaxed)
}

#[test]
fn a_scan_gives_the_rows_that_pass_with_their_addresses() -> Result<()> {
    let stored = stored()?;
    let mut test = Test::default();
    let mut scan = stored.scan(&mut test);
    let (all, context) = stored.run(&test, &Plan::Scan(Box::new(scan.clone())))?;
    let expected: Vec<Row> = (0..1000).filter(|n| *n != 555).map(row).collect();
    assert!(all == expected);
    assert_eq!(scanned(&context), 10);

    let plan = Plan::Scan(Box::new(scan.clone()));
    scan.conditions = vec![compare(column(&plan, 0), Comparison::GreaterOrEqual, literal(540))];
    scan.conditions.push(compare(column(&plan, 0), Comparison::Less, literal(560)));
    let test_of = |operator, value| ScanPredicate::Compare {
        column: FieldId(1).into(),
        operator,
        value: int(value),
    };
    scan.pruning = ScanPredicate::And(vec![
        test_of(Comparison::GreaterOrEqual, 540),
        test_of(Comparison::Less, 560),
    ]);
    scan.row_locator = Some(test.fresh(SqlType::INTEGER).id);
    let (some, context) = stored.run(&test, &Plan::Scan(Box::new(scan)))?;
    let expected = (540..560).filter(|n| *n != 555).map(|n| {
        let mut row = row(n);
        row.push(int((n / 100) << 32 | (n % 100)));
        row
    });
    assert!(some == expected.collect::<Vec<_>>());
    assert_eq!(scanned(&context), 1);
    Ok(())
}

#[test]
fn a_limit_ends_a_scan_and_statistics_answer_without_one() -> Result<()> {
    let stored = stored()?;
    let mut test = Test::default();
    let mut scan = stored.scan(&mut test);
    let plan = Plan::Scan(Box::new(scan.clone()));
    let call = |test: &mut Test, name: &str, arguments: Vec<_>| {
        let Some(Function::Aggregate(function)) = find(name) else { panic!("no {name}") };
        let types: Vec<_> = arguments.iter().map(|_| Argument::of(SqlType::INTEGER)).collect();
        let signature = function.resolve(types).unwrap();
        let id = test.fresh(signature.returns).id;
        let (name, order_by) = (name.to_string(), Vec::new());
        AggregateCall { id, name, function, signature, arguments, distinct: false, order_by }
    };
    let aggregates =
        vec![call(&mut test, "COUNT", vec![]), call(&mut test, "MAX", vec![column(&plan, 0)])];
    // A projection that only passes columns on changes nothing.
    let items = plan.columns().iter().map(ProjectItem::pass).collect();
    let passing = Plan::Project(Project { input: Box::new(plan.clone()), items });
    let aggregate = |aggregates: &[AggregateCall]| {
        Plan::Aggregate(Box::new(Aggregate {
            input: Box::new(passing.clone()),
            groups: Vec::new(),
            grouping_sets: None,
            grouping_id: None,
            aggregates: aggregates.to_vec(),
        }))
    };
    let (count, context) = stored.run(&test, &aggregate(&aggregates[..1]))?;
    assert_eq!(count, vec![vec![int(999)]]);
    assert!(context.profile.operators().iter().all(|operator| operator.name != "TableScan"));
    // With deleted rows the greatest value is not known.
    let (both, context) = stored.run(&test, &aggregate(&aggregates))?;
    assert_eq!(both, vec![vec![int(999), int(999)]]);
    assert_eq!(scanned(&context), 10);

    scan.limit = Some(30);
    let (some, context) = stored.run(&test, &Plan::Scan(Box::new(scan)))?;
    assert!(some.len() >= 30);
    assert_eq!(scanned(&context), 1);
    Ok(())
}

#[test]
fn a_top_n_tells_the_scan_which_rows_come_too_late() -> Result<()> {
    let stored = stored()?;
    for (descending, nulls_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut test = Test::default();
        let scan = Plan::Scan(Box::new(stored.scan(&mut test)));
        let key = SortKey { expr: column(&scan, 0), descending, nulls_first };
        let plan = Plan::Sort(Sort { input: Box::new(scan), keys: vec![key], limit: Some(5) });
        let (first, context) = stored.run(&test, &plan)?;
        let expected: Vec<Row> = match descending {
            true => (995..1000).rev().map(row).collect(),
            false => (0..5).map(row).collect(),
        };
        assert!(first == expected, "{first:?}");
        let operators = context.profile.operators();
        let scan = operators.iter().find(|operator| operator.name == "TableScan").unwrap();
        // Ascending, what comes after the first row groups is not even read.
        assert!(descending || scan.rows_out.load(Ordering::Relaxed) < 100);
    }
    Ok(())
}

#[test]
fn a_join_tells_the_scan_what_it_has_a_use_for() -> Result<()> {
    let stored = stored()?;
    let wanted: Vec<Row> = [300, 310, 399, 400].iter().map(|n| vec![int(*n)]).collect();
    for (right, expected, partitions) in
        [(&wanted[..], &[300, 310, 399, 400][..], 2), (&[], &[], 0)]
    {
        let mut test = Test::default();
        let left = Plan::Scan(Box::new(stored.scan(&mut test)));
        let right = test.table(&[SqlType::INTEGER], right, 10);
        let key =
            JoinKey { left: column(&left, 0), right: column(&right, 0), null_equals_null: false };
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = JoinKind::Semi;
        let join = Join { kind, left, right, keys: vec![key], conditions: Vec::new() };
        let (rows, context) = stored.run(&test, &Plan::Join(Box::new(join)))?;
        assert!(sorted(rows) == sorted(expected.iter().map(|n| row(*n)).collect()));
        assert_eq!(scanned(&context), partitions);
    }
    Ok(())
}
