//! Evaluation, selection and folding of small expressions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_column::{Array, Batch, Column};
use firn_functions::registry::{Function, find};
use firn_functions::{Argument, FunctionContext};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, Decimal, ErrorCode, Result, SqlType, Value};

use super::{Evaluator, Expr, Predicate};

const TWO: SqlType = SqlType::Number { precision: 10, scale: 2 };

fn column(id: u32, sql_type: SqlType) -> Expr {
    Expr::Column { id: ColumnId(id), sql_type, nullable: true }
}

fn integer(value: i64) -> Expr {
    Expr::Literal { value: Value::integer(value), sql_type: SqlType::number(10, 0) }
}

fn text(value: &str) -> Expr {
    Expr::Literal { value: Value::text(value), sql_type: SqlType::TEXT }
}

fn call(name: &str, arguments: Vec<Expr>) -> Result<Expr> {
    let Some(Function::Scalar(function)) = find(name) else { panic!("no function {name}") };
    let types: Vec<Argument> = arguments.iter().map(|a| Argument::of(a.sql_type())).collect();
    let signature = function.resolve(types)?;
    let arguments = arguments.into_iter().zip(&signature.arguments).map(|(input, &to)| {
        match input.sql_type() == to {
            true => input,
            false => Expr::Cast { input: Box::new(input), to, lenient: false },
        }
    });
    let arguments = arguments.collect();
    Ok(Expr::Call { function, arguments, signature })
}

fn compare(operator: Comparison, left: Expr, right: Expr) -> Expr {
    Expr::Compare { operator, left: Box::new(left), right: Box::new(right) }
}

/// Columns 0: 0, 1, NULL, 3, 4, ...; 1: 'a', 'b', 'a', ... as a dictionary; 2: NUMBER(10,2) row / 4.
fn batch(rows: usize) -> Batch {
    let numbers = (0..rows as i32).map(|n| (n != 2).then_some(n));
    let values = Arc::new(Array::Text(vec![Some("a"), Some("b")].into_iter().collect()));
    let codes = UInt32Array::from_iter_values((0..rows as u32).map(|n| n % 2));
    let prices = (0..rows as i64).map(|n| Some(n * 25));
    let columns = vec![
        Column::Flat(Array::I32(numbers.collect())),
        Column::Dictionary { codes, values },
        Column::Flat(Array::I64(prices.collect())),
    ];
    Batch::new(columns, rows)
}

fn layout() -> HashMap<ColumnId, usize> {
    (0..3).map(|id| (ColumnId(id), id as usize)).collect()
}

fn evaluate(expr: &Expr, rows: usize) -> Result<Vec<Value>> {
    let evaluator = Evaluator::compile(std::slice::from_ref(expr), &layout())?;
    let context = FunctionContext { made_bytes_max: 4 << 20, ..FunctionContext::default() };
    let columns = evaluator.evaluate(&batch(rows), &context)?;
    Ok((0..rows).map(|row| columns[0].value(row, expr.sql_type())).collect())
}

fn decimals(unscaled: &[i128], scale: u8) -> Vec<Value> {
    unscaled.iter().map(|&unscaled| Value::Number(Decimal { unscaled, scale })).collect()
}

fn number() -> Expr {
    column(0, SqlType::number(10, 0))
}

fn case(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let sql_type = branches[0].1.sql_type();
    Expr::Case { branches, otherwise: otherwise.map(Box::new), sql_type }
}

#[test]
fn arithmetic_has_snowflakes_scales() -> Result<()> {
    let price = column(2, TWO);
    let discounted = call("*", vec![price.clone(), call("-", vec![integer(1), price.clone()])?])?;
    assert_eq!(discounted.sql_type().scale(), 4);
    assert_eq!(evaluate(&discounted, 3)?, decimals(&[0, 1875, 2500], 4));
    let third = call("/", vec![price.clone(), integer(3)])?;
    assert_eq!(third.sql_type().scale(), 8);
    assert_eq!(evaluate(&third, 3)?, decimals(&[0, 8_333_333, 16_666_667], 8));
    let rest = call("%", vec![call("NEGATE", vec![price])?, integer(1)])?;
    assert_eq!(evaluate(&rest, 3)?, decimals(&[0, -25, -50], 2));
    let both = call("||", vec![column(1, SqlType::TEXT), text("!")])?;
    assert_eq!(evaluate(&both, 2)?, [Value::text("a!"), Value::text("b!")]);
    Ok(())
}

#[test]
fn later_operands_of_and_or_case_and_coalesce_fail_only_for_rows_that_need_them() -> Result<()> {
    let risky = call("/", vec![integer(12), number()])?;
    let nonzero = compare(Comparison::NotEqual, number(), integer(0));
    let large = Expr::Compare {
        operator: Comparison::Greater,
        left: Box::new(risky.clone()),
        right: Box::new(Expr::Cast {
            input: Box::new(integer(5)),
            to: risky.sql_type(),
            lenient: false,
        }),
    };
    let boolean = Value::Boolean;
    let and = Expr::And(vec![nonzero.clone(), large.clone()]);
    let expected = [boolean(false), boolean(true), Value::Null, boolean(false)];
    assert_eq!(evaluate(&and, 4)?, expected);
    let zero = compare(Comparison::Equal, number(), integer(0));
    let or = Expr::Or(vec![zero.clone(), large.clone()]);
    let expected = [boolean(true), boolean(true), Value::Null, boolean(false)];
    assert_eq!(evaluate(&or, 4)?, expected);
    assert_eq!(evaluate(&large, 4).unwrap_err().code(), ErrorCode::DivisionByZero);

    let guarded = case(vec![(nonzero, risky.clone())], None);
    let answers = evaluate(&guarded, 4)?;
    assert_eq!(answers[1..], evaluate_rows(&risky, 1..4)?);
    assert_eq!(answers[0], Value::Null);

    let first = case(
        vec![(
            zero,
            Expr::Cast { input: Box::new(integer(7)), to: risky.sql_type(), lenient: false },
        )],
        None,
    );
    let coalesce =
        Expr::Coalesce { sql_type: risky.sql_type(), operands: vec![first, risky.clone()] };
    let answers = evaluate(&coalesce, 4)?;
    assert_eq!(answers[1..], evaluate_rows(&risky, 1..4)?);
    assert_eq!(answers[0], Value::Number(Decimal { unscaled: 7_000_000, scale: 6 }));
    Ok(())
}

/// The values for some rows of the batch, computed from those rows alone.
fn evaluate_rows(expr: &Expr, rows: std::ops::Range<usize>) -> Result<Vec<Value>> {
    let evaluator = Evaluator::compile(std::slice::from_ref(expr), &layout())?;
    let part = batch(rows.end).slice(rows.start, rows.len());
    let columns = evaluator.evaluate(&part, &FunctionContext::default())?;
    Ok((0..rows.len()).map(|row| columns[0].value(row, expr.sql_type())).collect())
}

#[test]
fn a_case_of_constants_gives_each_row_its_branch() -> Result<()> {
    let small = compare(Comparison::Less, number(), integer(1));
    let medium = compare(Comparison::Less, number(), integer(4));
    let texts = case(
        vec![(small.clone(), text("small")), (medium.clone(), text("medium"))],
        Some(text("large")),
    );
    let expected = ["small", "medium", "large", "medium", "large"].map(Value::text);
    assert_eq!(evaluate(&texts, 5)?, expected);
    let numbers =
        case(vec![(small, integer(1)), (medium, Expr::null(integer(1).sql_type()))], None);
    let null = Value::Null;
    let expected = [Value::integer(1), null.clone(), null.clone(), null.clone(), null];
    assert_eq!(evaluate(&numbers, 5)?, expected);
    Ok(())
}

#[test]
fn equal_parts_are_one_node_and_volatile_ones_are_not() -> Result<()> {
    let sum = || call("+", vec![number(), integer(1)]);
    let twice = [call("*", vec![sum()?, sum()?])?, sum()?];
    let evaluator = Evaluator::compile(&twice, &layout())?;
    assert_eq!(evaluator.nodes.len(), 4, "{:?}", evaluator.nodes);
    if find("RANDOM").is_some() {
        let random = [call("RANDOM", vec![])?, call("RANDOM", vec![])?];
        assert_eq!(Evaluator::compile(&random, &layout())?.nodes.len(), 2);
    }
    Ok(())
}

#[test]
fn a_selection_is_the_rows_for_which_every_conjunct_is_true() -> Result<()> {
    let rows = 1000;
    let nonzero = compare(Comparison::NotEqual, number(), integer(0));
    let risky = call("%", vec![integer(840), number()])?;
    let divides = compare(Comparison::Equal, risky, integer(0));
    let is_b = compare(Comparison::Equal, column(1, SqlType::TEXT), text("b"));
    let few = compare(Comparison::Less, number(), integer(8));
    for (condition, expected) in [
        (vec![divides.clone(), nonzero.clone(), is_b.clone()], vec![1, 3, 5, 7, 15, 21, 35, 105]),
        (vec![few.clone(), divides.clone(), nonzero], vec![1, 3, 4, 5, 6, 7]),
        (vec![few.clone(), is_b], vec![1, 3, 5, 7]),
        (vec![Expr::boolean(false), few.clone()], vec![]),
        (vec![few], vec![0, 1, 3, 4, 5, 6, 7]),
    ] {
        let predicate = Predicate::compile(&Expr::And(condition), &layout())?;
        let selection = predicate.select(&batch(rows), &FunctionContext::default())?;
        let got: Vec<u32> = selection.positions(rows).values().to_vec();
        assert_eq!(got, expected);
        assert_eq!(batch(rows).select(&selection).rows(), expected.len());
    }
    let predicate = Predicate::compile(&divides, &layout())?;
    assert!(predicate.select(&batch(rows), &FunctionContext::default()).is_err());
    Ok(())
}

#[test]
fn constants_are_folded_and_their_errors_left_for_the_rows() -> Result<()> {
    let context = FunctionContext::default();
    let three = call("+", vec![integer(1), integer(2)])?;
    let condition = compare(Comparison::Less, number(), three.clone());
    let folded = Expr::And(vec![Expr::boolean(true), condition]).folded(&context);
    let Expr::Compare { right, .. } = &folded else { panic!("{folded}") };
    assert_eq!(right.as_literal(), Some(&Value::integer(3)));
    let error = call("/", vec![integer(1), integer(0)])?;
    assert!(error.clone().folded(&context).as_literal().is_none());
    let guarded = case(
        vec![
            (Expr::boolean(false), error.clone()),
            (Expr::boolean(true), Expr::null(error.sql_type())),
        ],
        Some(error),
    );
    assert_eq!(guarded.folded(&context).as_literal(), Some(&Value::Null));
    Ok(())
}

#[test]
fn the_form_of_columns_changes_no_answer() -> Result<()> {
    let rows = 70;
    let price = column(2, TWO);
    let is_b = compare(Comparison::Equal, column(1, SqlType::TEXT), text("b"));
    let small = compare(Comparison::LessOrEqual, number(), integer(40));
    let product = call("*", vec![price.clone(), number()])?;
    let exprs = [
        call("+", vec![product.clone(), call("/", vec![price, integer(7)])?])?,
        Expr::And(vec![
            is_b.clone(),
            small.clone(),
            Expr::Not(Box::new(Expr::IsNull(Box::new(number())))),
        ]),
        Expr::Or(vec![small.clone(), is_b.clone()]),
        case(
            vec![
                (is_b.clone(), product.clone()),
                (small.clone(), call("-", vec![product.clone(), integer(1)])?),
            ],
            None,
        ),
        case(vec![(small, text("x")), (is_b, column(1, SqlType::TEXT))], Some(text("z"))),
        Expr::Coalesce { operands: vec![number(), integer(-1)], sql_type: integer(0).sql_type() },
        Expr::InList {
            input: Box::new(number()),
            list: Arc::new([1, 5, 64, 1 << 40].map(|n: i64| Value::integer(n)).to_vec()),
        },
        call("||", vec![column(1, SqlType::TEXT), column(1, SqlType::TEXT)])?,
    ];
    let evaluator = Evaluator::compile(&exprs, &layout())?;
    let context = FunctionContext::default();
    let plain = evaluator.evaluate(&batch(rows), &context)?;
    let predicate = Predicate::compile(&exprs[1], &layout())?;
    let passing = predicate.select(&batch(rows), &context)?.positions(rows);
    for seed in 0..60 {
        let scrambled = firn_column::vary_forms::vary_forms(&batch(rows), seed);
        let answers = evaluator.evaluate(&scrambled, &context)?;
        for (expr, (answer, plain)) in exprs.iter().zip(answers.iter().zip(&plain)) {
            for row in 0..rows {
                let sql_type = expr.sql_type();
                assert_eq!(answer.value(row, sql_type), plain.value(row, sql_type), "{expr}");
            }
        }
        let selection = predicate.select(&scrambled, &context)?;
        assert_eq!(selection.positions(rows), passing);
    }
    Ok(())
}

#[test]
fn what_is_too_much_for_all_rows_is_computed_in_halves() -> Result<()> {
    // 16 rows of up to 1 MiB each, of which a function may make 4 MiB at a time in tests.
    let large = call("REPEAT", vec![text("x"), integer(1 << 20)])?;
    let rows = call("CONCAT", vec![large.clone(), call("TO_VARCHAR", vec![number()])?])?;
    let lengths = evaluate(&call("LENGTH", vec![rows])?, 16)?;
    assert_eq!(lengths[2], Value::Null);
    assert_eq!(lengths[3], Value::integer((1 << 20) + 1));
    assert_eq!(lengths[10], Value::integer((1 << 20) + 2));
    let larger = call("REPEAT", vec![large, integer(5)])?;
    let error = evaluate(&larger, 1).err().map(|error| error.code());
    assert_eq!(error, Some(ErrorCode::OutOfMemory));
    Ok(())
}
