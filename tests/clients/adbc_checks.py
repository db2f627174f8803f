"""ADBC's Snowflake driver, which is the Go driver inside."""

import datetime as dt

import adbc_driver_snowflake.dbapi as adbc
import pyarrow as pa

from checks import HOST, PORT, check, equal, run

URI = f"firn:-@{HOST}:{PORT}/FIRN/PUBLIC?account=firn&protocol=http&warehouse=COMPUTE_WH"
DATA = pa.table({
    "I": list(range(1000)), "S": [f"n{i}" for i in range(1000)], "D": [dt.date(2024, 1, 1)] * 1000,
    "T": [dt.datetime(2024, 1, 1, 1, 2, 3)] * 1000, "F": [1.5] * 1000, "B": [True] * 1000,
})


def rows(connection, sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, *arguments)
        return cursor.fetchall()


@check
def types(c):
    sql = """SELECT 1.5::NUMBER(5,2) AS n, 2.5::FLOAT AS f, TRUE AS b, DATE '2024-01-02' AS d,
        TIME '10:11:12' AS t, '2024-01-02 03:04:05.678'::TIMESTAMP_NTZ AS z,
        '2024-01-02 03:04:05.678 +0200'::TIMESTAMP_TZ AS tz, X'01FF' AS x, PARSE_JSON('{"a":1}') AS v,
        NULL AS u, '2024-01-02 03:04:05.678'::TIMESTAMP_NTZ(3) AS z3"""
    with c.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetch_arrow_table().to_pylist()[0]
    equal((row["D"], row["T"], row["X"], row["U"]), (dt.date(2024, 1, 2), dt.time(10, 11, 12), b"\x01\xff", None))
    equal((row["Z"].microsecond, row["Z3"].microsecond), (678000, 678000))
    equal(row["TZ"].astimezone(dt.timezone.utc).hour, 1)
    equal(rows(c, "SELECT 1 WHERE 1 = 0"), [])


@check
def statements(c):
    rows(c, "CREATE OR REPLACE TABLE adbc_one (i INT, s TEXT)")
    rows(c, "INSERT INTO adbc_one VALUES (1, 'a'), (2, 'b')")
    equal(rows(c, "SELECT s FROM adbc_one WHERE i = ?", (2,)), [("b",)])
    with c.cursor() as cursor:
        cursor.executemany("INSERT INTO adbc_one VALUES (?, ?)", [(3, "c"), (4, "d")])
        equal(cursor.adbc_execute_schema("SELECT i, s FROM adbc_one").names, ["I", "S"])
    equal(rows(c, "SELECT COUNT(*) FROM adbc_one"), [(4,)])
    try:
        rows(c, "SELECT * FROM not_there")
    except Exception as error:  # noqa: BLE001 - the driver's own class
        assert "42S02" in str(error), error
    else:
        raise AssertionError("it is there")


@check
def ingest(c):
    for mode, count in [("create", 1000), ("append", 2000), ("replace", 1000)]:
        with c.cursor() as cursor:
            cursor.adbc_ingest("ADBC_IN", DATA, mode=mode)
        equal(rows(c, "SELECT COUNT(*) FROM adbc_in"), [(count,)])
    equal(c.adbc_get_table_schema("ADBC_IN").names, ["I", "S", "D", "T", "F", "B"])


@check
def catalog(c):
    for depth in ("catalogs", "db_schemas", "tables", "all"):
        assert c.adbc_get_objects(depth=depth).read_all().num_rows > 0


@check
def large_result(c):
    sql = "SELECT SEQ4() AS i, 'text ' || SEQ4() AS s FROM TABLE(GENERATOR(ROWCOUNT => 300000))"
    with c.cursor() as cursor:
        cursor.execute(sql)
        table = cursor.fetch_arrow_table()
    equal((table.num_rows, int(pa.compute.sum(table["I"]).as_py())), (300000, 300000 * 299999 // 2))


@check
def transactions(c):
    with adbc.connect(URI) as other:
        rows(other, "SELECT 1")
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO adbc_one VALUES (100, 'q')")
        other.rollback()
        with other.cursor() as cursor:
            cursor.execute("INSERT INTO adbc_one VALUES (101, 'q')")
        other.commit()
    equal(rows(c, "SELECT i FROM adbc_one WHERE i >= 100"), [(101,)])


if __name__ == "__main__":
    import pyarrow.compute  # noqa: F401 - makes pa.compute

    with adbc.connect(URI, autocommit=True) as connection:
        run("adbc", connection)
