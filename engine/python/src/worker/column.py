"""Expressions of SQL as objects: the part of `snowflake.snowpark.functions` and `Column` that needs nothing but texts."""


def sql_name(name):
    """A name as SQL has it: as it is where it is one, or else in quotes."""
    if name.startswith('"') or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", name):
        return name
    return quoted_name(name)


def quoted_name(name):
    """A name that stands for itself, in quotes."""
    return '"' + name.replace('"', '""') + '"'


def path_name(name):
    """The name of an object, which may be a list of its parts."""
    return name if isinstance(name, str) else ".".join(map(sql_name, name))


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, decimal.Decimal)):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, float):
        return f"'{float.__repr__(value)}'::FLOAT"
    if isinstance(value, bytes):
        return f"TO_BINARY('{value.hex()}')"
    if isinstance(value, datetime.datetime):
        kind = "TIMESTAMP_NTZ" if value.tzinfo is None else "TIMESTAMP_TZ"
        return f"'{value.isoformat(' ')}'::{kind}"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"'{value.isoformat()}'::{'DATE' if isinstance(value, datetime.date) else 'TIME'}"
    if isinstance(value, (list, tuple, dict)):
        return f"PARSE_JSON({literal(json.dumps(value, default=in_json))})"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    raise TypeError(f"A {type(value).__name__} is no value in SQL")


def expression(value):
    """The SQL of a column, or of a value."""
    return value.sql if isinstance(value, Column) else literal(value)


def of_name(value):
    """The SQL of a column, or of a column's name."""
    return value.sql if isinstance(value, Column) else "*" if value == "*" else sql_name(value)


class Column:
    """An expression, and the name that it is to have."""

    def __init__(self, sql, name=None):
        self.sql, self.name = sql, name

    def alias(self, name):
        return Column(self.sql, name)

    as_ = alias
    name_as = alias

    def selected(self):
        return self.sql if self.name is None else f"{self.sql} AS {sql_name(self.name)}"

    def cast(self, to):
        return Column(f"CAST({self.sql} AS {to})")

    def is_null(self):
        return Column(f"({self.sql} IS NULL)")

    def is_not_null(self):
        return Column(f"({self.sql} IS NOT NULL)")

    def isin(self, *values):
        values = values[0] if len(values) == 1 and isinstance(values[0], (list, tuple, set)) else values
        return Column(f"({self.sql} IN ({', '.join(map(expression, values))}))")

    in_ = isin

    def between(self, low, high):
        return Column(f"({self.sql} BETWEEN {expression(low)} AND {expression(high)})")

    def like(self, pattern):
        return Column(f"({self.sql} LIKE {expression(pattern)})")

    def asc(self):
        return Column(f"{self.sql} ASC")

    def desc(self):
        return Column(f"{self.sql} DESC")

    def __getitem__(self, key):
        return Column(f"{self.sql}[{literal(key)}]")

    def __neg__(self):
        return Column(f"(-{self.sql})")

    def __invert__(self):
        return Column(f"(NOT {self.sql})")

    def __bool__(self):
        raise TypeError("A Column has no truth value: write & for AND, | for OR, ~ for NOT")

    __hash__ = object.__hash__


def operator(symbol, swapped=False):
    def apply(self, other):
        left, right = self.sql, expression(other)
        left, right = (right, left) if swapped else (left, right)
        return Column(f"({left} {symbol} {right})")

    return apply


for method, symbol in {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "mod": "%", "and": "AND", "or": "OR",
}.items():
    setattr(Column, f"__{method}__", operator(symbol))
    setattr(Column, f"__r{method}__", operator(symbol, swapped=True))
for method, symbol in {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(Column, f"__{method}__", operator(symbol))


def sql_function(name):
    """A function of SQL: names of columns may be given for columns, as with Snowpark."""
    return lambda *arguments: Column(f"{name.rstrip('_').upper()}({', '.join(map(of_argument, arguments))})")


def of_argument(value):
    return of_name(value) if isinstance(value, (str, Column)) else literal(value)


def count_distinct(*columns):
    return Column(f"COUNT(DISTINCT {', '.join(map(of_argument, columns))})")


def functions_module():
    module = types.ModuleType("snowflake.snowpark.functions")
    module.col = module.column = lambda name: Column(of_name(name))
    module.lit = lambda value: Column(literal(value))
    module.sql_expr = lambda text: Column(f"({text})")
    module.call_function = module.call_builtin = lambda name, *given: sql_function(name)(*given)
    module.function = module.builtin = sql_function
    module.count_distinct = module.countDistinct = count_distinct
    # Any other name is that of a function in SQL.
    module.__getattr__ = lambda name: missing(name) if name.startswith("__") else sql_function(name)
    return module


def missing(name):
    raise AttributeError(name)
