//! Statements of pipelines and of code in other languages, and those that give privileges.

use super::{Case, DB, SCHEMA, WH};

/// Statements with the grants that they need.
pub(crate) const STATEMENTS: &[Case] = &[
    // Pipelines, and code in another language.
    ("ALTER STREAM d.s.sm SET COMMENT = 'x'", &[DB, SCHEMA, "OWNERSHIP ON STREAM d.s.sm"]),
    ("DROP STREAM d.s.sm", &[DB, SCHEMA, "OWNERSHIP ON STREAM d.s.sm"]),
    ("ALTER TASK d.s.tk SET COMMENT = 'x'", &[DB, SCHEMA, "OWNERSHIP ON TASK d.s.tk"]),
    ("DROP TASK d.s.tk", &[DB, SCHEMA, "OWNERSHIP ON TASK d.s.tk"]),
    (
        "CREATE PIPE d.s.n AS COPY INTO d.s.u FROM @d.s.st",
        &[DB, SCHEMA, "CREATE PIPE ON SCHEMA d.s", "INSERT ON TABLE d.s.u", "READ ON STAGE d.s.st"],
    ),
    ("ALTER PIPE d.s.pi SET PIPE_EXECUTION_PAUSED = TRUE", &[DB, SCHEMA, "OPERATE ON PIPE d.s.pi"]),
    ("DROP PIPE d.s.pi", &[DB, SCHEMA, "OWNERSHIP ON PIPE d.s.pi"]),
    (
        "CREATE ALERT d.s.n SCHEDULE = '1 MINUTE' IF (EXISTS (SELECT 1)) THEN SELECT 1",
        &[DB, SCHEMA, "CREATE ALERT ON SCHEMA d.s"],
    ),
    ("ALTER ALERT d.s.al SUSPEND", &[DB, SCHEMA, "OPERATE ON ALERT d.s.al"]),
    ("DROP ALERT d.s.al", &[DB, SCHEMA, "OWNERSHIP ON ALERT d.s.al"]),
    ("ALTER EXTERNAL TABLE d.s.et REFRESH", &[DB, SCHEMA, "OWNERSHIP ON EXTERNAL TABLE d.s.et"]),
    ("DROP EXTERNAL TABLE d.s.et", &[DB, SCHEMA, "OWNERSHIP ON EXTERNAL TABLE d.s.et"]),
    ("DROP DYNAMIC TABLE d.s.dt", &[DB, SCHEMA, "OWNERSHIP ON DYNAMIC TABLE d.s.dt"]),
    (
        "CREATE FUNCTION d.s.jn() RETURNS DOUBLE LANGUAGE JAVASCRIPT AS 'return 1;'",
        &[DB, SCHEMA, "CREATE FUNCTION ON SCHEMA d.s"],
    ),
    ("SELECT d.s.js(1)", &[DB, SCHEMA, WH, "USAGE ON FUNCTION d.s.js(DOUBLE)"]),
    (
        "CREATE PROCEDURE d.s.jn() RETURNS DOUBLE LANGUAGE JAVASCRIPT AS 'return 1;'",
        &[DB, SCHEMA, "CREATE PROCEDURE ON SCHEMA d.s"],
    ),
    ("CALL d.s.jp()", &[DB, SCHEMA, "USAGE ON PROCEDURE d.s.jp()"]),
    ("ALTER DATABASE ROLE d.dr SET COMMENT = 'x'", &[DB, "OWNERSHIP ON DATABASE ROLE d.dr"]),
    ("DROP MATERIALIZED VIEW d.s.m", &[DB, SCHEMA, "OWNERSHIP ON MATERIALIZED VIEW d.s.m"]),
    ("EXECUTE TASK d.s.tk", &[DB, SCHEMA, "OPERATE ON TASK d.s.tk"]),
    ("EXECUTE ALERT d.s.al", &[DB, SCHEMA, "OPERATE ON ALERT d.s.al"]),
    ("ALTER TASK d.s.tk RESUME", &[DB, SCHEMA, "OPERATE ON TASK d.s.tk"]),
    ("ALTER ALERT d.s.al RESUME", &[DB, SCHEMA, "OPERATE ON ALERT d.s.al"]),
    ("ALTER PIPE d.s.pi REFRESH", &[DB, SCHEMA, "OPERATE ON PIPE d.s.pi"]),
    ("ALTER DYNAMIC TABLE d.s.dt SUSPEND", &[DB, SCHEMA, "OPERATE ON DYNAMIC TABLE d.s.dt"]),
    (
        "ALTER DYNAMIC TABLE d.s.dt SET TARGET_LAG = '1 HOUR'",
        &[DB, SCHEMA, "OPERATE ON DYNAMIC TABLE d.s.dt"],
    ),
    ("ALTER TASK d.s.tk MODIFY AS SELECT 2", &[DB, SCHEMA, "OWNERSHIP ON TASK d.s.tk"]),
    ("ALTER ALERT d.s.al MODIFY ACTION SELECT 2", &[DB, SCHEMA, "OWNERSHIP ON ALERT d.s.al"]),
    // Giving.
    ("GRANT SELECT ON TABLE d.s.t TO ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("REVOKE SELECT ON TABLE d.s.t FROM ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("GRANT OWNERSHIP ON TABLE d.s.t TO ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("GRANT SELECT ON FUTURE TABLES IN SCHEMA d.s TO ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
    ("GRANT ROLE other TO USER somebody", &["OWNERSHIP ON ROLE other"]),
    ("REVOKE ROLE other FROM USER somebody", &["OWNERSHIP ON ROLE other"]),
    ("GRANT CREATE DATABASE ON ACCOUNT TO ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
    ("GRANT USAGE ON SCHEMA d.s TO ROLE other", &[DB, "OWNERSHIP ON SCHEMA d.s"]),
    ("GRANT USAGE ON DATABASE d TO ROLE other", &["OWNERSHIP ON DATABASE d"]),
    ("GRANT USAGE ON WAREHOUSE w2 TO ROLE other", &["OWNERSHIP ON WAREHOUSE w2"]),
    ("GRANT USAGE ON INTEGRATION i TO ROLE other", &["OWNERSHIP ON INTEGRATION i"]),
    (
        "GRANT USAGE ON FUNCTION d.s.fn(INT) TO ROLE other",
        &[DB, SCHEMA, "OWNERSHIP ON FUNCTION d.s.fn(INT)"],
    ),
    (
        "GRANT SELECT ON TABLE d.s.t TO DATABASE ROLE d.dr",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"],
    ),
    ("REVOKE SELECT ON FUTURE TABLES IN SCHEMA d.s FROM ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
    ("REVOKE DATABASE ROLE d.dr FROM ROLE other", &[DB, "OWNERSHIP ON DATABASE ROLE d.dr"]),
    ("REVOKE CREATE DATABASE ON ACCOUNT FROM ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
];
