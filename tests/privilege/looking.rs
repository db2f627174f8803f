//! Statements that only look at objects.

use super::{Case, DB, SCHEMA, WH};

/// Statements with the grants that they need.
pub(crate) const STATEMENTS: &[Case] = &[
    // DESCRIBE.
    ("DESCRIBE VIEW d.s.v", &[DB, SCHEMA, "SELECT ON VIEW d.s.v"]),
    ("DESCRIBE MATERIALIZED VIEW d.s.m", &[DB, SCHEMA, "SELECT ON MATERIALIZED VIEW d.s.m"]),
    ("DESCRIBE SEQUENCE d.s.q", &[DB, SCHEMA, "USAGE ON SEQUENCE d.s.q"]),
    ("DESCRIBE FILE FORMAT d.s.f", &[DB, SCHEMA, "USAGE ON FILE FORMAT d.s.f"]),
    ("DESCRIBE STREAM d.s.sm", &[DB, SCHEMA, "SELECT ON STREAM d.s.sm"]),
    ("DESCRIBE TASK d.s.tk", &[DB, SCHEMA, "MONITOR ON TASK d.s.tk"]),
    ("DESCRIBE PIPE d.s.pi", &[DB, SCHEMA, "MONITOR ON PIPE d.s.pi"]),
    ("DESCRIBE ALERT d.s.al", &[DB, SCHEMA, "MONITOR ON ALERT d.s.al"]),
    ("DESCRIBE DYNAMIC TABLE d.s.dt", &[DB, SCHEMA, "MONITOR ON DYNAMIC TABLE d.s.dt"]),
    ("DESCRIBE WAREHOUSE w2", &["USAGE ON WAREHOUSE w2"]),
    ("DESCRIBE INTEGRATION i", &["USAGE ON INTEGRATION i"]),
    ("DESCRIBE SCHEMA d.s", &[DB, SCHEMA]),
    ("DESCRIBE DATABASE d", &[DB]),
    ("DESCRIBE USER somebody", &["OWNERSHIP ON USER somebody"]),
    ("DESCRIBE ROW ACCESS POLICY d.s.rp", &[DB, SCHEMA, "APPLY ON ROW ACCESS POLICY d.s.rp"]),
    ("DESCRIBE PASSWORD POLICY d.s.pw", &[DB, SCHEMA, "APPLY ON PASSWORD POLICY d.s.pw"]),
    ("DESCRIBE SESSION POLICY d.s.sp", &[DB, SCHEMA, "APPLY ON SESSION POLICY d.s.sp"]),
    ("DESCRIBE PROJECTION POLICY d.s.pp", &[DB, SCHEMA, "APPLY ON PROJECTION POLICY d.s.pp"]),
    ("DESCRIBE AGGREGATION POLICY d.s.ap", &[DB, SCHEMA, "APPLY ON AGGREGATION POLICY d.s.ap"]),
    ("DESCRIBE NETWORK POLICY np", &["OWNERSHIP ON NETWORK POLICY np"]),
    // GET_DDL.
    ("SELECT GET_DDL('VIEW', 'd.s.v')", &[DB, SCHEMA, WH, "SELECT ON VIEW d.s.v"]),
    ("SELECT GET_DDL('SEQUENCE', 'd.s.q')", &[DB, SCHEMA, WH, "USAGE ON SEQUENCE d.s.q"]),
    (
        "SELECT GET_DDL('FUNCTION', 'd.s.fn(INT)')",
        &[DB, SCHEMA, WH, "USAGE ON FUNCTION d.s.fn(INT)"],
    ),
    (
        "SELECT GET_DDL('PROCEDURE', 'd.s.pr(INT)')",
        &[DB, SCHEMA, WH, "USAGE ON PROCEDURE d.s.pr(INT)"],
    ),
    ("SELECT GET_DDL('STREAM', 'd.s.sm')", &[DB, SCHEMA, WH, "SELECT ON STREAM d.s.sm"]),
    ("SELECT GET_DDL('TASK', 'd.s.tk')", &[DB, SCHEMA, WH, "MONITOR ON TASK d.s.tk"]),
    ("SELECT GET_DDL('PIPE', 'd.s.pi')", &[DB, SCHEMA, WH, "MONITOR ON PIPE d.s.pi"]),
    ("SELECT GET_DDL('FILE_FORMAT', 'd.s.f')", &[DB, SCHEMA, WH, "USAGE ON FILE FORMAT d.s.f"]),
    ("SELECT GET_DDL('POLICY', 'd.s.mp')", &[DB, SCHEMA, WH, "APPLY ON MASKING POLICY d.s.mp"]),
    (
        "SELECT GET_DDL('DYNAMIC_TABLE', 'd.s.dt')",
        &[DB, SCHEMA, WH, "MONITOR ON DYNAMIC TABLE d.s.dt"],
    ),
    ("SELECT GET_DDL('ALERT', 'd.s.al')", &[DB, SCHEMA, WH, "MONITOR ON ALERT d.s.al"]),
    ("SELECT GET_DDL('SCHEMA', 'd.s')", &[DB, SCHEMA, WH]),
    ("SELECT GET_DDL('DATABASE', 'd')", &[DB, WH]),
    // Functions of the system.
    (
        "SELECT SYSTEM$CLUSTERING_INFORMATION('d.s.t', '(a)')",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"],
    ),
    ("SELECT SYSTEM$CLUSTERING_DEPTH('d.s.t', '(a)')", &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"]),
    ("SELECT SYSTEM$STREAM_HAS_DATA('d.s.sm')", &[DB, SCHEMA, WH, "SELECT ON STREAM d.s.sm"]),
    (
        "SELECT SYSTEM$STREAM_GET_TABLE_TIMESTAMP('d.s.sm')",
        &[DB, SCHEMA, WH, "SELECT ON STREAM d.s.sm"],
    ),
    ("SELECT SYSTEM$PIPE_STATUS('d.s.pi')", &[DB, SCHEMA, WH, "MONITOR ON PIPE d.s.pi"]),
    ("SELECT SYSTEM$PIPE_FORCE_RESUME('d.s.pi')", &[DB, SCHEMA, WH, "OPERATE ON PIPE d.s.pi"]),
    ("SELECT SYSTEM$TASK_DEPENDENTS_ENABLE('d.s.tk')", &[DB, SCHEMA, WH, "OPERATE ON TASK d.s.tk"]),
    (
        "SELECT SYSTEM$GET_TAG('d.s.tag', 'd.s.t', 'TABLE')",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t", "APPLY ON TAG d.s.tag"],
    ),
    (
        "SELECT * FROM TABLE(d.INFORMATION_SCHEMA.TAG_REFERENCES('d.s.t', 'TABLE'))",
        &[DB, SCHEMA, WH, "SELECT ON TABLE d.s.t"],
    ),
    (
        "SELECT * FROM TABLE(d.INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => 'd.s.mp'))",
        &[DB, SCHEMA, WH, "APPLY ON MASKING POLICY d.s.mp"],
    ),
    // SHOW of one thing.
    ("SHOW COLUMNS IN TABLE d.s.t", &[DB, SCHEMA, "SELECT ON TABLE d.s.t"]),
    ("SHOW PRIMARY KEYS IN TABLE d.s.t", &[DB, SCHEMA, "SELECT ON TABLE d.s.t"]),
    ("SHOW GRANTS ON TABLE d.s.t", &[DB, SCHEMA, "SELECT ON TABLE d.s.t"]),
    ("SHOW GRANTS ON SCHEMA d.s", &[DB, SCHEMA]),
    ("SHOW FUTURE GRANTS IN SCHEMA d.s", &[DB, SCHEMA]),
    ("SHOW PARAMETERS IN WAREHOUSE w2", &["USAGE ON WAREHOUSE w2"]),
    ("SHOW PARAMETERS IN TABLE d.s.t", &[DB, SCHEMA, "SELECT ON TABLE d.s.t"]),
    ("SHOW USER PROGRAMMATIC ACCESS TOKENS FOR USER somebody", &["OWNERSHIP ON USER somebody"]),
];
