"""The Python connector: what DB-API programs do with it. Runs with versions 4 and 5."""

import datetime as dt
import decimal
import json
import os
import tempfile
import threading
import time
from importlib.metadata import version

import snowflake.connector
from snowflake.connector import DictCursor, ProgrammingError
from snowflake.connector.errors import DatabaseError

from checks import HOST, PORT, check, equal, run

VERSION = version("snowflake-connector-python")
OLD = VERSION.startswith("4.")


def connect(**more):
    options = dict(
        user="firn", password="-", account="firn", host=HOST, port=PORT, protocol="http",
        database="FIRN", schema="PUBLIC", warehouse="COMPUTE_WH", platform_detection_timeout_seconds=0,
    )
    options.update(more)
    return snowflake.connector.connect(**options)


def rows(connection, sql, *arguments):
    return connection.cursor().execute(sql, *arguments).fetchall()


TYPES = """
SELECT 1::NUMBER(38,0) AS i, 1.50::NUMBER(5,2) AS n, 12345678901234567890123456789::NUMBER(38,0) AS w,
 2.5::FLOAT AS f, 'täxt'::VARCHAR(10) AS s, TRUE AS b, FALSE AS b2, DATE '2024-01-02' AS d,
 TIME '10:11:12.123456' AS t, '2024-01-02 03:04:05.678901'::TIMESTAMP_NTZ AS ntz,
 '2024-01-02 03:04:05.678 +0000'::TIMESTAMP_LTZ AS ltz,
 '2024-01-02 03:04:05.678 +0200'::TIMESTAMP_TZ AS tz, X'01FF' AS bin,
 PARSE_JSON('{"a": [1, null]}') AS v, ARRAY_CONSTRUCT(1, 2) AS a, NULL AS u
"""
UTC = dt.timezone.utc
VALUES = [
    1, decimal.Decimal("1.50"), 12345678901234567890123456789, 2.5, "täxt", True, False,
    dt.date(2024, 1, 2), dt.time(10, 11, 12, 123456), dt.datetime(2024, 1, 2, 3, 4, 5, 678901),
    dt.datetime(2024, 1, 2, 3, 4, 5, 678000, UTC),
    dt.datetime(2024, 1, 2, 3, 4, 5, 678000, dt.timezone(dt.timedelta(hours=2))),
    b"\x01\xff", {"a": [1, None]}, [1, 2], None,
]


def plain(row):
    return [json.loads(v) if i in (13, 14) else v for i, v in enumerate(row)]


@check
def one_row(c):
    equal(rows(c, "SELECT 1, 'a'"), [(1, "a")])


@check
def every_type_in_arrow(c):
    equal(plain(rows(c, TYPES)[0]), VALUES)


@check
def every_type_in_json(_):
    with connect(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}) as c:
        equal(plain(rows(c, TYPES)[0]), VALUES)


@check
def every_type_without_rows(c):
    equal(rows(c, f"SELECT * FROM ({TYPES}) WHERE 1 = 0"), [])


@check
def every_type_beside_null(c):
    found = rows(c, f"SELECT * FROM ({TYPES}) UNION ALL SELECT NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,"
                    "NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL ORDER BY 1")
    equal(plain(found[0]), VALUES)
    equal(found[1], (None,) * 16)


@check
def description(c):
    cursor = c.cursor().execute("SELECT 1.5::NUMBER(5,2) AS n, 'x'::VARCHAR(7) AS s")
    equal([(d[0], d[1]) for d in cursor.description], [("N", 0), ("S", 2)])
    equal((cursor.description[0].precision, cursor.description[0].scale), (5, 2))


@check
def describe_without_running(c):
    described = c.cursor().describe("SELECT 1/0 AS x, PARSE_JSON('a') AS v")
    equal([d.name for d in described], ["X", "V"])


@check
def ddl_and_dml(c):
    cursor = c.cursor()
    cursor.execute("CREATE OR REPLACE TABLE dml (id INT, name TEXT)")
    equal(cursor.fetchall(), [("Table DML successfully created.",)])
    cursor.execute("INSERT INTO dml VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    equal((cursor.rowcount, cursor.fetchall()), (3, [(3,)]))
    cursor.execute("UPDATE dml SET name = 'z' WHERE id > 1")
    equal(cursor.rowcount, 2)
    cursor.execute("DELETE FROM dml WHERE id = 1")
    equal(cursor.rowcount, 1)
    cursor.execute("MERGE INTO dml USING (SELECT 2 AS id UNION ALL SELECT 9) s ON dml.id = s.id "
                   "WHEN MATCHED THEN UPDATE SET name = 'm' WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'n')")
    equal(cursor.rowcount, 2)
    equal(rows(c, "SELECT * FROM dml ORDER BY id"), [(2, "m"), (3, "z"), (9, "n")])


@check
def errors(c):
    for sql, number, state in [
        ("SELECT * FROM not_there", 2003, "42S02"), ("SELEC 1", 1003, "42000"),
        ("SELECT 1/0", 100051, "22012"), ("SELECT nope", 904, "42000"),
    ]:
        try:
            rows(c, sql)
        except ProgrammingError as error:
            equal((error.errno, error.sqlstate), (number, state))
            assert error.sfqid
        else:
            raise AssertionError(f"{sql} did not fail")


@check
def named_binds_on_the_client(c):
    equal(rows(c, "SELECT %(a)s, %(b)s", {"a": 1, "b": "it's"}), [(1, "it's")])


@check
def binds_on_the_server(_):
    with connect(paramstyle="qmark") as c:
        naive = dt.datetime(2024, 1, 2, 3, 4, 5, 678901)
        values = [1, 2.5, "x", True, None, b"\x01\xff", dt.date(2024, 1, 2), dt.time(10, 11, 12),
                  naive, decimal.Decimal("1.25")]
        marks = ", ".join("?" * len(values))
        equal(list(rows(c, f"SELECT {marks}", values)[0]), values)
        equal(rows(c, "SELECT ?::DATE", ("2024-01-02",)), [(dt.date(2024, 1, 2),)])
        zoned = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone(dt.timedelta(hours=2)))
        found = rows(c, "SELECT ?", [("TIMESTAMP_LTZ", zoned)])[0][0]
        equal(found, zoned)


@check
def numbered_binds(_):
    with connect(paramstyle="numeric") as c:
        equal(rows(c, "SELECT :2, :1", (1, "a")), [("a", 1)])


@check
def arrays_of_binds(_):
    with connect(paramstyle="qmark") as c:
        cursor = c.cursor()
        cursor.execute("CREATE OR REPLACE TABLE many (i INT, s TEXT, d DATE, f FLOAT)")
        data = [(i, f"n{i}", dt.date(2024, 1, 1) if i % 2 else None, i / 2) for i in range(500)]
        cursor.executemany("INSERT INTO many VALUES (?, ?, ?, ?)", data)
        equal(cursor.rowcount, 500)
        equal(rows(c, "SELECT COUNT(*), SUM(i), COUNT(d), MAX(s) FROM many"),
              [(500, 124750, 250, "n99")])
        cursor.execute("CREATE OR REPLACE TABLE documents (i INT, v VARIANT)")
        documents = [(i, json.dumps({"a": i})) for i in range(50)]
        cursor.executemany("INSERT INTO documents SELECT ?, PARSE_JSON(?)", documents)
        equal(rows(c, "SELECT COUNT(*), SUM(v:a) FROM documents"), [(50, 1225)])
        cursor.executemany("UPDATE many SET s = ? WHERE i = ?", [("x", 1), ("y", 2)])
        equal(rows(c, "SELECT s FROM many WHERE i IN (1, 2) ORDER BY i"), [("x",), ("y",)])


@check
def binds_by_a_stage(_):
    with connect(paramstyle="qmark") as c:
        cursor = c.cursor()
        cursor.execute("ALTER SESSION SET CLIENT_STAGE_ARRAY_BINDING_THRESHOLD = 100")
        cursor.execute("CREATE OR REPLACE TABLE staged (i INT, s TEXT, d DATE, f FLOAT, t TIMESTAMP_NTZ, b BOOLEAN)")
        data = [
            (i, f'n"{i}",\\\n' if i % 3 else None, dt.date(2024, 1, 1) if i % 2 else None, i / 2,
             dt.datetime(2024, 1, 2, 3, 4, 5, 678901), i % 2 == 0)
            for i in range(200)
        ]
        cursor.executemany("INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?)", data)
        found = rows(c, "SELECT * FROM staged ORDER BY i")
        equal([tuple(row) for row in found], data)


@check
def executemany_on_the_client(c):
    cursor = c.cursor()
    cursor.execute("CREATE OR REPLACE TABLE few (i INT, s TEXT)")
    cursor.executemany("INSERT INTO few VALUES (%s, %s)", [(1, "a"), (2, "b")])
    equal(cursor.rowcount, 2)


@check
def transactions(_):
    with connect(autocommit=False) as c, connect() as other:
        rows(c, "CREATE OR REPLACE TABLE tx (i INT)")
        rows(c, "INSERT INTO tx VALUES (1)")
        equal(rows(other, "SELECT COUNT(*) FROM tx"), [(0,)])
        c.rollback()
        equal(rows(c, "SELECT COUNT(*) FROM tx"), [(0,)])
        rows(c, "INSERT INTO tx VALUES (2)")
        c.commit()
        equal(rows(other, "SELECT i FROM tx"), [(2,)])
        c.autocommit(True)
        rows(c, "INSERT INTO tx VALUES (3)")
        equal(rows(other, "SELECT COUNT(*) FROM tx"), [(2,)])


@check
def several_statements(c):
    cursor = c.cursor()
    cursor.execute("SELECT 1; SELECT 2, 'b'; CREATE OR REPLACE TABLE ms (i INT)", num_statements=3)
    equal(cursor.fetchall(), [(1,)])
    assert cursor.nextset()
    equal(cursor.fetchall(), [(2, "b")])
    assert cursor.nextset()
    equal(cursor.fetchall(), [("Table MS successfully created.",)])
    assert not cursor.nextset()
    try:
        c.cursor().execute("SELECT 1; SELECT 2", num_statements=3)
    except ProgrammingError as error:
        assert "did not match the desired statement count 3" in str(error), error
    else:
        raise AssertionError("a wrong count is taken")


@check
def scripts_cut_by_the_client(c):
    cursors = c.execute_string("SELECT 1; SELECT 2;")
    equal([cursor.fetchall() for cursor in cursors], [[(1,)], [(2,)]])


@check
def detached(c):
    cursor = c.cursor()
    cursor.execute_async("SELECT SYSTEM$WAIT(1), 5")
    query_id = cursor.sfqid
    assert c.is_still_running(c.get_query_status(query_id))
    cursor.get_results_from_sfqid(query_id)
    equal(cursor.fetchall()[0][1], 5)
    equal(c.get_query_status(query_id).name, "SUCCESS")
    cursor.execute_async("SELECT 1/0")
    query_id = cursor.sfqid
    while c.is_still_running(c.get_query_status(query_id)):
        time.sleep(0.05)
    try:
        c.get_query_status_throw_if_error(query_id)
    except ProgrammingError as error:
        equal(error.errno, 100051)
    else:
        raise AssertionError("a failed query is fine")


@check
def result_by_id_in_another_session(c):
    cursor = c.cursor().execute("SELECT 42 AS x")
    with connect() as other:
        found = other.cursor()
        found.get_results_from_sfqid(cursor.sfqid)
        equal(found.fetchall(), [(42,)])
        equal(rows(other, f"SELECT * FROM TABLE(RESULT_SCAN('{cursor.sfqid}'))"), [(42,)])


@check
def cancel(c):
    cursor = c.cursor()
    cursor.execute_async("SELECT SYSTEM$WAIT(60)")
    c.cursor().abort_query(cursor.sfqid)
    for _ in range(100):
        if not c.is_still_running(c.get_query_status(cursor.sfqid)):
            return
        time.sleep(0.05)
    raise AssertionError("it runs on")


@check
def time_limit(c):
    start = time.time()
    try:
        # Version 5 takes the argument and does nothing with it.
        if OLD:
            c.cursor().execute("SELECT SYSTEM$WAIT(30)", timeout=1)
        else:
            rows(c, "ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1")
            rows(c, "SELECT SYSTEM$WAIT(30)")
    except DatabaseError as error:
        assert time.time() - start < 10, error
    else:
        raise AssertionError("no limit")
    finally:
        rows(c, "ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS")


@check
def large_result(c):
    sql = "SELECT SEQ4() AS i, 'row ' || SEQ4() AS s, SEQ4() / 2 AS h FROM TABLE(GENERATOR(ROWCOUNT => 600000))"
    count = total = 0
    for row in c.cursor().execute(sql):
        count += 1
        total += row[0]
    equal((count, total), (600000, 600000 * 599999 // 2))


@check
def large_result_in_json(_):
    with connect(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}) as c:
        sql = "SELECT SEQ4(), 'row ' || SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 300000))"
        equal(sum(row[0] for row in c.cursor().execute(sql)), 300000 * 299999 // 2)


@check
def pandas(c):
    sql = "SELECT SEQ4() AS i, SEQ4()::NUMBER(38,0) * 1000000000000 AS w, 'a' AS s, " \
          "DATEADD(day, SEQ4(), DATE '2024-01-01') AS d, SEQ4()::FLOAT AS f " \
          "FROM TABLE(GENERATOR(ROWCOUNT => 200000))"
    frame = c.cursor().execute(sql).fetch_pandas_all()
    equal((len(frame), int(frame["I"].sum()), list(frame.columns)),
          (200000, 200000 * 199999 // 2, ["I", "W", "S", "D", "F"]))
    batches = c.cursor().execute(sql).fetch_pandas_batches()
    equal(sum(len(batch) for batch in batches), 200000)
    table = c.cursor().execute(TYPES).fetch_arrow_all()
    equal(table.num_rows, 1)
    empty = c.cursor().execute(f"SELECT * FROM ({TYPES}) WHERE 1 = 0").fetch_pandas_all()
    equal(len(empty), 0)


@check
def dictionary_rows(c):
    equal(c.cursor(DictCursor).execute("SELECT 1 AS a").fetchall(), [{"A": 1}])


@check
def session_facts(c):
    equal(rows(c, "SELECT CURRENT_SESSION()::NUMBER, CURRENT_USER(), CURRENT_IP_ADDRESS()"),
          [(c.session_id, "FIRN", "127.0.0.1")])
    client = rows(c, "SELECT CURRENT_CLIENT()")[0][0]
    assert VERSION in client, client
    assert [int(part) for part in rows(c, "SELECT CURRENT_VERSION()")[0][0].split(".")]


@check
def use_and_parameters(_):
    with connect(session_parameters={"QUERY_TAG": "t", "NOT_KNOWN_AT_ALL": 1, "TIMEZONE": "UTC"}) as c:
        equal(rows(c, "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION")[0][1], "t")
        rows(c, "CREATE OR REPLACE SCHEMA other_schema")
        rows(c, "USE SCHEMA other_schema")
        equal(c.schema, "OTHER_SCHEMA")
        rows(c, "ALTER SESSION SET TIMEZONE = 'Europe/Berlin'")
        found = rows(c, "SELECT '2024-01-02 00:00:00 +0000'::TIMESTAMP_LTZ")[0][0]
        equal(found.utcoffset(), dt.timedelta(hours=1))
        rows(c, "ALTER SESSION SET CLIENT_PREFETCH_THREADS = 2")
        try:
            rows(c, "ALTER SESSION SET NOT_KNOWN_AT_ALL = 1")
        except ProgrammingError:
            pass
        else:
            raise AssertionError("an unknown parameter is taken")


@check
def login_to_a_schema_that_is_not_there(_):
    with connect(schema="NOT_THERE_YET") as c:
        equal(rows(c, "SELECT CURRENT_SCHEMA()"), [(None,)])


@check
def show_in_a_missing_schema(c):
    try:
        rows(c, "SHOW OBJECTS IN FIRN.NOT_THERE")
    except ProgrammingError as error:
        assert "002043 (02000)" in str(error), error
    else:
        raise AssertionError("it is there")


@check
def sign_of_life(c):
    assert c.is_valid()


@check
def threads(c):
    found = []

    def work(number):
        found.append(rows(c, f"SELECT {number}, SYSTEM$WAIT(1)")[0][0])

    start = time.time()
    all_threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    [thread.start() for thread in all_threads]
    [thread.join() for thread in all_threads]
    equal(sorted(found), list(range(8)))
    assert time.time() - start < 6, "one after another"


@check
def put_and_get(c):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "numbers.csv")
        with open(path, "w") as file:
            file.write("".join(f"{i},n{i}\n" for i in range(1000)))
        rows(c, "CREATE OR REPLACE STAGE files")
        put = rows(c, f"PUT file://{path} @files/in")
        equal((put[0][0], put[0][1], put[0][6]), ("numbers.csv", "numbers.csv.gz", "UPLOADED"))
        equal([row[0] for row in rows(c, "LIST @files")], ["files/in/numbers.csv.gz"])
        rows(c, "CREATE OR REPLACE TABLE loaded (i INT, s TEXT)")
        rows(c, "COPY INTO loaded FROM @files/in FILE_FORMAT = (TYPE = CSV)")
        equal(rows(c, "SELECT COUNT(*), SUM(i) FROM loaded"), [(1000, 499500)])
        plain_put = rows(c, f"PUT file://{path} @files/plain AUTO_COMPRESS = FALSE")
        equal(plain_put[0][1], "numbers.csv")
        out = os.path.join(folder, "out")
        os.mkdir(out)
        got = rows(c, f"GET @files/plain file://{out}")
        equal(got[0][2], "DOWNLOADED")
        with open(os.path.join(out, "numbers.csv")) as one, open(path) as other:
            equal(one.read(), other.read())


@check
def local_files_of_the_server_are_out_of_reach(c):
    for sql in [
        "COPY INTO loaded FROM 'file:///etc/passwd' FILE_FORMAT = (TYPE = CSV)",
        "CREATE STAGE disk URL = 'file:///etc/'",
        "COPY INTO 'file:///tmp/firn-out/' FROM (SELECT 1)",
        "SELECT $1 FROM 'file:///etc/passwd'",
    ]:
        try:
            rows(c, sql)
        except ProgrammingError:
            continue
        raise AssertionError(sql)


@check
def write_pandas(c):
    import pandas as pd
    from snowflake.connector.pandas_tools import write_pandas as write

    frame = pd.DataFrame({"I": range(100), "S": [f"n{i}" for i in range(100)], "F": [i / 2 for i in range(100)]})
    ok, _, count, _ = write(c, frame, "FRAME", auto_create_table=True, overwrite=True)
    equal((ok, count), (True, 100))
    equal(rows(c, 'SELECT COUNT(*), SUM(i), MAX(s) FROM frame'), [(100, 4950, "n99")])


if __name__ == "__main__":
    with connect() as connection:
        run(f"connector {VERSION}", connection)
