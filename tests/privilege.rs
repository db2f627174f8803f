//! Every statement with what it needs, and with each thing that it needs missing: then it is refused, as what
//! does not exist or as what the role may not do.

use firn_engine::{Engine, EngineOptions, Housekeeping, Session, SessionOptions};
use firn_tests::written_row;
use firn_types::ObjectKind;

/// The numbers of the errors that refuse: privileges, no such object, name or thing to use, no warehouse.
const REFUSALS: [i32; 7] = [3001, 2003, 904, 2043, 606, 2140, 2141];

/// What there is.
const SETUP: &[&str] = &[
    "CREATE DATABASE d",
    "CREATE SCHEMA d.s",
    "CREATE SCHEMA d.other",
    "CREATE TABLE d.s.t (a INT PRIMARY KEY, b INT)",
    "INSERT INTO d.s.t VALUES (1, 2)",
    "CREATE TABLE d.s.u (a INT, b INT)",
    "CREATE VIEW d.s.v AS SELECT a FROM d.s.t",
    "CREATE MATERIALIZED VIEW d.s.m AS SELECT a FROM d.s.t",
    "CREATE SEQUENCE d.s.q",
    "CREATE STREAM d.s.sm ON TABLE d.s.t",
    "CREATE TASK d.s.tk SCHEDULE = '5 MINUTES' AS SELECT 1",
    "CREATE DYNAMIC TABLE d.s.dt TARGET_LAG = DOWNSTREAM WAREHOUSE = compute_wh AS SELECT a FROM d.s.t",
    "CREATE STAGE d.s.st",
    "CREATE PIPE d.s.pi AS COPY INTO d.s.t FROM @d.s.st",
    "CREATE ALERT d.s.al SCHEDULE = '1 MINUTE' IF (EXISTS (SELECT 1)) THEN SELECT 1",
    "CREATE FILE FORMAT d.s.f TYPE = CSV",
    "CREATE FUNCTION d.s.fn(x INT) RETURNS INT AS 'SELECT MAX(a) + x FROM d.s.t'",
    "CREATE PROCEDURE d.s.pr(x INT) RETURNS INT LANGUAGE SQL AS \
     'BEGIN RETURN (SELECT MAX(a) FROM d.s.t); END'",
    "CREATE FUNCTION d.s.rows_of(x INT) RETURNS TABLE (a INT) AS 'SELECT a FROM d.s.t'",
    "COPY INTO @d.s.st/x FROM (SELECT 1, 2) FILE_FORMAT = (TYPE = CSV COMPRESSION = NONE)",
    "CREATE WAREHOUSE w",
    "CREATE WAREHOUSE w2",
    "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE \
     STORAGE_ALLOWED_LOCATIONS = ('s3://b/')",
    "CREATE DATABASE ROLE d.dr",
    "CREATE ROLE r",
    "CREATE ROLE other",
    "CREATE USER tester",
    "CREATE USER somebody",
    "CREATE NETWORK POLICY np",
    "CREATE TABLE d.s.g (a INT, b INT, c INT)",
    "CREATE TAG d.s.tag",
    "CREATE MASKING POLICY d.s.mp AS (x INT) RETURNS INT -> 1",
    "CREATE MASKING POLICY d.s.mq AS (x INT) RETURNS INT -> 1",
    "CREATE ROW ACCESS POLICY d.s.rp AS (x INT) RETURNS BOOLEAN -> TRUE",
    "CREATE PASSWORD POLICY d.s.pw",
    "CREATE SESSION POLICY d.s.sp",
    "CREATE PROJECTION POLICY d.s.pp AS () RETURNS PROJECTION_CONSTRAINT -> \
     PROJECTION_CONSTRAINT(ALLOW => TRUE)",
    "CREATE AGGREGATION POLICY d.s.ap AS () RETURNS AGGREGATION_CONSTRAINT -> NO_AGGREGATION_CONSTRAINT()",
    "CREATE FUNCTION d.s.js(x DOUBLE) RETURNS DOUBLE LANGUAGE JAVASCRIPT AS 'return X + 1;'",
    "CREATE PROCEDURE d.s.jp() RETURNS DOUBLE LANGUAGE JAVASCRIPT AS 'return 1;'",
    "ALTER TABLE d.s.g MODIFY COLUMN c SET MASKING POLICY d.s.mp",
    "GRANT ROLE r TO USER tester",
];

const DB: &str = "USAGE ON DATABASE d";
const SCHEMA: &str = "USAGE ON SCHEMA d.s";
const WH: &str = "USAGE ON WAREHOUSE w";

/// A statement, and the grants without any of which it is refused.
const STATEMENTS: &[(&str, &[&str])] = &[
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
    // Making.
    ("CREATE TABLE d.s.n (a INT)", &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s"]),
    ("CREATE TEMPORARY TABLE d.s.n (a INT)", &[DB, SCHEMA]),
    (
        "CREATE TABLE d.s.n AS SELECT a FROM d.s.t",
        &[DB, SCHEMA, WH, "CREATE TABLE ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    (
        "CREATE TABLE d.s.n LIKE d.s.t",
        &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    (
        "CREATE TABLE d.s.n CLONE d.s.t",
        &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    (
        "CREATE TABLE d.s.n (a INT REFERENCES d.s.t (a))",
        &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s", "REFERENCES ON TABLE d.s.t"],
    ),
    (
        "CREATE OR REPLACE TABLE d.s.t (a INT)",
        &[DB, SCHEMA, "CREATE TABLE ON SCHEMA d.s", "OWNERSHIP ON TABLE d.s.t"],
    ),
    (
        "CREATE VIEW d.s.n AS SELECT a FROM d.s.t",
        &[DB, SCHEMA, "CREATE VIEW ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    (
        "CREATE MATERIALIZED VIEW d.s.n AS SELECT a FROM d.s.t",
        &[DB, SCHEMA, "CREATE MATERIALIZED VIEW ON SCHEMA d.s", "SELECT ON TABLE d.s.t"],
    ),
    (
        "CREATE TABLE d.s.n USING TEMPLATE (SELECT ARRAY_AGG(OBJECT_CONSTRUCT(*)) FROM \
         TABLE(INFER_SCHEMA(LOCATION => '@d.s.st', FILE_FORMAT => 'd.s.f')))",
        &[
            DB,
            SCHEMA,
            WH,
            "CREATE TABLE ON SCHEMA d.s",
            "READ ON STAGE d.s.st",
            "USAGE ON FILE FORMAT d.s.f",
        ],
    ),
    (
        "CREATE SCHEMA d.n2 CLONE d.other",
        &[DB, "CREATE SCHEMA ON DATABASE d", "USAGE ON SCHEMA d.other"],
    ),
    ("CREATE FUNCTION d.s.n() RETURNS INT AS '1'", &[DB, SCHEMA, "CREATE FUNCTION ON SCHEMA d.s"]),
    ("CREATE SEQUENCE d.s.n", &[DB, SCHEMA, "CREATE SEQUENCE ON SCHEMA d.s"]),
    ("CREATE STAGE d.s.n", &[DB, SCHEMA, "CREATE STAGE ON SCHEMA d.s"]),
    (
        "CREATE STAGE d.s.n URL = 's3://b/' STORAGE_INTEGRATION = i",
        &[DB, SCHEMA, "CREATE STAGE ON SCHEMA d.s", "USAGE ON INTEGRATION i"],
    ),
    ("CREATE FILE FORMAT d.s.n TYPE = CSV", &[DB, SCHEMA, "CREATE FILE FORMAT ON SCHEMA d.s"]),
    ("CREATE SCHEMA d.n", &[DB, "CREATE SCHEMA ON DATABASE d"]),
    ("CREATE DATABASE ROLE d.n", &[DB, "CREATE DATABASE ROLE ON DATABASE d"]),
    ("CREATE DATABASE n", &["CREATE DATABASE ON ACCOUNT"]),
    ("CREATE WAREHOUSE n", &["CREATE WAREHOUSE ON ACCOUNT"]),
    ("CREATE ROLE n", &["CREATE ROLE ON ACCOUNT"]),
    ("CREATE USER n", &["CREATE USER ON ACCOUNT"]),
    ("CREATE NETWORK POLICY n", &["CREATE NETWORK POLICY ON ACCOUNT"]),
    (
        "CREATE STORAGE INTEGRATION n TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' \
         STORAGE_ALLOWED_LOCATIONS = ('s3://b/')",
        &["CREATE INTEGRATION ON ACCOUNT"],
    ),
    // Changing.
    ("ALTER TABLE d.s.t ADD COLUMN c INT", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("ALTER TABLE d.s.t RENAME TO d.s.n", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    (
        "ALTER TABLE d.s.t RENAME TO d.other.t",
        &[
            DB,
            SCHEMA,
            "USAGE ON SCHEMA d.other",
            "CREATE TABLE ON SCHEMA d.other",
            "OWNERSHIP ON TABLE d.s.t",
        ],
    ),
    (
        "ALTER TABLE d.s.t SWAP WITH d.s.u",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t", "OWNERSHIP ON TABLE d.s.u"],
    ),
    ("ALTER VIEW d.s.v SET SECURE", &[DB, SCHEMA, "OWNERSHIP ON VIEW d.s.v"]),
    (
        "ALTER MATERIALIZED VIEW d.s.m SUSPEND",
        &[DB, SCHEMA, "OWNERSHIP ON MATERIALIZED VIEW d.s.m"],
    ),
    (
        "ALTER FUNCTION d.s.fn(INT) SET COMMENT = 'x'",
        &[DB, SCHEMA, "OWNERSHIP ON FUNCTION d.s.fn(INT)"],
    ),
    ("ALTER SEQUENCE d.s.q SET INCREMENT = 2", &[DB, SCHEMA, "OWNERSHIP ON SEQUENCE d.s.q"]),
    ("ALTER STAGE d.s.st SET COMMENT = 'x'", &[DB, SCHEMA, "OWNERSHIP ON STAGE d.s.st"]),
    ("ALTER FILE FORMAT d.s.f SET COMMENT = 'x'", &[DB, SCHEMA, "OWNERSHIP ON FILE FORMAT d.s.f"]),
    ("ALTER SCHEMA d.s SET COMMENT = 'x'", &[DB, "MODIFY ON SCHEMA d.s"]),
    ("ALTER SCHEMA d.s RENAME TO d.n", &[DB, "OWNERSHIP ON SCHEMA d.s"]),
    ("ALTER DATABASE d SET COMMENT = 'x'", &["MODIFY ON DATABASE d"]),
    ("ALTER DATABASE d RENAME TO n", &["OWNERSHIP ON DATABASE d"]),
    ("ALTER WAREHOUSE w2 SET COMMENT = 'x'", &["MODIFY ON WAREHOUSE w2"]),
    ("ALTER WAREHOUSE w2 SUSPEND", &["OPERATE ON WAREHOUSE w2"]),
    ("ALTER WAREHOUSE w2 ABORT ALL QUERIES", &["OPERATE ON WAREHOUSE w2"]),
    ("ALTER WAREHOUSE w2 RENAME TO n", &["OWNERSHIP ON WAREHOUSE w2"]),
    ("ALTER INTEGRATION i SET ENABLED = FALSE", &["OWNERSHIP ON INTEGRATION i"]),
    ("ALTER ROLE other RENAME TO n", &["OWNERSHIP ON ROLE other"]),
    ("ALTER USER somebody SET COMMENT = 'x'", &["OWNERSHIP ON USER somebody"]),
    ("ALTER USER somebody ADD PAT n", &["OWNERSHIP ON USER somebody"]),
    ("ALTER NETWORK POLICY np SET COMMENT = 'x'", &["OWNERSHIP ON NETWORK POLICY np"]),
    ("COMMENT ON TABLE d.s.t IS 'x'", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("COMMENT ON COLUMN d.s.t.a IS 'x'", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    // Dropping.
    ("DROP TABLE d.s.t", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("DROP VIEW d.s.v", &[DB, SCHEMA, "OWNERSHIP ON VIEW d.s.v"]),
    ("DROP PROCEDURE d.s.pr(INT)", &[DB, SCHEMA, "OWNERSHIP ON PROCEDURE d.s.pr(INT)"]),
    (
        "ALTER PROCEDURE d.s.pr(INT) SET COMMENT = 'x'",
        &[DB, SCHEMA, "OWNERSHIP ON PROCEDURE d.s.pr(INT)"],
    ),
    (
        "CREATE PROCEDURE d.s.m() RETURNS INT LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
        &[DB, SCHEMA, "CREATE PROCEDURE ON SCHEMA d.s"],
    ),
    ("DROP FUNCTION d.s.fn(INT)", &[DB, SCHEMA, "OWNERSHIP ON FUNCTION d.s.fn(INT)"]),
    ("DROP SEQUENCE d.s.q", &[DB, SCHEMA, "OWNERSHIP ON SEQUENCE d.s.q"]),
    ("DROP STAGE d.s.st", &[DB, SCHEMA, "OWNERSHIP ON STAGE d.s.st"]),
    ("DROP FILE FORMAT d.s.f", &[DB, SCHEMA, "OWNERSHIP ON FILE FORMAT d.s.f"]),
    ("DROP SCHEMA d.s", &[DB, "OWNERSHIP ON SCHEMA d.s"]),
    ("DROP DATABASE d", &["OWNERSHIP ON DATABASE d"]),
    ("DROP WAREHOUSE w2", &["OWNERSHIP ON WAREHOUSE w2"]),
    ("DROP INTEGRATION i", &["OWNERSHIP ON INTEGRATION i"]),
    ("DROP ROLE other", &["OWNERSHIP ON ROLE other"]),
    ("DROP DATABASE ROLE d.dr", &[DB, "OWNERSHIP ON DATABASE ROLE d.dr"]),
    ("GRANT DATABASE ROLE d.dr TO ROLE other", &[DB, "OWNERSHIP ON DATABASE ROLE d.dr"]),
    ("DROP USER somebody", &["OWNERSHIP ON USER somebody"]),
    ("DROP NETWORK POLICY np", &["OWNERSHIP ON NETWORK POLICY np"]),
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
    // Giving.
    ("GRANT SELECT ON TABLE d.s.t TO ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("REVOKE SELECT ON TABLE d.s.t FROM ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("GRANT OWNERSHIP ON TABLE d.s.t TO ROLE other", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"]),
    ("GRANT SELECT ON FUTURE TABLES IN SCHEMA d.s TO ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
    ("GRANT ROLE other TO USER somebody", &["OWNERSHIP ON ROLE other"]),
    ("REVOKE ROLE other FROM USER somebody", &["OWNERSHIP ON ROLE other"]),
    ("GRANT CREATE DATABASE ON ACCOUNT TO ROLE other", &["MANAGE GRANTS ON ACCOUNT"]),
];

fn engine() -> Engine {
    let options = EngineOptions {
        threads: Some(1),
        housekeeping: Housekeeping::Inline,
        ..EngineOptions::default()
    };
    Engine::open(":memory:", options).expect("an account in memory")
}

fn session(engine: &Engine, user: &str) -> Session {
    let user = Some(user.to_string());
    let role = user.as_ref().filter(|user| *user == "TESTER").map(|_| "R".to_string());
    let options = SessionOptions { user, role, ..SessionOptions::default() };
    engine.session(options).expect("a session")
}

/// Runs a statement in a new account as role R with these grants; the number and text of its error.
fn attempt<'g>(sql: &str, grants: impl Iterator<Item = &'g &'g str>) -> Result<(), (i32, String)> {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    let run = |session: &mut Session, sql: &str| {
        session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    };
    SETUP.iter().for_each(|sql| run(&mut admin, sql));
    for grant in grants {
        run(&mut admin, &format!("GRANT {grant} TO ROLE r"));
    }
    let mut session = session(&engine, "TESTER");
    // Fails without the privilege; then there is no warehouse.
    let _ = session.execute("USE WAREHOUSE w");
    let outcome = session.execute(sql);
    outcome.map(|_| ()).map_err(|failure| (failure.code.number(), failure.to_string()))
}

#[test]
fn every_statement_needs_each_of_its_privileges() {
    let mut wrong = Vec::new();
    for (sql, needed) in STATEMENTS {
        if let Err((code, text)) = attempt(sql, needed.iter()) {
            wrong.push(format!("{sql} with everything that it needs: {code} {text}"));
        }
        for missing in *needed {
            let others = needed.iter().filter(|grant| *grant != missing);
            match attempt(sql, others) {
                Err((code, _)) if REFUSALS.contains(&code) => {}
                outcome => wrong.push(format!("{sql} without {missing}: {outcome:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whoever adds a kind of object says here who may make, change and drop one.
#[test]
fn every_kind_of_object_is_among_the_statements() {
    let begins = |verb: &str, kind: ObjectKind| {
        let words = match (verb, kind) {
            ("CREATE", ObjectKind::Integration) => "STORAGE INTEGRATION",
            (_, kind) => kind.words(),
        };
        let beginning = format!("{verb} {words} ");
        STATEMENTS.iter().any(|(sql, _)| sql.starts_with(&beginning))
    };
    let kinds = ObjectKind::all().filter(|kind| kind.exists());
    let missing = kinds.flat_map(|kind| ["CREATE", "ALTER", "DROP"].map(|verb| (verb, kind)));
    let missing: Vec<_> = missing.filter(|(verb, kind)| !begins(verb, *kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn accountadmin_needs_nothing() {
    for (sql, _) in STATEMENTS {
        let engine = engine();
        let mut admin = session(&engine, "FIRN");
        for sql in SETUP.iter().chain(std::iter::once(sql)) {
            admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        }
    }
}

#[test]
fn a_users_sessions_begin_with_what_the_user_has() {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    for sql in SETUP.iter().chain(&[
        "GRANT ROLE other TO ROLE r",
        "GRANT USAGE ON DATABASE d TO ROLE r",
        "GRANT USAGE ON SCHEMA d.s TO ROLE r",
        "GRANT USAGE ON WAREHOUSE w TO ROLE r",
        "CREATE USER who DEFAULT_ROLE = r DEFAULT_WAREHOUSE = w DEFAULT_NAMESPACE = d.s TIMEZONE = 'UTC'",
        "CREATE USER nobody DEFAULT_ROLE = r DEFAULT_WAREHOUSE = w",
        "GRANT ROLE r TO USER who",
    ]) {
        admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
    let begin = |user: &str| {
        let options = SessionOptions { user: Some(user.to_string()), ..SessionOptions::default() };
        engine.session(options).expect("a session").in_use()
    };
    let who = begin("WHO");
    assert_eq!((who.role.as_str(), who.warehouse.as_deref()), ("R", Some("W")));
    assert_eq!((who.database.as_deref(), who.schema.as_deref()), (Some("D"), Some("S")));
    // A default role that is not granted is none.
    let nobody = begin("NOBODY");
    assert_eq!((nobody.role.as_str(), nobody.warehouse, nobody.database), ("PUBLIC", None, None));
    // Users who are made now have all their roles in use, unless they say otherwise.
    let options = SessionOptions { user: Some("WHO".to_string()), ..SessionOptions::default() };
    let mut session = engine.session(options).expect("a session");
    let mut one = |sql: &str| {
        let result = session.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
        result.cells().expect("printable").iter().map(|row| written_row(row)).collect::<Vec<_>>()
    };
    assert_eq!(one("SELECT CURRENT_SECONDARY_ROLES()"), [r#"{"roles":"","value":"ALL"}"#]);
    let shown = one("SHOW PARAMETERS LIKE 'TIMEZONE'");
    assert!(shown[0].starts_with("TIMEZONE|UTC|America/Los_Angeles|USER|"), "{shown:?}");
}

#[test]
fn statements_of_others_are_followed_and_canceled_only_by_those_who_may() {
    let engine = engine();
    let mut admin = session(&engine, "FIRN");
    for sql in SETUP.iter().chain(&["GRANT USAGE ON WAREHOUSE w TO ROLE r"]) {
        admin.execute(sql).unwrap_or_else(|failure| panic!("{sql}: {failure}"));
    }
    admin.execute("SELECT 'of the first user'").expect("a query");
    let mut other = session(&engine, "TESTER");
    other.execute("USE WAREHOUSE w").expect("a warehouse");
    let seen = "SELECT COUNT(*) FROM TABLE(firn.INFORMATION_SCHEMA.QUERY_HISTORY()) \
                WHERE query_text = 'SELECT ''of the first user'''";
    let mut count = |sql: &str| {
        let result = other.execute(sql).map_err(|failure| failure.to_string())?;
        Ok::<_, String>(
            result.cells().expect("printable").iter().map(|row| written_row(row)).collect(),
        )
    };
    admin.execute("GRANT USAGE ON DATABASE firn TO ROLE r").expect("a grant");
    assert_eq!(count(seen), Ok(vec!["0".to_string()]));
    admin.execute("GRANT MONITOR ON WAREHOUSE w2 TO ROLE r").expect("a grant");
    // The first user's statements ran in the warehouse that came last.
    assert_eq!(count(seen), Ok(vec!["1".to_string()]));
}
