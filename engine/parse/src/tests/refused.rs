//! What must not parse, and where the error points.

use firn_types::ErrorCode;

use super::super::split::split_script;
use super::parse_statement;

/// The rendered error's last line.
fn message(text: &str) -> String {
    match parse_statement(text) {
        Ok(statement) => panic!("parses: {text}\n{statement:?}"),
        Err(error) => {
            let rendered = error.render(text);
            rendered.lines().last().unwrap_or_default().to_string()
        }
    }
}

#[test]
fn syntax_errors_point_at_the_token() {
    for (text, expected) in [
        ("selec 1", "syntax error line 1 at position 0 unexpected 'selec'."),
        ("SELEC * FROM t", "syntax error line 1 at position 0 unexpected 'SELEC'."),
        ("select 1 from", "syntax error line 1 at position 13 unexpected '<EOF>'."),
        ("select a,, b from t", "syntax error line 1 at position 9 unexpected ','."),
        ("select a\nfrom t\nwher b", "syntax error line 3 at position 5 unexpected 'b'."),
        ("select (1 + from t", "syntax error line 1 at position 12 unexpected 'from'."),
        ("select * from (select a frm t b)", "syntax error line 1 at position 28 unexpected 't'."),
        (
            "select * from t where a in (select b from (select c fro u v) x)",
            "syntax error line 1 at position 56 unexpected 'u'.",
        ),
        ("select 1 +", "syntax error line 1 at position 10 unexpected '<EOF>'."),
        ("select case when a thn b end", "syntax error line 1 at position 19 unexpected 'thn'."),
        ("select a from t limit 1, 2", "syntax error line 1 at position 23 unexpected ','."),
        (
            "select a from t cross join u on a = b",
            "syntax error line 1 at position 29 unexpected 'on'.",
        ),
        ("select trim(both 'x' from a)", "syntax error line 1 at position 12 unexpected 'both'."),
        ("select 'a' 'b'", "syntax error line 1 at position 11 unexpected ''b''."),
        ("select 1; select 2", "syntax error line 1 at position 10 unexpected 'select'."),
        ("select 'abc", "syntax error line 1 at position 7 unexpected ''abc'."),
        ("select é, # from t", "syntax error line 1 at position 10 unexpected '#'."),
        ("create table t (a int,)", "syntax error line 1 at position 22 unexpected ')'."),
        ("create table t (a)", "syntax error line 1 at position 18 unexpected '<EOF>'."),
        ("create table select (a int)", "syntax error line 1 at position 13 unexpected 'select'."),
        ("insert t values (1)", "syntax error line 1 at position 7 unexpected 't'."),
        ("insert into t values (1, 2", "syntax error line 1 at position 26 unexpected '<EOF>'."),
        ("insert into t values (1,, 2)", "syntax error line 1 at position 24 unexpected ','."),
        ("insert into t values (1 +), (2)", "syntax error line 1 at position 25 unexpected ')'."),
        ("insert into t values (1) x", "syntax error line 1 at position 25 unexpected 'x'."),
        (
            "insert into t values (1); select",
            "syntax error line 1 at position 26 unexpected 'select'.",
        ),
        (
            "copy into t from @s file_format (type = csv)",
            "syntax error line 1 at position 20 unexpected 'file_format'.",
        ),
        ("select a in () from t", "syntax error line 1 at position 13 unexpected ')'."),
        ("show foo bar", "syntax error line 1 at position 5 unexpected 'foo'."),
        ("drop table", "syntax error line 1 at position 10 unexpected '<EOF>'."),
        ("grant select table t to r", "syntax error line 1 at position 21 unexpected 'to'."),
        (
            "select sum(a) filter (where b) from t",
            "syntax error line 1 at position 21 unexpected '('.",
        ),
        ("select;", "SELECT with no columns"),
        ("select from t", "SELECT with no columns"),
        ("select a from t limit -1", "syntax error line 1 at position 22 unexpected '-'."),
        ("", "syntax error line 1 at position 0 unexpected '<EOF>'."),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_done_is_named() {
    for (text, feature) in [
        (
            "create function f(a float) returns float language java as 'x'",
            "CREATE FUNCTION .. LANGUAGE JAVA",
        ),
        (
            "create or replace function f() returns int language scala handler = 'f' as $$x$$",
            "CREATE FUNCTION .. LANGUAGE SCALA",
        ),
        (
            "create external function f(a int) returns int as 'https://x'",
            "CREATE EXTERNAL FUNCTION",
        ),
        (
            "create procedure p() returns int language scala as $$ x $$",
            "CREATE PROCEDURE .. LANGUAGE SCALA",
        ),
        ("create hybrid table t (a int)", "CREATE HYBRID TABLE"),
        ("create join policy p as () returns join_constraint -> 1", "CREATE JOIN POLICY"),
        ("alter table t set join policy p", "JOIN POLICY"),
        ("alter user u set authentication policy p", "AUTHENTICATION POLICY"),
        ("alter table t add search optimization", "SEARCH OPTIMIZATION"),
        ("select * from hybrid_t for update", "FOR UPDATE"),
    ] {
        let error = parse_statement(text).expect_err(text);
        assert_eq!(error.code(), ErrorCode::UnsupportedFeature, "{text}: {error}");
        assert_eq!(error.detail(), format!("Unsupported feature '{feature}'."), "{text}");
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    let texts = [
        "select a, b:c[0]::int, 'x''y' from t at (offset => -1) x, @st/p (pattern => 'x') where a in (1, 2)",
        "create table t (a int default 1 not null, b varchar comment 'x') cluster by (a) as select 1, 2",
        "merge into t using s on t.a = s.a when matched and a then update set b = 1 when not matched then insert values (1)",
        "insert into t (a) values (1, 'x', -2), (f(1), (select 1), {'a': 1})",
        "copy into t from (select $1 from @s) file_format = (type = csv x = ('a', 'b')) files = ('é')",
        "declare x int default 1; e exception (-20001, 'x'); c cursor for select 1; begin let y := :x; if (x > 1) then x := 2; elseif (y = 1) then return table(c); end if; for i in reverse 1 to 3 do select a into :x from t; end for; case (x) when 1 then null; end case; exception when e or other then raise; end",
        "create or replace procedure p(a int default 1) returns table (b int) language sql execute as caller as begin call q(:a) into :b; execute immediate 'x' using (a); end",
        "alter table t add column a int, b int; show terse tables like 'x' in schema s limit 5",
    ];
    for text in texts {
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for (index, cut) in cuts.iter().enumerate() {
            let _ = parse_statement(&text[..*cut]);
            let _ = parse_statement(&text[*cut..]);
            split_script(&text[*cut..]);
            // One character left out.
            let next = cuts.get(index + 1).copied().unwrap_or(text.len());
            let _ = parse_statement(&format!("{}{}", &text[..*cut], &text[next..]));
        }
    }
}
