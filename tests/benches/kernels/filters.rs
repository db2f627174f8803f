//! Which rows pass a condition.

use std::collections::HashMap;
use std::fmt;
use std::hint::black_box;

use divan::Bencher;
use divan::counter::ItemsCount;
use firn_column::{Batch, Column};
use firn_expression::Expr;
use firn_expression::Predicate;
use firn_functions::Argument;
use firn_functions::context::FunctionContext;
use firn_functions::registry::{self, Function};
use firn_types::scan_predicate::Comparison;
use firn_types::{ColumnId, SqlType, Value};

use crate::data::{ROWS, integers, texts};

fn column(sql_type: SqlType) -> Expr {
    Expr::Column { id: ColumnId(0), sql_type, nullable: false }
}

fn less(limit: i64) -> Expr {
    let sql_type = SqlType::INTEGER;
    let value = Value::integer(limit);
    let (left, right) = (Box::new(column(sql_type)), Box::new(Expr::Literal { value, sql_type }));
    Expr::Compare { operator: Comparison::Less, left, right }
}

fn like(pattern: &str) -> Expr {
    let Some(Function::Scalar(function)) = registry::find("LIKE") else {
        panic!("LIKE is a scalar function");
    };
    let value = Value::text(pattern);
    let constant = Argument { constant: Some(value.clone()), ..Argument::of(SqlType::TEXT) };
    let given = vec![Argument::of(SqlType::TEXT), constant];
    let signature = function.resolve(given).expect("two texts");
    let pattern = Expr::Literal { value, sql_type: SqlType::TEXT };
    Expr::Call { function, signature, arguments: vec![column(SqlType::TEXT), pattern] }
}

/// A condition on the column that it is asked of.
struct Case {
    name: &'static str,
    condition: fn() -> Expr,
    column: fn() -> Vec<Column>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const CASES: [Case; 5] = [
    Case { name: "1 of 100 integers", condition: || less(1), column: || integers(100, 0) },
    Case { name: "half of integers", condition: || less(50), column: || integers(100, 0) },
    Case { name: "LIKE 'prefix%'", condition: || like("special%"), column: || texts(1 << 20) },
    Case { name: "LIKE '%middle%'", condition: || like("%requests%"), column: || texts(1 << 20) },
    Case {
        name: "LIKE '%two%parts%'",
        condition: || like("%special%requests%"),
        column: || texts(1 << 20),
    },
];

/// Finding the rows for which a condition is TRUE.
#[divan::bench(args = CASES, sample_count = 50)]
fn filter(bencher: Bencher<'_, '_>, case: &Case) {
    let layout = HashMap::from([(ColumnId(0), 0)]);
    let predicate = Predicate::compile(&(case.condition)(), &layout).expect("column 0 is there");
    let batches = (case.column)().into_iter().map(|column| {
        let rows = column.len();
        Batch::new(vec![column], rows)
    });
    let batches: Vec<Batch> = batches.collect();
    let context = FunctionContext::default();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for batch in &batches {
            black_box(predicate.select(batch, &context).expect("no row fails"));
        }
    });
}
