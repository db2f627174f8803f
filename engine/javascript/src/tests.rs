//! What SQL cannot reach: cancelation from another thread, and calls from several at once.

use std::sync::Arc;
use std::time::Duration;

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignReturns, FunctionContext, Volatility};
use firn_types::{Cancel, Code, ErrorCode, Language, Result, SqlType, Value};

use crate::JavaScript;

fn function(body: &str) -> Arc<ForeignFunction> {
    Arc::new(ForeignFunction {
        name: "F".to_string(),
        code: Code { language: Language::JavaScript, body: body.to_string(), handler: None },
        parameters: vec![("A".to_string(), SqlType::Float)],
        returns: ForeignReturns::Value(SqlType::Float),
        aggregate: false,
        strict: false,
        volatility: Volatility::Volatile,
    })
}

fn call(code: &JavaScript, function: &Arc<ForeignFunction>, values: &[f64]) -> Result<Vec<Value>> {
    let context = FunctionContext::default();
    let values: Vec<Value> = values.iter().map(|value| Value::Float(*value)).collect();
    let rows = values.len();
    let call =
        Call { rows, returns: SqlType::Float, arguments: &[SqlType::Float], context: &context };
    let answers = code.call(function, &call, &[Column::from_values(SqlType::Float, &values)?])?;
    Ok((0..rows).map(|row| answers.value(row, SqlType::Float)).collect())
}

#[test]
fn a_canceled_statement_ends_its_code() {
    let cancel = Cancel::default();
    let code = JavaScript::new(cancel.clone());
    let canceler = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        cancel.cancel();
    });
    let endless = function("while (true) { try { for (;;); } catch (error) { continue; } }");
    let error = call(&code, &endless, &[1.0]).expect_err("it is canceled");
    assert_eq!(error.code(), ErrorCode::Canceled);
    canceler.join().expect("no panic");
}

#[test]
fn threads_call_one_function_at_once() {
    let code = JavaScript::new(Cancel::default());
    let twice = function("var b = A * 2; last = b; return last;");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (code, twice) = (&code, &twice);
            scope.spawn(move || {
                for round in 0..50 {
                    let value = f64::from(thread * 1000 + round);
                    let answers = call(code, twice, &[value, value + 0.5]).expect("numbers");
                    let expected = [Value::Float(value * 2.0), Value::Float(value * 2.0 + 1.0)];
                    assert_eq!(answers, expected);
                }
            });
        }
    });
}

#[test]
fn an_isolate_in_which_a_call_has_failed_is_left_behind() {
    let code = JavaScript::new(Cancel::default());
    let counts = function(
        "if (typeof n === 'undefined') n = 0; n++; if (A < 0) throw new Error('x'); return n;",
    );
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(1.0)]);
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(2.0)]);
    call(&code, &counts, &[-1.0]).expect_err("it throws");
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(1.0)]);
}
