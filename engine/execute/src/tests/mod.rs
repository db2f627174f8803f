//! Plans that need more than one operator.

mod aggregate;
mod join;
mod scan;
mod sort;
mod window;

use firn_column::Batch;
use firn_plan::{
    CteRef, Filter, Generate, Limit, Plan, Project, ProjectItem, RecursiveCte, Sample, SampleSize,
    SetOperation, SetOperator, Values, With,
};
use firn_types::scan_predicate::Comparison;
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::operator::Flow;
use crate::testing::{Row, Test, WAYS, add, column, compare, int, literal, rows};

const INTEGER: SqlType = SqlType::INTEGER;

fn numbers(count: i64) -> Vec<Row> {
    (0..count).map(|n| vec![int(n), int(n % 10)]).collect()
}

fn limit(input: Plan, skip: u64, fetch: u64) -> Plan {
    Plan::Limit(Limit { input: Box::new(input), skip, fetch: Some(fetch) })
}

#[test]
fn filter_project_and_limit_keep_the_order_with_any_number_of_threads() -> Result<()> {
    let mut test = Test::default();
    let table = test.table(&[INTEGER, INTEGER], &numbers(1000), 7);
    let condition = compare(column(&table, 1), Comparison::Less, literal(3));
    let sum = add(column(&table, 0), literal(1));
    let filter = Plan::Filter(Filter { input: Box::new(table), conditions: vec![condition] });
    let out = test.fresh(INTEGER);
    let items = vec![ProjectItem { id: out.id, name: out.name, expr: sum }];
    let project = Plan::Project(Project { input: Box::new(filter), items });
    let plan = limit(project, 5, 100);
    let all = (0..1000).filter(|n| n % 10 < 3).map(|n| vec![int(n + 1)]);
    let expected: Vec<Row> = all.skip(5).take(100).collect();
    for (threads, memory) in WAYS {
        assert_eq!(test.run(&plan, threads, memory)?, expected);
    }
    Ok(())
}

#[test]
fn values_and_union_all_stream_in_order() -> Result<()> {
    let mut test = Test::default();
    let table = test.table(&[INTEGER, INTEGER], &numbers(20), 3);
    let columns = vec![test.fresh(INTEGER), test.fresh(INTEGER)];
    let values_rows = vec![vec![literal(100), add(literal(1), literal(2))]];
    let values = Plan::Values(Values { columns, rows: values_rows.into() });
    let columns = vec![test.fresh(INTEGER), test.fresh(INTEGER)];
    let inputs = vec![table, values];
    let plan =
        Plan::SetOperation(SetOperation { operator: SetOperator::UnionAll, inputs, columns });
    let mut expected = numbers(20);
    expected.push(vec![int(100), int(3)]);
    for (threads, memory) in WAYS {
        assert_eq!(test.run(&plan, threads, memory)?, expected);
    }
    Ok(())
}

#[test]
fn intersect_and_except_give_different_rows_and_null_is_null() -> Result<()> {
    let null = firn_types::Value::Null;
    let left: Vec<Row> = vec![
        vec![int(1), int(1)],
        vec![int(1), int(1)],
        vec![null.clone(), int(2)],
        vec![int(3), null.clone()],
        vec![int(4), int(4)],
        vec![int(4), int(4)],
    ];
    let right: Vec<Row> =
        vec![vec![null.clone(), int(2)], vec![int(1), int(1)], vec![int(1), int(1)]];
    for (operator, expected) in [
        (SetOperator::Intersect, vec![left[0].clone(), left[2].clone()]),
        (SetOperator::Except, vec![left[3].clone(), left[4].clone()]),
    ] {
        let mut test = Test::default();
        let inputs =
            vec![test.table(&[INTEGER; 2], &left, 2), test.table(&[INTEGER; 2], &right, 2)];
        let columns = vec![test.fresh(INTEGER), test.fresh(INTEGER)];
        let plan = Plan::SetOperation(SetOperation { operator, inputs, columns });
        for (threads, memory) in WAYS {
            let answer = crate::testing::sorted(test.run(&plan, threads, memory)?);
            assert!(answer == crate::testing::sorted(expected.clone()), "{operator:?} {threads}");
        }
    }
    Ok(())
}

#[test]
fn a_cte_is_computed_once_and_a_recursive_one_until_it_gives_nothing() -> Result<()> {
    let mut test = Test::default();
    let table = test.table(&[INTEGER, INTEGER], &numbers(10), 4);
    let refs = [(); 2]
        .map(|()| CteRef { cte: 1, columns: vec![test.fresh(INTEGER), test.fresh(INTEGER)] });
    let columns = vec![test.fresh(INTEGER), test.fresh(INTEGER)];
    let inputs = refs.into_iter().map(Plan::CteRef).collect();
    let both = SetOperation { operator: SetOperator::UnionAll, inputs, columns };
    let body = Box::new(Plan::SetOperation(both));
    let plan = Plan::With(Box::new(With { cte: 1, definition: Box::new(table), body }));
    let twice: Vec<Row> = [numbers(10), numbers(10)].concat();
    assert_eq!(test.run(&plan, 2, usize::MAX)?, twice);
    let from_disk = crate::testing::sorted(test.run(&plan, 2, 60)?);
    assert_eq!(from_disk, crate::testing::sorted(twice));

    let first = test.fresh(INTEGER);
    let anchor = Plan::Values(Values { columns: vec![first], rows: vec![vec![literal(1)]].into() });
    let last = Plan::CteRef(CteRef { cte: 2, columns: vec![test.fresh(INTEGER)] });
    let condition = compare(column(&last, 0), Comparison::Less, literal(50));
    let sum = add(column(&last, 0), literal(1));
    let filter = Plan::Filter(Filter { input: Box::new(last), conditions: vec![condition] });
    let next = test.fresh(INTEGER);
    let items = vec![ProjectItem { id: next.id, name: next.name, expr: sum }];
    let step = Plan::Project(Project { input: Box::new(filter), items });
    let columns = vec![test.fresh(INTEGER)];
    let (anchor, step) = (Box::new(anchor), Box::new(step));
    let plan = Plan::RecursiveCte(Box::new(RecursiveCte { cte: 2, anchor, step, columns }));
    let expected: Vec<Row> = (1..=50).map(|n| vec![int(n)]).collect();
    assert_eq!(test.run(&plan, 2, usize::MAX)?, expected);
    Ok(())
}

#[test]
fn samples_depend_on_the_seed_and_not_on_the_threads() -> Result<()> {
    let mut test = Test::default();
    let table = test.table(&[INTEGER, INTEGER], &numbers(5000), 100);
    for size in [SampleSize::Percent(20.0), SampleSize::Rows(300)] {
        let sample = Sample { input: Box::new(table.clone()), size, seed: Some(7) };
        let plan = Plan::Sample(sample);
        let one = crate::testing::sorted(test.run(&plan, 1, usize::MAX)?);
        assert_eq!(one, crate::testing::sorted(test.run(&plan, 4, usize::MAX)?));
        match size {
            SampleSize::Rows(rows) => assert_eq!(one.len() as u64, rows),
            SampleSize::Percent(_) => assert!((850..1150).contains(&one.len()), "{}", one.len()),
        }
    }
    Ok(())
}

#[test]
fn rows_without_columns_are_counted_and_errors_and_cancels_end_the_statement() -> Result<()> {
    let test = Test::default();
    let plan = Plan::Generate(Generate { rows: 1_000_000 });
    let context = test.context(3, usize::MAX);
    let batches = crate::execute(&plan, &[], &context)?;
    assert_eq!(batches.iter().map(Batch::rows).sum::<usize>(), 1_000_000);
    let mut seen = 0;
    let mut stop_early = |batch: Batch| {
        seen += batch.rows();
        Ok(if seen > 100 { Flow::Stop } else { Flow::Continue })
    };
    crate::execute_ordered(&plan, &[], &context, &mut stop_early)?;
    assert_eq!(seen, firn_types::limits::BATCH_ROWS);
    let mut fail = |_: Batch| Err(Error::internal("as wanted"));
    let error = crate::execute_ordered(&plan, &[], &context, &mut fail).unwrap_err();
    assert_eq!(error.detail(), "as wanted");
    context.monitor.cancel.cancel();
    let error = crate::execute(&plan, &[], &context).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Canceled);
    Ok(())
}

#[test]
fn the_ordered_form_gives_the_order_and_the_profile_counts() -> Result<()> {
    let mut test = Test::default();
    let table = test.table(&[INTEGER, INTEGER], &numbers(1000), 7);
    let context = test.context(4, usize::MAX);
    let columns = table.columns();
    let ids: Vec<_> = columns.iter().map(|column| column.id).collect();
    let mut batches = Vec::new();
    crate::execute_ordered(&table, &ids, &context, &mut |batch| {
        batches.push(batch);
        Ok(Flow::Continue)
    })?;
    assert_eq!(rows(&batches, &columns), numbers(1000));
    let scan = &context.profile.operators()[1];
    assert_eq!(scan.rows_out.load(std::sync::atomic::Ordering::Relaxed), 1000);
    Ok(())
}
