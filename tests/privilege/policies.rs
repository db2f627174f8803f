//! Statements about tags and policies.

use super::{Case, DB, SCHEMA};

/// Statements with the grants that they need.
pub(crate) const STATEMENTS: &[Case] = &[
    // Protecting.
    ("CREATE TAG d.s.n", &[DB, SCHEMA, "CREATE TAG ON SCHEMA d.s"]),
    (
        "CREATE MASKING POLICY d.s.n AS (x INT) RETURNS INT -> x",
        &[DB, SCHEMA, "CREATE MASKING POLICY ON SCHEMA d.s"],
    ),
    (
        "CREATE ROW ACCESS POLICY d.s.n AS (x INT) RETURNS BOOLEAN -> x > 1",
        &[DB, SCHEMA, "CREATE ROW ACCESS POLICY ON SCHEMA d.s"],
    ),
    ("CREATE PASSWORD POLICY d.s.n", &[DB, SCHEMA, "CREATE PASSWORD POLICY ON SCHEMA d.s"]),
    ("CREATE SESSION POLICY d.s.n", &[DB, SCHEMA, "CREATE SESSION POLICY ON SCHEMA d.s"]),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN a SET MASKING POLICY d.s.mp",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON MASKING POLICY d.s.mp"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN a SET MASKING POLICY d.s.mp",
        &[DB, SCHEMA, "APPLY MASKING POLICY ON ACCOUNT"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN c UNSET MASKING POLICY",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON MASKING POLICY d.s.mp"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN c UNSET MASKING POLICY",
        &[DB, SCHEMA, "APPLY MASKING POLICY ON ACCOUNT"],
    ),
    (
        "ALTER TABLE d.s.g ADD ROW ACCESS POLICY d.s.rp ON (a)",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON ROW ACCESS POLICY d.s.rp"],
    ),
    (
        "ALTER TABLE d.s.g ADD ROW ACCESS POLICY d.s.rp ON (a)",
        &[DB, SCHEMA, "APPLY ROW ACCESS POLICY ON ACCOUNT"],
    ),
    (
        "ALTER TABLE d.s.g SET TAG d.s.tag = 'x'",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON TAG d.s.tag"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN a SET TAG d.s.tag = 'x'",
        &[DB, SCHEMA, "APPLY TAG ON ACCOUNT"],
    ),
    ("ALTER VIEW d.s.v UNSET TAG d.s.tag", &[DB, SCHEMA, "APPLY TAG ON ACCOUNT"]),
    (
        "CREATE TABLE d.s.n (a INT MASKING POLICY d.s.mp)",
        &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s", "APPLY ON MASKING POLICY d.s.mp"],
    ),
    (
        "ALTER TAG d.s.tag SET MASKING POLICY d.s.mp",
        &[DB, SCHEMA, "OWNERSHIP ON TAG d.s.tag", "APPLY ON MASKING POLICY d.s.mp"],
    ),
    (
        "ALTER USER somebody SET PASSWORD POLICY d.s.pw",
        &[DB, SCHEMA, "OWNERSHIP ON USER somebody", "APPLY ON PASSWORD POLICY d.s.pw"],
    ),
    (
        "ALTER USER somebody SET SESSION POLICY d.s.sp",
        &[DB, SCHEMA, "OWNERSHIP ON USER somebody", "APPLY ON SESSION POLICY d.s.sp"],
    ),
    ("ALTER TAG d.s.tag ADD ALLOWED_VALUES 'x'", &[DB, SCHEMA, "OWNERSHIP ON TAG d.s.tag"]),
    (
        "ALTER MASKING POLICY d.s.mp SET BODY -> 2",
        &[DB, SCHEMA, "OWNERSHIP ON MASKING POLICY d.s.mp"],
    ),
    (
        "ALTER ROW ACCESS POLICY d.s.rp RENAME TO d.s.n",
        &[DB, SCHEMA, "OWNERSHIP ON ROW ACCESS POLICY d.s.rp"],
    ),
    (
        "ALTER PASSWORD POLICY d.s.pw SET PASSWORD_MIN_LENGTH = 20",
        &[DB, SCHEMA, "OWNERSHIP ON PASSWORD POLICY d.s.pw"],
    ),
    ("DESCRIBE MASKING POLICY d.s.mp", &[DB, SCHEMA, "APPLY ON MASKING POLICY d.s.mp"]),
    ("DROP TAG d.s.tag", &[DB, SCHEMA, "OWNERSHIP ON TAG d.s.tag"]),
    ("DROP ROW ACCESS POLICY d.s.rp", &[DB, SCHEMA, "OWNERSHIP ON ROW ACCESS POLICY d.s.rp"]),
    ("DROP SESSION POLICY d.s.sp", &[DB, SCHEMA, "OWNERSHIP ON SESSION POLICY d.s.sp"]),
    ("DROP MASKING POLICY d.s.mq", &[DB, SCHEMA, "OWNERSHIP ON MASKING POLICY d.s.mq"]),
    ("DROP PASSWORD POLICY d.s.pw", &[DB, SCHEMA, "OWNERSHIP ON PASSWORD POLICY d.s.pw"]),
    (
        "ALTER SESSION POLICY d.s.sp SET SESSION_IDLE_TIMEOUT_MINS = 20",
        &[DB, SCHEMA, "OWNERSHIP ON SESSION POLICY d.s.sp"],
    ),
    (
        "CREATE PROJECTION POLICY d.s.n AS () RETURNS PROJECTION_CONSTRAINT -> \
         PROJECTION_CONSTRAINT(ALLOW => FALSE)",
        &[DB, SCHEMA, "CREATE PROJECTION POLICY ON SCHEMA d.s"],
    ),
    (
        "CREATE AGGREGATION POLICY d.s.n AS () RETURNS AGGREGATION_CONSTRAINT -> \
         AGGREGATION_CONSTRAINT(MIN_GROUP_SIZE => 2)",
        &[DB, SCHEMA, "CREATE AGGREGATION POLICY ON SCHEMA d.s"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN a SET PROJECTION POLICY d.s.pp",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON PROJECTION POLICY d.s.pp"],
    ),
    (
        "ALTER TABLE d.s.g MODIFY COLUMN a SET PROJECTION POLICY d.s.pp",
        &[DB, SCHEMA, "APPLY PROJECTION POLICY ON ACCOUNT"],
    ),
    (
        "ALTER TABLE d.s.g SET AGGREGATION POLICY d.s.ap ENTITY KEY (a)",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.g", "APPLY ON AGGREGATION POLICY d.s.ap"],
    ),
    (
        "ALTER VIEW d.s.v SET AGGREGATION POLICY d.s.ap",
        &[DB, SCHEMA, "APPLY AGGREGATION POLICY ON ACCOUNT"],
    ),
    (
        "ALTER PROJECTION POLICY d.s.pp SET BODY -> PROJECTION_CONSTRAINT(ALLOW => FALSE)",
        &[DB, SCHEMA, "OWNERSHIP ON PROJECTION POLICY d.s.pp"],
    ),
    (
        "ALTER AGGREGATION POLICY d.s.ap SET COMMENT = 'x'",
        &[DB, SCHEMA, "OWNERSHIP ON AGGREGATION POLICY d.s.ap"],
    ),
    ("DROP PROJECTION POLICY d.s.pp", &[DB, SCHEMA, "OWNERSHIP ON PROJECTION POLICY d.s.pp"]),
    ("DROP AGGREGATION POLICY d.s.ap", &[DB, SCHEMA, "OWNERSHIP ON AGGREGATION POLICY d.s.ap"]),
];
