//! Deep and long texts.

use super::super::ast::{Expr, ExprKind, InsertSource, Statement};
use super::{expr, parse_expression, parse_statement, statement};

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let n = 20_000;
    for (open, close) in [
        ("(", ")"),
        ("f(", ")"),
        ("[", "]"),
        ("not ", ""),
        ("- ", ""),
        ("case when 1 then ", " end"),
        ("cast(", " as int)"),
        ("(select ", ")"),
        ("{'a':", "}"),
    ] {
        let text = format!("select {}1{}", open.repeat(n), close.repeat(n));
        assert!(parse_statement(&text).is_err(), "{open}");
    }
    for (text, tail) in [("select * from ", " x"), ("", "select 1")] {
        let text = format!("{text}{}{tail}{}", "(".repeat(n), ")".repeat(n));
        assert!(parse_statement(&text).is_err());
    }
    for link in ["::int", " is null", "[0]", " + 1", " union select 1 union all select 2"] {
        let text = format!("select 1{}", link.repeat(n));
        let _ = parse_statement(&text);
        let _ = parse_statement(&format!("{text} )"));
    }
    // A parenthesis in FROM may begin several things; trying them all may not take forever.
    let text = format!("select * from {}t{}", "(".repeat(100), ")".repeat(100));
    statement(&text);
    assert!(parse_statement(&text.replace("t)", "t t t)")).is_err());
    let joins = format!("select * from t {}", "join t on true ".repeat(n));
    assert!(parse_statement(&joins).is_err());
    let options = format!("create stage s file_format = {}{}", "(".repeat(n), ")".repeat(n));
    assert!(parse_statement(&options).is_err());
    statement(&format!("{}select 1", "create task t as ".repeat(3)));
    for within in ["create task t as ", "create alert a if (exists (select 1)) then "] {
        let error = parse_statement(&format!("{}select 1", within.repeat(100))).unwrap_err();
        assert!(error.to_string().contains("stand in 8 others"), "{error}");
    }
}

#[test]
fn ordinary_nesting_is_fine() {
    for depth in [7, 8, 20, 60, 150] {
        let text = format!("{}1{}", "(1 + ".repeat(depth), ")".repeat(depth));
        expr(&text);
        let text = format!(
            "select * from {}t{}",
            "(select * from ".repeat(depth / 3),
            ")".repeat(depth / 3)
        );
        statement(&text);
    }
}

fn depth(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::Binary(_, left, right) => 1 + depth(left).max(depth(right)),
        _ => 1,
    }
}

#[test]
fn long_chains_become_balanced_trees() {
    for operator in [" or ", " and ", " || "] {
        let text = vec!["a = 1"; 20_000].join(operator);
        let text = if operator == " || " { text.replace(" = 1", "") } else { text };
        let expr = parse_expression(&text).unwrap();
        assert!(depth(&expr) < 20, "{operator}: {}", depth(&expr));
    }
    assert_eq!(depth(&expr("a or b or c or d")), 4);
    let unions = vec!["select 1"; 3_000].join(" union all ");
    statement(&unions);
    let list = vec!["1"; 50_000].join(", ");
    statement(&format!("select 1 in ({list})"));
}

#[test]
fn many_rows_are_read_from_the_text() {
    let row = "(1, 'it''s', -2.5, null, true, current_date(), $$x$$, default)";
    let rows = vec![row; 2_000].join(",\n");
    let Statement::Insert(insert) = statement(&format!("insert into t values {rows};")) else {
        panic!("no INSERT");
    };
    let InsertSource::Values(values) = insert.source else { panic!("no VALUES") };
    assert_eq!(values.rows.len(), 2_000);
    assert!(values.rows.iter().all(|row| row.len() == 8));
    assert_eq!(values.rows[1_999][1].as_text(), Some("it's"));
    assert_eq!(values.rows[3][7].kind, ExprKind::Default);
}
