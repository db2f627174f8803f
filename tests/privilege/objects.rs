//! Statements that make, change and drop objects.

use super::{Case, DB, SCHEMA, WH};

/// Statements with the grants that they need.
pub(crate) const STATEMENTS: &[Case] = &[
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
    // Bringing back, and replacing by what changes.
    ("UNDROP TABLE d.s.gone", &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.gone"]),
    ("UNDROP DYNAMIC TABLE d.s.gone_dt", &[DB, SCHEMA, "OWNERSHIP ON DYNAMIC TABLE d.s.gone_dt"]),
    ("UNDROP TAG d.s.gone_tag", &[DB, SCHEMA, "OWNERSHIP ON TAG d.s.gone_tag"]),
    ("UNDROP SCHEMA d.gone_s", &[DB, "OWNERSHIP ON SCHEMA d.gone_s"]),
    ("UNDROP DATABASE gone_d", &["OWNERSHIP ON DATABASE gone_d"]),
    (
        "CREATE OR ALTER TABLE d.s.t (a INT PRIMARY KEY, b INT, c INT)",
        &[DB, SCHEMA, "OWNERSHIP ON TABLE d.s.t"],
    ),
    ("COMMENT ON VIEW d.s.v IS 'x'", &[DB, SCHEMA, "OWNERSHIP ON VIEW d.s.v"]),
    ("COMMENT ON SCHEMA d.s IS 'x'", &[DB, "OWNERSHIP ON SCHEMA d.s"]),
    ("COMMENT ON DATABASE d IS 'x'", &["OWNERSHIP ON DATABASE d"]),
    ("COMMENT ON WAREHOUSE w2 IS 'x'", &["OWNERSHIP ON WAREHOUSE w2"]),
    (
        "CREATE STREAM d.s.n ON VIEW d.s.v",
        &[DB, SCHEMA, "CREATE STREAM ON SCHEMA d.s", "SELECT ON VIEW d.s.v"],
    ),
    ("CREATE DATABASE n CLONE d", &["CREATE DATABASE ON ACCOUNT", DB]),
];
