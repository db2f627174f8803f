"""The session of procedures: the part of Snowpark's `Session`, `DataFrame` and `Row` that firn has.

A data frame is the text of a query; each of its methods writes another one around it.
"""


class SnowparkSQLException(Exception):
    """What a statement failed with."""

    def __init__(self, code, state, query_id, message):
        super().__init__(f"(1304): {query_id}: {code:06} ({state}): {message}")
        self.message, self.sql_error_code, self.sqlstate, self.sfqid = message, code, state, query_id
        self.query_id, self.raw_message = query_id, message


class Row(tuple):
    """A row: a tuple whose values have the names of columns."""

    def __new__(cls, *values, **named):
        if named and values:
            raise ValueError("Either values or names with values")
        row = super().__new__(cls, tuple(named.values()) if named else values)
        row._fields = tuple(named) if named else None
        return row

    @classmethod
    def of(cls, names, values):
        row = super().__new__(cls, values)
        row._fields = names
        return row

    def __getitem__(self, key):
        if not isinstance(key, str):
            return super().__getitem__(key)
        names = self._fields or ()
        if key in names:
            return super().__getitem__(names.index(key))
        raise KeyError(key)

    def __getattr__(self, name):
        names = self.__dict__.get("_fields") or ()
        found = name if name in names else name.upper()
        if found in names and not name.startswith("__"):
            return super().__getitem__(names.index(found))
        raise AttributeError(f"Row has no column '{name}'")

    def as_dict(self, recursive=False):
        if self._fields is None:
            raise TypeError("A row without names is no dictionary")
        return dict(zip(self._fields, self))

    asDict = as_dict

    def __repr__(self):
        if self._fields is None:
            return f"Row({', '.join(map(repr, self))})"
        return f"Row({', '.join(f'{name}={value!r}' for name, value in zip(self._fields, self))})"


class DataFrame:
    """The rows of a query, which runs when they are asked for."""

    def __init__(self, session, sql, params=None, is_query=None):
        self.session, self._sql, self._params = session, sql.strip().rstrip(";"), list(params or [])
        words = self._sql.lstrip("( \n\t").split(None, 1)
        # What is no query, such as SHOW, is one by the id of its result.
        self._is_query = bool(words) and words[0].upper() in ("SELECT", "WITH", "VALUES") if is_query is None else is_query
        self._names = None

    @property
    def queries(self):
        return {"queries": [self._sql], "post_actions": []}

    def _with(self, sql):
        return DataFrame(self.session, sql, self._params, True)

    def _inner(self):
        # A comment at the end of the text ends before the parenthesis.
        if self._is_query:
            return f"({self._sql}\n)"
        result = self.session._run(self._sql, self._params)
        self._sql, self._params = f"SELECT * FROM TABLE(RESULT_SCAN('{result.query_id}'))", []
        self._is_query = True
        return f"({self._sql})"

    def _run(self):
        result = self.session._run(self._sql, self._params)
        self._names = list(result.names)
        return result

    def collect(self, *, block=True, **_):
        return list(self._run().rows()) if block else AsyncJob(self, "row")

    def collect_nowait(self, **_):
        return AsyncJob(self, "row")

    def to_local_iterator(self, *, block=True, **_):
        return self._run().rows() if block else AsyncJob(self, "row_iterator")

    def to_pandas(self, *, block=True, **_):
        return data_frame_of(self._run()) if block else AsyncJob(self, "pandas")

    toPandas = to_pandas

    def count(self, **_):
        return self._with(f"SELECT COUNT(*) FROM {self._inner()}").collect()[0][0]

    def first(self, n=None, **_):
        rows = self.limit(1 if n is None else n).collect()
        return rows if n is not None else rows[0] if rows else None

    def take(self, n, **_):
        return self.first(n)

    def show(self, n=10, max_width=50, **_):
        print(*self.limit(n).collect() if self._is_query else self.collect(), sep="\n")

    @property
    def columns(self):
        if self._names is None:
            self._names = list(self.session._run(f"SELECT * FROM {self._inner()} LIMIT 0", self._params).names)
        return [name if re.fullmatch(r"[A-Z_][A-Z0-9_$]*", name) else quoted_name(name) for name in self._names]

    def __getitem__(self, name):
        return Column(of_name(name))

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if sql_name(name).upper() in map(str.upper, self.columns):
            return Column(sql_name(name))
        raise AttributeError(f"DataFrame has neither a method nor a column '{name}' here")

    def col(self, name):
        return Column(of_name(name))

    def select(self, *columns):
        chosen = ", ".join(map(chosen_sql, spread(columns)))
        return self._with(f"SELECT {chosen} FROM {self._inner()}")

    def select_expr(self, *texts):
        return self._with(f"SELECT {', '.join(spread(texts))} FROM {self._inner()}")

    selectExpr = select_expr

    def filter(self, condition):
        text = condition.sql if isinstance(condition, Column) else condition
        return self._with(f"SELECT * FROM {self._inner()} WHERE {text}")

    where = filter

    def sort(self, *columns, ascending=None):
        columns = [of_name(column) for column in spread(columns)]
        ways = ascending if isinstance(ascending, (list, tuple)) else [ascending] * len(columns)
        written = [
            column if way is None else f"{column} {'ASC' if way else 'DESC'}"
            for column, way in zip(columns, ways)
        ]
        return self._with(f"SELECT * FROM {self._inner()} ORDER BY {', '.join(written)}")

    order_by = sort
    orderBy = sort

    def limit(self, n, offset=0):
        return self._with(f"SELECT * FROM {self._inner()} LIMIT {int(n)} OFFSET {int(offset)}")

    def distinct(self):
        return self._with(f"SELECT DISTINCT * FROM {self._inner()}")

    def drop(self, *columns):
        names = ", ".join(map(of_name, spread(columns)))
        return self._with(f"SELECT * EXCLUDE ({names}) FROM {self._inner()}")

    def with_column(self, name, column):
        known = sql_name(name).strip('"').upper() in (known.strip('"').upper() for known in self.columns)
        others = f"* EXCLUDE ({sql_name(name)})" if known else "*"
        return self._with(f"SELECT {others}, {expression(column)} AS {sql_name(name)} FROM {self._inner()}")

    withColumn = with_column

    def with_column_renamed(self, existing, new):
        return self._with(f"SELECT * RENAME ({of_name(existing)} AS {sql_name(new)}) FROM {self._inner()}")

    withColumnRenamed = with_column_renamed

    def _of_both(self, words, other):
        both = DataFrame(self.session, f"{self._inner()} {words} {other._inner()}", is_query=True)
        both._params = self._params + other._params
        return both

    def union(self, other):
        return self._of_both("UNION", other)

    def union_all(self, other):
        return self._of_both("UNION ALL", other)

    unionAll = union_all

    def intersect(self, other):
        return self._of_both("INTERSECT", other)

    def except_(self, other):
        return self._of_both("EXCEPT", other)

    minus = subtract = except_

    def join(self, right, on=None, how="inner"):
        """A join on columns that both have by the same names."""
        names = [on] if isinstance(on, str) else on
        if names is None or not all(isinstance(name, str) for name in names):
            raise TypeError("join takes the names of columns that both sides have; else write it in SQL")
        using = f"USING ({', '.join(map(sql_name, names))})"
        both = DataFrame(self.session, "", is_query=True)
        both._sql = f"SELECT * FROM {self._inner()} {how.upper().replace('_', ' ')} JOIN {right._inner()} {using}"
        both._params = self._params + right._params
        return both

    def group_by(self, *columns):
        return Grouped(self, [of_name(column) for column in spread(columns)])

    groupBy = group_by

    def agg(self, *columns):
        return Grouped(self, []).agg(*columns)

    def create_or_replace_view(self, name, **_):
        return self.session.sql(f"CREATE OR REPLACE VIEW {path_name(name)} AS {self._sql}").collect()

    def create_or_replace_temp_view(self, name, **_):
        return self.session.sql(f"CREATE OR REPLACE TEMPORARY VIEW {path_name(name)} AS {self._sql}").collect()

    def cache_result(self):
        rows = self.session._run(self._sql, self._params)
        return DataFrame(self.session, f"SELECT * FROM TABLE(RESULT_SCAN('{rows.query_id}'))")

    @property
    def write(self):
        return Writer(self)


class AsyncJob:
    """A statement whose result is asked for later. It has run when the job is there: what it answers is the same."""

    def __init__(self, frame, result_type):
        self.session, self._result_type, self._result, self._error = frame.session, result_type, None, None
        try:
            self._result = frame._run()
            self.query_id = self._result.query_id
        except SnowparkSQLException as error:
            self._error, self.query_id = error, error.query_id

    def is_done(self):
        return True

    def is_failed(self):
        return self._error is not None

    def cancel(self):
        """Does nothing: the statement has ended."""

    def result(self, result_type=None):
        if self._error is not None:
            raise self._error
        wanted = (result_type or self._result_type).lower()
        if wanted == "no_result":
            return None
        if wanted == "row_iterator":
            return self._result.rows()
        if wanted not in ("row", "pandas"):
            raise ValueError(f"'{wanted}' is none of 'row', 'row_iterator', 'pandas' and 'no_result'")
        return list(self._result.rows()) if wanted == "row" else data_frame_of(self._result)

    def to_df(self):
        return DataFrame(self.session, f"SELECT * FROM TABLE(RESULT_SCAN('{self.query_id}'))")


def data_frame_of(result):
    import pandas

    rows = list(result.rows())
    return pandas.DataFrame([tuple(row) for row in rows], columns=list(result.names))


class Grouped:
    """The groups of a data frame."""

    def __init__(self, frame, keys):
        self.frame, self.keys = frame, keys

    def agg(self, *columns):
        columns = spread(columns)
        if len(columns) == 1 and isinstance(columns[0], dict):
            columns = [sql_function(name)(column) for column, name in columns[0].items()]
        columns = [sql_function(c[1])(c[0]) if isinstance(c, tuple) else c for c in columns]
        chosen = ", ".join([*self.keys, *(column.selected() for column in columns)])
        keys = f" GROUP BY {', '.join(self.keys)}" if self.keys else ""
        return self.frame._with(f"SELECT {chosen} FROM {self.frame._inner()}{keys}")

    def count(self):
        return self.agg(Column("COUNT(*)", "COUNT"))

    def _each(self, name, columns):
        return self.agg(*(sql_function(name)(column) for column in columns))

    def sum(self, *columns):
        return self._each("SUM", columns)

    def avg(self, *columns):
        return self._each("AVG", columns)

    mean = avg

    def min(self, *columns):
        return self._each("MIN", columns)

    def max(self, *columns):
        return self._each("MAX", columns)


class Writer:
    """Writes a data frame's rows."""

    def __init__(self, frame):
        self.frame, self.how = frame, "errorifexists"

    def mode(self, how):
        self.how = how.lower()
        return self

    def save_as_table(self, table_name, *, mode=None, table_type="", **_):
        how, name, frame = (mode or self.how).lower(), path_name(table_name), self.frame
        heads = {"overwrite": "CREATE OR REPLACE {} TABLE", "errorifexists": "CREATE {} TABLE", "ignore": "CREATE {} TABLE IF NOT EXISTS"}
        heads["append"] = heads["ignore"]
        if how not in heads and how != "truncate":
            raise ValueError(f"mode is one of append, overwrite, truncate, errorifexists, ignore, not '{how}'")
        run = frame.session._run
        query = frame._inner()
        if how == "append":
            run(f"{heads[how].format(table_type)} {name} AS SELECT * FROM {query} LIMIT 0", frame._params)
        elif how == "truncate":
            run(f"TRUNCATE TABLE {name}", [])
        else:
            run(f"{heads[how].format(table_type)} {name} AS SELECT * FROM {query}", frame._params)
            return
        run(f"INSERT INTO {name} SELECT * FROM {query}", frame._params)

    saveAsTable = save_as_table


def spread(columns):
    return list(columns[0]) if len(columns) == 1 and isinstance(columns[0], (list, tuple)) else list(columns)


def chosen_sql(column):
    return column.selected() if isinstance(column, Column) else of_name(column)


class Result:
    """What a statement has answered; its rows come as they are asked for."""

    def __init__(self, session, frame):
        self.session = session
        self.number, self.query_id = frame.number(), frame.text()
        self.names = tuple(frame.list(frame.text))

    def rows(self):
        batch = 0
        while True:
            frame = self.session._ask(b"b", number(self.number), number(batch))
            if not frame.byte():
                return
            count = frame.number()
            columns = [with_none(frame.values(count)) for _ in self.names]
            for values in zip(*columns):
                yield Row.of(self.names, values)
            batch += 1


def with_none(values):
    return [None if value is SQL_NULL else value for value in values]


class Session:
    """The session that a procedure runs in."""

    def __init__(self, channel):
        self._channel, self._lock = channel, threading.RLock()

    def _ask(self, *parts):
        with self._lock:
            self._channel.write([b"Q", *parts])
            frame = self._channel.read()
        if frame is None:
            end()
        if frame.char() == "X":
            raise SnowparkSQLException(
                int(frame.text()), frame.text(), frame.text(), frame.text()
            )
        return frame

    def _run(self, sql, params):
        binds = [part for value in params for part in column_of(kind_of(value), [value])]
        return Result(self, self._ask(b"r", text(sql), number(len(params)), *binds))

    def sql(self, query, params=None):
        return DataFrame(self, query, params)

    def table(self, name, **_):
        return DataFrame(self, f"SELECT * FROM {path_name(name)}")

    def call(self, name, *arguments, **_):
        marks = ", ".join("?" for _ in arguments)
        rows = self.sql(f"CALL {path_name(name)}({marks})", arguments).collect()
        return rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else rows

    def create_dataframe(self, data, schema=None):
        if hasattr(data, "columns") and hasattr(data, "itertuples"):
            schema, data = schema or list(data.columns), list(data.itertuples(index=False, name=None))
        rows = [row if isinstance(row, (list, tuple)) else tuple(row.values()) if isinstance(row, dict) else (row,) for row in data]
        if not rows:
            raise ValueError("create_dataframe without rows has no types: write it in SQL")
        if schema is None:
            first = data[0]
            names = first.keys() if isinstance(first, dict) else getattr(first, "_fields", None)
            schema = list(names or (f"_{place}" for place in range(1, len(rows[0]) + 1)))
        rows = [[None if value != value else plain(value) for value in row] for row in rows]
        lines = ", ".join(f"({', '.join(map(literal, row))})" for row in rows)
        names = ", ".join(f"column{place} AS {sql_name(name)}" for place, name in enumerate(schema, 1))
        return DataFrame(self, f"SELECT {names} FROM VALUES {lines}")

    createDataFrame = create_dataframe

    def range(self, start, end=None, step=1):
        start, end = (0, start) if end is None else (start, end)
        place = "(ROW_NUMBER() OVER (ORDER BY SEQ8()) - 1)"
        value = f"{literal(start)} + {place} * {literal(step)}"
        rows = len(range(start, end, step))
        return DataFrame(self, f"SELECT {value} AS ID FROM TABLE(GENERATOR(ROWCOUNT => {rows}))")

    def _one(self, text):
        return self.sql(f"SELECT {text}").collect()[0][0]

    def _use(self, kind, name):
        self._run(f"USE {kind} {name}", [])


def current(kind):
    return lambda self: (lambda name: None if name is None else quoted_name(name))(self._one(f"CURRENT_{kind}()"))


for what in ("DATABASE", "SCHEMA", "ROLE", "WAREHOUSE", "USER", "ACCOUNT"):
    setattr(Session, f"get_current_{what.lower()}", current(what))
for what in ("DATABASE", "SCHEMA", "ROLE", "WAREHOUSE"):
    setattr(Session, f"use_{what.lower()}", lambda self, name, kind=what: self._use(kind, name))

# The kinds of values by their types, for the question marks of a statement.
BOUND = [
    (bool, "b"), (int, "i"), (float, "f"), (decimal.Decimal, "d"), (str, "t"), (bytes, "x"),
    (datetime.time, "T"), ((list, tuple, dict), "v"),
]


def kind_of(value):
    if value is None:
        return "t"
    if isinstance(value, datetime.datetime):
        return "N" if value.tzinfo is None else "Z"
    if isinstance(value, datetime.date):
        return "D"
    for of, kind in BOUND:
        if isinstance(value, of):
            return kind
    raise TypeError(f"A {type(value).__name__} is no value for a statement")


# The pipes to firn, once they are there.
CHANNEL = []


class Procedure:
    """A procedure: its handler gets the session before the arguments."""

    def __init__(self, definition):
        self.install()
        self.handler = find_handler(definition)
        self.parameters = definition.parameters
        self.kinds = [kind for _, kind in definition.returns]
        self.gives_table = definition.gives_table

    def call(self, frame):
        session = Session(CHANNEL[0])
        arguments = [frame.values(1)[0] for _ in self.parameters]
        value = self.handler(session, *arguments)
        if not self.gives_table:
            return [b"V", *column_of(self.kinds[0], [value])]
        if not isinstance(value, DataFrame):
            raise TypeError(f"Expected a DataFrame of the session, got {type(value).__name__}")
        binds = [part for one in value._params for part in column_of(kind_of(one), [one])]
        return [b"T", text(value._sql), number(len(value._params)), *binds]

    @staticmethod
    def install():
        """What handlers import by the names of Snowpark's modules."""
        snowflake, snowpark = types.ModuleType("snowflake"), types.ModuleType("snowflake.snowpark")
        snowflake.__path__, snowpark.__path__ = [], []
        exceptions = types.ModuleType("snowflake.snowpark.exceptions")
        exceptions.SnowparkSQLException = SnowparkSQLException
        parts = {"Session": Session, "DataFrame": DataFrame, "Row": Row, "Column": Column, "AsyncJob": AsyncJob}
        parts.update(functions=functions_module(), exceptions=exceptions)
        snowflake.snowpark = snowpark
        for name, part in parts.items():
            setattr(snowpark, name, part)
        session = types.ModuleType("snowflake.snowpark.session")
        session.Session = Session
        async_job = types.ModuleType("snowflake.snowpark.async_job")
        async_job.AsyncJob = AsyncJob
        for module in (snowflake, snowpark, parts["functions"], exceptions, session, async_job):
            sys.modules[module.__name__] = module
