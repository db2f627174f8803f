//! What statements become: what is easily got wrong.

use firn_types::{Identifier, ObjectName};

use super::super::ast::{
    AlterTableAction, Argument, BinaryOperator, ConstraintKind, CopySource, ExprKind, FrameBound,
    GroupBy, GroupItem, InsertSource, JoinConstraint, JoinKind, LikePattern, Literal, Name,
    OptionValue, OrderBy, PathStep, PivotValues, Quantifier, QueryBody, SelectItemKind,
    SetOperator, ShowKind, ShowScope, StageKind, Statement, TableKind, TableSource, TimePoint,
    TypeArgument, Window,
};
use super::super::{parse_object_name, parse_type};
use super::{expr, query, select, sources, statement, table};

fn name(parts: &[&str]) -> ObjectName {
    ObjectName { parts: parts.iter().map(|part| Identifier::exact(*part)).collect() }
}

fn plain(parts: &[&str]) -> Name {
    Name::Plain(name(parts))
}

/// An expression as a prefix form, to see what binds to what.
fn shape(text: &str) -> String {
    fn write(expr: &super::Expr) -> String {
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                format!("({} {} {})", write(left), op.symbol(), write(right))
            }
            ExprKind::Unary(op, operand) => format!("({op:?} {})", write(operand)),
            ExprKind::Cast { operand, to, .. } => format!("({}::{})", write(operand), to.name),
            ExprKind::Path(root, steps) => format!("({}:{})", write(root), steps.len()),
            ExprKind::Column(name) => name.to_string(),
            ExprKind::Literal(Literal::Number(digits)) => digits.to_string(),
            ExprKind::Position(qualifier, position) => match qualifier {
                Some(qualifier) => format!("{qualifier}.${position}"),
                None => format!("${position}"),
            },
            ExprKind::Like { operand, pattern: LikePattern::One(pattern), .. } => {
                format!("({} like {})", write(operand), write(pattern))
            }
            ExprKind::Between { operand, low, high, .. } => {
                format!("({} between {} {})", write(operand), write(low), write(high))
            }
            ExprKind::IsNull { operand, .. } => format!("({} null)", write(operand)),
            other => format!("{other:?}"),
        }
    }
    write(&expr(text))
}

#[test]
fn operators_bind_as_in_snowflake() {
    for (text, expected) in [
        ("-1::varchar", "(Minus (1::VARCHAR))"),
        ("v:a.b[0]::int", "((V:3)::INT)"),
        ("v:a:b:c", "(V:3)"),
        ("t.$1:a", "(T.$1:1)"),
        ("not a = b and c or d", "(((Not (A = B)) AND C) OR D)"),
        ("a or b and c", "(A OR (B AND C))"),
        ("a + b * c - d", "((A + (B * C)) - D)"),
        ("a like b || c", "(A like (B || C))"),
        ("a between 1 and 2 and b", "((A between 1 2) AND B)"),
        ("a = b is null", "((A = B) null)"),
        ("a - -1", "(A - (Minus 1))"),
        ("a.b", "A.B"),
        ("\"a\".B", "a.B"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn strings_and_names_are_read_by_snowflakes_rules() {
    assert_eq!(expr(r"'\u26c4 \x41 \101 \q'").as_text(), Some("\u{26c4} A A q"));
    assert_eq!(expr(r"$$a\n'b'$$").as_text(), Some(r"a\n'b'"));
    assert_eq!(expr("größe").kind, ExprKind::Column(name(&["GRÖSSE"])));
    assert_eq!(expr("\"a\"\"b\"").kind, ExprKind::Column(name(&["a\"b"])));
    assert_eq!(expr("X'0aFF'").kind, ExprKind::Literal(Literal::Binary(vec![10, 255].into())));
    assert_eq!(parse_object_name("db..\"x y\"").unwrap(), name(&["DB", "", "x y"]));
    assert!(parse_object_name("a b").is_err());
    assert!(parse_object_name("a.").is_err());
}

#[test]
fn paths_keep_their_keys_as_written() {
    let ExprKind::Path(root, steps) = expr("src:Loan.\"a b\"[0]['k']").kind else {
        panic!("no path")
    };
    assert_eq!(root.kind, ExprKind::Column(name(&["SRC"])));
    let keys: Vec<String> = steps
        .iter()
        .map(|step| match step {
            PathStep::Field(key) => key.name.clone(),
            PathStep::Index(index) => format!("{:?}", index.kind),
        })
        .collect();
    assert_eq!(keys[..2], ["Loan", "a b"]);
    assert!(keys[2].contains('0') && keys[3].contains('k'));
}

#[test]
fn like_all_and_any_are_lists() {
    for (text, quantifier, count) in [
        ("a like all ('x', 'y')", Quantifier::All, 2),
        ("a not ilike any ('x')", Quantifier::Any, 1),
    ] {
        let ExprKind::Like { pattern: LikePattern::Many(found, patterns), .. } = expr(text).kind
        else {
            panic!("{text}")
        };
        assert_eq!((found, patterns.len()), (quantifier, count), "{text}");
    }
}

#[test]
fn structured_types_keep_their_fields() {
    let of = parse_type("object(a int, b array(varchar) not null)").unwrap();
    assert_eq!(of.name, "OBJECT");
    let [TypeArgument::Field(a, int, false), TypeArgument::Field(b, array, true)] =
        &of.arguments[..]
    else {
        panic!("{of:?}")
    };
    assert_eq!(
        (a.as_str(), int.name.as_str(), b.as_str(), array.name.as_str()),
        ("a", "INT", "b", "ARRAY")
    );
    assert_eq!(
        parse_type("timestamp(3) with local time zone").unwrap().name,
        "TIMESTAMP WITH LOCAL TIME ZONE"
    );
    assert_eq!(
        parse_type("number(38, 0)").unwrap().arguments,
        [TypeArgument::Number(38), TypeArgument::Number(0)]
    );
    assert!(parse_type("int int").is_err());
}

#[test]
fn headers_are_the_source_text_of_items() {
    assert_eq!(
        sources("select 'Sample', a+1, x:\"Loan Number\", (b) , c is distinct from d, -e from t"),
        ["'Sample'", "a+1", "x:\"Loan Number\"", "(b)", "c is distinct from d", "-e"]
    );
    assert_eq!(
        sources("select distinct top 3 count( * ), sum(a) over (order by b), f(1,2) order by 1"),
        ["count( * )", "sum(a) over (order by b)", "f(1,2)"]
    );
    assert_eq!(
        sources("select t.limit, listagg(a) within group (order by a) from t"),
        ["t.limit", "listagg(a) within group (order by a)"]
    );
    assert_eq!(
        sources("select case when a then 1 end, {'a': 1}, [1,2][0]"),
        ["case when a then 1 end", "{'a': 1}", "[1,2][0]"]
    );
    assert_eq!(sources("select top (5) a /* x */, from t"), ["a"]);
}

#[test]
fn expressions_know_their_place() {
    for (text, source) in [
        ("f(a, b)", "f(a, b)"),
        (" a + f(b) ", "a + f(b)"),
        ("cast(a as int)", "cast(a as int)"),
        ("a::number(1, 2)", "a::number(1, 2)"),
        ("- x", "- x"),
        ("case a when b then c end", "case a when b then c end"),
        ("extract(year from d)", "extract(year from d)"),
        ("date '2020-01-01'", "date '2020-01-01'"),
        ("interval '5' day", "interval '5' day"),
        ("é.b", "é.b"),
        (":name", ":name"),
    ] {
        assert_eq!(expr(text).span.of(text), source, "{text}");
    }
    let ExprKind::Interval(value, unit) = expr("interval '5' day").kind else { panic!() };
    assert_eq!((&*value, unit.as_deref()), ("5", Some("DAY")));
}

#[test]
fn calls() {
    let ExprKind::Function(call) = expr("first_value(distinct a ignore nulls) over w").kind else {
        panic!()
    };
    assert!(call.distinct && call.nulls.is_some());
    assert_eq!(call.over, Some(Window::Named(Identifier::exact("W"))));
    let ExprKind::Function(call) = expr("f(a => 1)").kind else { panic!() };
    assert!(
        matches!(&call.arguments[..], [Argument { name: Some(name), .. }] if name.as_str() == "A")
    );
    let ExprKind::Function(call) = expr("identifier('f')(1)").kind else { panic!() };
    assert!(matches!(call.name, Name::Identifier(_)));
    assert!(matches!(expr("identifier('c')").kind, ExprKind::Identifier(_)));
    let ExprKind::Function(call) = expr("sum(a) over (order by b rows 2 preceding)").kind else {
        panic!()
    };
    let Some(Window::Spec(spec)) = call.over else { panic!() };
    let frame = spec.frame.unwrap();
    assert!(matches!(frame.start, FrameBound::Preceding(_)));
    assert_eq!(frame.end, FrameBound::CurrentRow);
    let ExprKind::Function(call) = expr("trim(a, 'x')").kind else { panic!() };
    assert_eq!((call.name, call.arguments.len()), (plain(&["TRIM"]), 2));
}

#[test]
fn set_operations_are_chains() {
    let QueryBody::SetOperation(outer) =
        query("select 1 union all select 2 union all select 3 minus select 4 intersect select 5")
            .body
    else {
        panic!()
    };
    assert_eq!((outer.operator, outer.branches.len()), (SetOperator::Except, 2));
    let QueryBody::SetOperation(union) = &outer.branches[0] else { panic!() };
    assert_eq!((union.operator, union.all, union.branches.len()), (SetOperator::Union, true, 3));
    let QueryBody::SetOperation(inner) = &outer.branches[1] else { panic!() };
    assert_eq!(inner.operator, SetOperator::Intersect);
}

#[test]
fn groupings() {
    let Some(GroupBy::Items(items)) =
        select("select 1 from t group by a, rollup (b, (c, d)), ()").group_by
    else {
        panic!()
    };
    assert!(matches!(items[0], GroupItem::Expr(_)));
    assert!(
        matches!(&items[1], GroupItem::Rollup(sets, _) if sets.len() == 2 && sets[1].len() == 2)
    );
    assert!(matches!(&items[2], GroupItem::Sets(sets, _) if sets.len() == 1 && sets[0].is_empty()));
    assert!(matches!(select("select a from t group by all").group_by, Some(GroupBy::All(_))));
    assert!(select("select a from t").group_by.is_none());
    let order_by = query("select a from t order by all desc nulls last").order_by;
    assert!(matches!(
        order_by,
        Some(OrderBy::All { descending: true, nulls_first: Some(false), .. })
    ));
}

#[test]
fn sources_of_rows() {
    let TableKind::Table { at: Some(at), .. } =
        table("select * from t before (statement => 'x') y").kind
    else {
        panic!()
    };
    assert!(at.before && matches!(at.point, TimePoint::Statement(_)));
    let staged = table("select $1 from @db.s.st/a/b.csv (file_format => 'f', pattern => 'p') x");
    let TableKind::Stage { location, options } = staged.kind else { panic!() };
    assert_eq!(location.kind, StageKind::Named(name(&["DB", "S", "ST"])));
    assert_eq!(location.path, "a/b.csv");
    assert_eq!(options[0].name, "FILE_FORMAT");
    assert_eq!(options[0].value, OptionValue::Text("f".to_string()));
    assert_eq!(staged.alias.unwrap().name.as_str(), "X");
    assert_eq!(select("select * from @s, t").from.len(), 2);
    assert!(matches!(
        table("select * from table($x)").kind,
        TableKind::Table { name: Name::Identifier(_), .. }
    ));
    assert!(matches!(table("select * from table(f(1))").kind, TableKind::Function(_)));
    assert!(
        matches!(table("select * from values (1), (2) t").kind, TableKind::Values(v) if v.rows.len() == 2)
    );
    let TableKind::Pivot(pivot) =
        table("select * from t pivot (sum(a) as s for q in ('x', 'y' as z))").kind
    else {
        panic!()
    };
    assert!(matches!(pivot.values, PivotValues::List(values) if values.len() == 2));
    let TableKind::Join(join) = table("select * from a natural left join b").kind else { panic!() };
    assert_eq!((join.kind, join.constraint), (JoinKind::Left, JoinConstraint::Natural));
    let SelectItemKind::Star(star) =
        &select("select t.* exclude (a, b) rename c as d from t").items[0].kind
    else {
        panic!()
    };
    assert_eq!((star.exclude.len(), star.rename.len()), (2, 1));
    assert_eq!(star.qualifier, Some(name(&["T"])));
}

#[test]
fn statements_that_sqlparser_gets_wrong() {
    let Statement::CreateTable(create) = statement("create or alter table t (a int)") else {
        panic!()
    };
    assert!(create.mode.or_alter && !create.mode.or_replace);
    let Statement::Show(show) = statement("show warehouses like 'x%'") else { panic!() };
    assert_eq!(show.like.as_deref(), Some("x%"));
    assert_eq!(show.kind, ShowKind::Objects(super::super::ast::ObjectKind::Warehouse));
    let Statement::Show(show) =
        statement("show tables in schema d.s starts with 'A' limit 3 from 'B'")
    else {
        panic!()
    };
    assert_eq!(show.scope, Some(ShowScope::Schema(Some(plain(&["D", "S"])))));
    assert_eq!((show.limit, show.from.as_deref()), (Some(3), Some("B")));
    assert!(matches!(statement("copy into '@s/x' from t"), Statement::CopyIntoLocation(_)));
    let Statement::Put(put) = statement("put file:///tmp/a*.csv @~/x auto_compress=false") else {
        panic!()
    };
    assert_eq!(put.path, "/tmp/a*.csv");
    assert_eq!(put.options[0].value, OptionValue::Boolean(false));
    let Statement::List(list) = statement("list @~;") else { panic!() };
    assert_eq!(list.location.kind, StageKind::User);
}

#[test]
fn columns_and_constraints() {
    let text = "create table t (a int default 1 + 2 not null primary key, b int as (a + 1), \
                constraint u unique (a, b) rely) cluster by (a, to_date(b)) comment = 'x'";
    let Statement::CreateTable(create) = statement(text) else { panic!() };
    assert_eq!(create.columns[0].default.as_ref().unwrap().span.of(text), "1 + 2");
    assert!(create.columns[0].not_null && create.columns[1].computed.is_some());
    assert!(
        matches!(&create.constraints[0].kind, ConstraintKind::PrimaryKey(c) if c[0].as_str() == "A")
    );
    assert_eq!(create.constraints[1].rely, Some(true));
    assert_eq!(create.cluster_by[1].span.of(text), "to_date(b)");
    assert_eq!(create.options[0].name, "COMMENT");
    let text = "create table t (a int default x is not null, b int)";
    let Statement::CreateTable(create) = statement(text) else { panic!() };
    assert!(!create.columns[0].not_null);
    let text = "create table t (a int) as\n select 1 -- one\n + 1; ";
    let Statement::CreateTable(create) = statement(text) else { panic!() };
    let TableSource::Query(_, span) = create.source else { panic!() };
    assert_eq!(span.of(text), "select 1 -- one\n + 1");
    let text = "alter table t add column a int not null, b int";
    let Statement::AlterTable(alter) = statement(text) else { panic!() };
    assert!(
        matches!(alter.action, AlterTableAction::AddColumns { columns, .. } if columns.len() == 2)
    );
}

#[test]
fn options_of_every_shape() {
    let text = "copy into t from (select $1 from @s/x) file_format = (type = csv null_if = ('', 'x') skip_header = 1) \
                on_error = 'skip_file' force = true size_limit = -1 files = ('a') f = a.b w = X-SMALL";
    let Statement::CopyIntoTable(copy) = statement(text) else { panic!() };
    assert!(matches!(copy.source, Some(CopySource::Query(_))));
    let value = |name: &str| &copy.options.iter().find(|option| option.name == name).unwrap().value;
    let OptionValue::Nested(format) = value("FILE_FORMAT") else { panic!() };
    assert_eq!(format[0].value, OptionValue::Word("csv".to_string()));
    assert!(matches!(&format[1].value, OptionValue::List(list) if list.len() == 2));
    assert_eq!(format[2].span.of(text), "skip_header = 1");
    assert_eq!(value("ON_ERROR"), &OptionValue::Text("skip_file".to_string()));
    assert_eq!(value("FORCE"), &OptionValue::Boolean(true));
    assert_eq!(value("SIZE_LIMIT"), &OptionValue::Number("-1".to_string()));
    assert_eq!(value("F"), &OptionValue::Name(name(&["A", "B"])));
    assert_eq!(value("W"), &OptionValue::Word("X-SMALL".to_string()));
}

#[test]
fn rows_of_an_insert() {
    let text = "insert into t (a, b) values (1, -2), (f(x), 'y')";
    let Statement::Insert(insert) = statement(text) else { panic!() };
    let InsertSource::Values(values) = insert.source else { panic!() };
    assert_eq!(values.rows[0][1].span.of(text), "-2");
    assert_eq!(values.rows[1][0].span.of(text), "f(x)");
    assert_eq!(insert.columns.len(), 2);
    assert!(matches!(&expr("a + 1").kind, ExprKind::Binary(BinaryOperator::Add, ..)));
}

#[test]
fn question_marks_of_patterns_are_no_places_for_values() {
    let text = "select ? from t match_recognize (pattern ((a? b)?) define a as x = ?) where y = ?";
    let found = crate::question_marks(text);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|mark| text.as_bytes()[*mark as usize] == b'?'));
    assert_eq!(crate::question_marks("select pattern(?), ? from t").len(), 2);
}
