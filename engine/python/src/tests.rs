//! What SQL cannot reach: cancelation from another thread, calls from several at once, processes that are gone.
//!
//! They need an interpreter, as `FIRN_PYTHON` names it or `python3` of the PATH; without one they say so and end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use firn_column::Column;
use firn_functions::{Call, ForeignFunction, ForeignReturns, FunctionContext, Volatility};
use firn_types::{Cancel, Code, ErrorCode, Handler, Language, Result, SqlType, Value};
use rustix::process::{Pid, Signal, kill_process};

use crate::{Interpreter, InterpreterChoice, Python};

fn interpreter() -> Option<Arc<Interpreter>> {
    let found = Arc::new(Interpreter::new(InterpreterChoice::OfEnvironment));
    if found.program().is_err() {
        eprintln!("skipped: there is no python3");
        return None;
    }
    Some(found)
}

fn function(body: &str) -> Arc<ForeignFunction> {
    let handler = Handler { name: "f".to_string(), ..Handler::default() };
    Arc::new(ForeignFunction {
        name: "F".to_string(),
        code: Code {
            language: Language::Python,
            body: body.to_string(),
            handler: Some(Arc::new(handler)),
        },
        parameters: vec![("A".to_string(), SqlType::Float)],
        returns: ForeignReturns::Value(SqlType::Float),
        aggregate: false,
        strict: false,
        volatility: Volatility::Volatile,
    })
}

fn statement(interpreter: &Arc<Interpreter>, cancel: &Cancel) -> Python {
    Python::new(interpreter, 1, cancel.clone(), Box::new(|_, _| Ok(())))
}

fn call(code: &Python, function: &Arc<ForeignFunction>, values: &[f64]) -> Result<Vec<Value>> {
    let context = FunctionContext::default();
    let values: Vec<Value> = values.iter().map(|value| Value::Float(*value)).collect();
    let rows = values.len();
    let call =
        Call { rows, returns: SqlType::Float, arguments: &[SqlType::Float], context: &context };
    let answers = code.call(function, &call, &[Column::from_values(SqlType::Float, &values)?])?;
    Ok((0..rows).map(|row| answers.value(row, SqlType::Float)).collect())
}

#[test]
fn a_canceled_statement_ends_its_code_at_once() {
    let Some(interpreter) = interpreter() else { return };
    let cancel = Cancel::default();
    let code = statement(&interpreter, &cancel);
    let quick = function("def f(a): return a");
    call(&code, &quick, &[1.0]).expect("a number");
    let canceler = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        cancel.cancel();
        Instant::now()
    });
    // Neither an exception nor a signal that it handles ends it.
    let endless = function(
        "import signal\n\
         signal.signal(signal.SIGTERM, lambda *_: None)\n\
         def f(a):\n  while True:\n    try:\n      while True: pass\n    except BaseException: pass",
    );
    let error = call(&code, &endless, &[1.0]).expect_err("it is canceled");
    let canceled = canceler.join().expect("no panic");
    assert_eq!(error.code(), ErrorCode::Canceled);
    assert!(canceled.elapsed() < Duration::from_millis(250), "{:?}", canceled.elapsed());
}

#[test]
fn threads_call_one_function_at_once() {
    let Some(interpreter) = interpreter() else { return };
    let code = statement(&interpreter, &Cancel::default());
    let twice = function("def f(a):\n  global last\n  last = a * 2\n  return last");
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (code, twice) = (&code, &twice);
            scope.spawn(move || {
                for round in 0..20 {
                    let value = f64::from(thread * 1000 + round);
                    let answers = call(code, twice, &[value, value + 0.5]).expect("numbers");
                    let expected = [Value::Float(value * 2.0), Value::Float(value * 2.0 + 1.0)];
                    assert_eq!(answers, expected);
                }
            });
        }
    });
}

const COUNTS: &str = "n = 0\n\
    def f(a):\n  global n\n  n += 1\n  if a < 0: raise ValueError('x')\n  return n";

#[test]
fn a_process_in_which_a_call_has_failed_is_left_behind() {
    let Some(interpreter) = interpreter() else { return };
    let code = statement(&interpreter, &Cancel::default());
    let counts = function(COUNTS);
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(1.0)]);
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(2.0)]);
    call(&code, &counts, &[-1.0]).expect_err("it throws");
    assert_eq!(call(&code, &counts, &[1.0]).expect("a number"), [Value::Float(1.0)]);
}

#[test]
fn a_process_waits_for_the_next_statement_and_its_code_runs_anew() {
    let Some(interpreter) = interpreter() else { return };
    let process = function(
        "import os\nn = 0\ndef f(a):\n  global n\n  n += 1\n  return os.getpid() + n / 10",
    );
    let ask = |session| {
        let cancel = Cancel::default();
        let code = Python::new(&interpreter, session, cancel, Box::new(|_, _| Ok(())));
        call(&code, &process, &[1.0]).expect("a number")
    };
    let first = ask(1);
    assert_eq!(ask(1), first);
    assert_ne!(ask(2), first);
    interpreter.forget(1);
    assert_ne!(ask(1), first);
}

#[test]
fn a_process_that_is_killed_from_outside_is_an_error_and_leaves_nothing() {
    let Some(interpreter) = interpreter() else { return };
    let code = statement(&interpreter, &Cancel::default());
    let folder = tempfile::tempdir().expect("a folder");
    let (process, beats) = (folder.path().join("process"), folder.path().join("beats"));
    let asleep = function(&format!(
        "import os, subprocess, time\n\
         def f(a):\n  subprocess.Popen(['sh', '-c', 'while :; do echo >> {beats}; sleep 0.02; done'])\n  \
         while not os.path.exists('{beats}'): time.sleep(0.01)\n  \
         with open('{process}.new', 'w') as file: file.write(str(os.getpid()))\n  \
         os.rename('{process}.new', '{process}')\n  time.sleep(60)\n  return a",
        beats = beats.display(),
        process = process.display(),
    ));
    let killer = std::thread::spawn(move || {
        let process = loop {
            match std::fs::read_to_string(&process) {
                Ok(process) => break process,
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let process = process.parse().ok().and_then(Pid::from_raw).expect("a process");
        kill_process(process, Signal::KILL).expect("it is there");
    });
    let error = call(&code, &asleep, &[1.0]).expect_err("it is killed");
    killer.join().expect("no panic");
    assert_eq!(error.code(), ErrorCode::PythonExecution);
    assert_eq!(
        error.detail(),
        "Python Interpreter Error:\nThe process of the function has ended with signal 9\n in function F with handler f"
    );
    // What its code has started has ended with it.
    let size = || std::fs::metadata(&beats).expect("a file").len();
    let before = size();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(size(), before);
    let next = call(&code, &function("def f(a): return a"), &[2.0]).expect("a number");
    assert_eq!(next, [Value::Float(2.0)]);
}

#[test]
fn what_code_writes_into_pipes_is_no_answer() {
    let Some(interpreter) = interpreter() else { return };
    let code = statement(&interpreter, &Cancel::default());
    for written in ["b'\\x05\\0\\0\\0Rxxxx'", "b'\\xff\\xff\\xff\\xff'", "b'\\x01\\0\\0\\0?'"] {
        let writes = function(&format!(
            "import os\n\
             def f(a):\n  for fd in range(3, 20):\n    try: os.write(fd, {written})\n    except OSError: pass\n  return a"
        ));
        call(&code, &writes, &[1.0]).expect_err("it is no answer");
    }
}

#[test]
fn there_is_an_error_without_an_interpreter() {
    let at = |choice| {
        let interpreter = Arc::new(Interpreter::new(choice));
        let code = statement(&interpreter, &Cancel::default());
        let error =
            call(&code, &function("def f(a): return a"), &[1.0]).expect_err("there is none");
        error.detail().to_string()
    };
    let missing = at(InterpreterChoice::At("/nowhere/python3".into()));
    assert_eq!(
        missing,
        "There is no Python at '/nowhere/python3', which the option --python names."
    );
    assert!(at(InterpreterChoice::Off).contains("switches it on with the option --python"));
}
