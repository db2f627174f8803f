//! Statements that read and write rows and files.

use super::{Case, DB, SCHEMA, WH};

/// Statements with the grants that they need.
pub(crate) const STATEMENTS: &[Case] = &[
    // Reading.
    ("SELECT a FROM d.s.t", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    ("SELECT a FROM d.s.v", &[DB, SCHEMA, WH, "SELECT ON VIEW d.s.v"]),
    ("SELECT a FROM d.s.m", &[DB, SCHEMA, WH, "SELECT ON MATERIALIZED VIEW d.s.m"]),
    ("SELECT a FROM d.s.sm", &[DB, SCHEMA, WH, "SELECT ON STREAM d.s.sm", "SELECT ON TABLE d.s.t"]),
    ("SELECT a FROM d.s.dt", &[DB, SCHEMA, WH, "SELECT ON DYNAMIC TABLE d.s.dt"]),
    ("ALTER DYNAMIC TABLE d.s.dt REFRESH", &[DB, SCHEMA, "OPERATE ON DYNAMIC TABLE d.s.dt"]),
    (
        "CREATE DYNAMIC TABLE d.s.new TARGET_LAG = DOWNSTREAM WAREHOUSE = w AS SELECT a FROM d.s.t",
        &[DB, SCHEMA, WH, "CREATE DYNAMIC TABLE ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    ("SELECT a FROM d.s.et", &[DB, SCHEMA, WH, "SELECT ON EXTERNAL TABLE d.s.et"]),
    (
        "CREATE EXTERNAL TABLE d.s.new LOCATION = @d.s.st FILE_FORMAT = (FORMAT_NAME = 'd.s.f')",
        &[
            DB,
            SCHEMA,
            "CREATE EXTERNAL TABLE ON SCHEMA d.s",
            "READ ON STAGE d.s.st",
            "USAGE ON FILE FORMAT d.s.f",
        ],
    ),
    ("CREATE TASK d.s.new AS SELECT 1", &[DB, SCHEMA, "CREATE TASK ON SCHEMA d.s"]),
    ("ALTER TASK d.s.tk SUSPEND", &[DB, SCHEMA, "OPERATE ON TASK d.s.tk"]),
    (
        "CREATE STREAM d.s.new ON TABLE d.s.t",
        &[DB, SCHEMA, "CREATE STREAM ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    ("SELECT d.s.q.NEXTVAL", &[DB, SCHEMA, WH, "USAGE ON SEQUENCE d.s.q"]),
    ("SELECT d.s.fn(1)", &[DB, SCHEMA, WH, "USAGE ON FUNCTION d.s.fn(INT)"]),
    (
        "SELECT * FROM TABLE(d.s.rows_of(1))",
        &[DB, SCHEMA, WH, "USAGE ON FUNCTION d.s.rows_of(INT)"],
    ),
    ("CALL d.s.pr(1)", &[DB, SCHEMA, WH, "USAGE ON PROCEDURE d.s.pr(INT)"]),
    ("BEGIN CALL d.s.pr(1); END", &[DB, SCHEMA, WH, "USAGE ON PROCEDURE d.s.pr(INT)"]),
    ("EXECUTE IMMEDIATE 'SELECT a FROM d.s.t'", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    ("DESCRIBE PROCEDURE d.s.pr(INT)", &[DB, SCHEMA, "USAGE ON PROCEDURE d.s.pr(INT)"]),
    ("DESCRIBE FUNCTION d.s.fn(INT)", &[DB, SCHEMA, "USAGE ON FUNCTION d.s.fn(INT)"]),
    ("SELECT $1 FROM @d.s.st", &[DB, SCHEMA, WH, "READ ON STAGE d.s.st"]),
    (
        "SELECT $1 FROM @d.s.st (FILE_FORMAT => 'd.s.f')",
        &[DB, SCHEMA, WH, "READ ON STAGE d.s.st", "USAGE ON FILE FORMAT d.s.f"],
    ),
    (
        "SELECT (SELECT MAX(a) FROM d.s.t) FROM d.s.u",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t", "SELECT ON TABLE d.s.u"],
    ),
    ("EXPLAIN SELECT a FROM d.s.t", &[DB, SCHEMA, "SELECT ON TABLE d.s.t"]),
    ("SET x = (SELECT MAX(b) FROM d.s.t)", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    ("DESCRIBE TABLE d.s.t", &[DB, SCHEMA, "REFERENCES ON TABLE d.s.t"]),
    ("DESCRIBE STAGE d.s.st", &[DB, SCHEMA, "READ ON STAGE d.s.st"]),
    ("SELECT GET_DDL('TABLE', 'd.s.t')", &[DB, SCHEMA, WH, "REFERENCES ON TABLE d.s.t"]),
    ("SHOW TABLES IN SCHEMA d.s", &[DB, SCHEMA]),
    (
        "SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '@d.s.st', FILE_FORMAT => 'd.s.f'))",
        &[DB, SCHEMA, WH, "READ ON STAGE d.s.st", "USAGE ON FILE FORMAT d.s.f"],
    ),
    ("LIST @d.s.st", &[DB, SCHEMA, "READ ON STAGE d.s.st"]),
    ("USE SCHEMA d.s", &[DB, SCHEMA]),
    ("USE DATABASE d", &[DB]),
    ("USE WAREHOUSE w2", &["USAGE ON WAREHOUSE w2"]),
    // Writing.
    ("INSERT INTO d.s.t VALUES (5, 6)", &[DB, SCHEMA, WH, "INSERT ON TABLE d.s.t"]),
    (
        "INSERT OVERWRITE INTO d.s.t VALUES (5, 6)",
        &[DB, SCHEMA, WH, "INSERT ON TABLE d.s.t", "DELETE ON TABLE d.s.t"],
    ),
    (
        "INSERT INTO d.s.u SELECT * FROM d.s.t",
        &[DB, SCHEMA, WH, "INSERT ON TABLE d.s.u", "SELECT ON TABLE d.s.t"],
    ),
    (
        "INSERT ALL INTO d.s.t INTO d.s.u SELECT 7, 8",
        &[DB, SCHEMA, WH, "INSERT ON TABLE d.s.t", "INSERT ON TABLE d.s.u"],
    ),
    ("UPDATE d.s.t SET b = 3", &[DB, SCHEMA, WH, "UPDATE ON TABLE d.s.t"]),
    (
        "UPDATE d.s.t SET b = u.b FROM d.s.u WHERE t.a = u.a",
        &[DB, SCHEMA, WH, "UPDATE ON TABLE d.s.t", "SELECT ON TABLE d.s.u"],
    ),
    ("DELETE FROM d.s.t", &[DB, SCHEMA, WH, "DELETE ON TABLE d.s.t"]),
    (
        "MERGE INTO d.s.t USING d.s.u ON t.a = u.a WHEN MATCHED AND u.b = 1 THEN DELETE \
         WHEN MATCHED THEN UPDATE SET b = u.b WHEN NOT MATCHED THEN INSERT VALUES (u.a, u.b)",
        &[
            DB,
            SCHEMA,
            WH,
            "SELECT ON TABLE d.s.t",
            "INSERT ON TABLE d.s.t",
            "UPDATE ON TABLE d.s.t",
            "DELETE ON TABLE d.s.t",
            "SELECT ON TABLE d.s.u",
        ],
    ),
    ("TRUNCATE TABLE d.s.t", &[DB, SCHEMA, "TRUNCATE ON TABLE d.s.t"]),
    (
        "COPY INTO d.s.u FROM @d.s.st FILE_FORMAT = (FORMAT_NAME = 'd.s.f')",
        &[
            DB,
            SCHEMA,
            WH,
            "INSERT ON TABLE d.s.u",
            "READ ON STAGE d.s.st",
            "USAGE ON FILE FORMAT d.s.f",
        ],
    ),
    (
        "COPY INTO @d.s.st/y FROM d.s.t",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t", "WRITE ON STAGE d.s.st"],
    ),
    ("REMOVE @d.s.st", &[DB, SCHEMA, "WRITE ON STAGE d.s.st"]),
    // Files, other statements' rows, and rows under other circumstances.
    ("PUT file://files/city.csv @d.s.st2/put", &[DB, SCHEMA, "WRITE ON STAGE d.s.st2"]),
    (
        concat!("GET @d.s.st2/run.sql file://", env!("CARGO_TARGET_TMPDIR")),
        &[DB, SCHEMA, "READ ON STAGE d.s.st2"],
    ),
    (
        "COPY FILES INTO @d.s.st2/copied FROM @d.s.st",
        &[DB, SCHEMA, "READ ON STAGE d.s.st", "WRITE ON STAGE d.s.st2"],
    ),
    ("EXECUTE IMMEDIATE FROM @d.s.st2/run.sql", &[DB, SCHEMA, WH, "READ ON STAGE d.s.st2"]),
    ("SELECT * FROM DIRECTORY(@d.s.st2)", &[DB, SCHEMA, WH, "READ ON STAGE d.s.st2"]),
    ("ALTER STAGE d.s.st2 REFRESH", &[DB, SCHEMA, "WRITE ON STAGE d.s.st2"]),
    ("SELECT a FROM d.s.t ->> SELECT a FROM $1", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    ("SELECT a FROM d.s.t AT (OFFSET => 0)", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    (
        "SELECT a FROM d.s.tracked CHANGES (INFORMATION => DEFAULT) AT (OFFSET => 0)",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.tracked"],
    ),
    (
        "EXECUTE USING POLICY_CONTEXT(CURRENT_ROLE => 'R') AS SELECT c FROM d.s.g",
        &[DB, SCHEMA, WH, "OWNERSHIP ON TABLE d.s.g", "APPLY ON MASKING POLICY d.s.mp"],
    ),
    ("USE ROLE other", &["ROLE other"]),
];
