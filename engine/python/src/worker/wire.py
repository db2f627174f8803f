"""How values come from firn and go there: the other side of `encode.rs` and `decode.rs`.

A column is: its kind, a byte of flags, a byte a row that is 1 for NULL where the flags say so, and its values: of a
fixed width, in the machine's order of bytes, or texts behind the places where they begin and end.
"""

import datetime
import decimal
import itertools
import json
import math
import re
import struct
from array import array

HAS_NULLS, AS_TEXT = 1, 2
DAY_MICROS = 86_400_000_000
EPOCH = datetime.datetime(1970, 1, 1)
EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
EPOCH_ORDINAL = EPOCH.toordinal()
MICRO = datetime.timedelta(microseconds=1)

# The kinds of values, and what they are called in errors.
KINDS = {
    "i": "int",
    "d": "decimal.Decimal",
    "f": "float",
    "b": "bool",
    "t": "str",
    "x": "bytes",
    "D": "datetime.date",
    "T": "datetime.time",
    "N": "datetime.datetime without a time zone",
    "Z": "datetime.datetime with a time zone",
    "v": "what JSON has",
    "o": "dict",
    "a": "list",
}
JSON_KINDS = "voa"


class sqlNullWrapper:
    """SQL's NULL among the values of a VARIANT, whose own null is None."""

    is_sql_null = True

    def __repr__(self):
        return "NULL"


SQL_NULL = sqlNullWrapper()


class Frame:
    """What came from firn, read from its beginning to its end."""

    def __init__(self, content):
        self.content = memoryview(content)
        self.at = 0

    def take(self, count):
        self.at += count
        return self.content[self.at - count : self.at]

    def byte(self):
        return self.take(1)[0]

    def char(self):
        return chr(self.byte())

    def number(self):
        return struct.unpack("=I", self.take(4))[0]

    def text(self):
        return str(self.take(self.number()), "utf-8")

    def list(self, one):
        return [one() for _ in range(self.number())]

    def fixed(self, code, rows):
        values = array(code)
        values.frombytes(self.take(rows * values.itemsize))
        return values

    def column(self, rows):
        """A column: its kind, its nulls or None, and what `values_of` makes of it."""
        kind, flags = self.char(), self.byte()
        nulls = bytes(self.take(rows)) if flags & HAS_NULLS else None
        if flags & AS_TEXT or kind in "dtx" or kind in JSON_KINDS:
            ends = self.fixed("I", rows + 1)
            return kind, nulls, (bool(flags & AS_TEXT), ends, self.take(ends[-1]))
        if kind == "b":
            return kind, nulls, self.take(rows)
        if kind == "Z":
            return kind, nulls, (self.fixed("q", rows), self.fixed("h", rows))
        return kind, nulls, self.fixed({"f": "d", "D": "i"}.get(kind, "q"), rows)

    def values(self, rows):
        """The values of a column, each as Python has it."""
        kind, nulls, data = self.column(rows)
        return with_nulls(kind, nulls, values_of(kind, nulls, data))


def with_nulls(kind, nulls, values):
    if nulls is None:
        return values
    null = SQL_NULL if kind == "v" else None
    return [null if is_null else value for is_null, value in zip(nulls, values)]


def values_of(kind, nulls, data):
    """The values of a column; where it is NULL, whatever stands there."""
    if kind in "if" and not isinstance(data, tuple):
        return data.tolist()
    if kind == "b":
        return [value != 0 for value in data]
    if kind == "D":
        return [datetime.date.fromordinal(days + EPOCH_ORDINAL) for days in data]
    if kind == "T":
        return [(EPOCH + MICRO * micros).time() for micros in data]
    if kind == "N":
        return [EPOCH + MICRO * micros for micros in data]
    if kind == "Z":
        return [with_offset(micros, minutes) for micros, minutes in zip(*data)]
    _, ends, content = data
    pieces = zip(ends, ends[1:])
    if kind == "x":
        return [bytes(content[start:end]) for start, end in pieces]
    whole = bytes(content)
    if whole.isascii():
        whole = str(whole, "ascii")
        texts = [whole[start:end] for start, end in pieces]
    else:
        texts = [str(whole[start:end], "utf-8") for start, end in pieces]
    if kind == "t":
        return texts
    read = {"i": int, "d": decimal.Decimal}.get(kind, from_json)
    if nulls is None:
        return [read(text) for text in texts]
    return [None if is_null else read(text) for is_null, text in zip(nulls, texts)]


def with_offset(micros, minutes):
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    return (EPOCH_UTC + MICRO * micros).astimezone(zone)


def from_json(text):
    if "undefined" in text:
        text = re.sub(r'"(?:[^"\\]|\\.)*"|undefined', defined, text)
    return json.loads(text)


def defined(found):
    return "null" if found[0] == "undefined" else found[0]


def wrong(kind, value):
    return TypeError(f"Expected {KINDS[kind]}, got {type(value).__name__}")


def plain(value):
    """A scalar of NumPy as Python's own; anything else as it is."""
    item = getattr(value, "item", None)
    return item() if item is not None and type(value).__module__ == "numpy" else value


def is_null(value):
    """Whether a value is SQL's NULL; pandas has more than one of its own."""
    if value is None or value is SQL_NULL:
        return True
    if type(value).__name__ in ("NAType", "NaTType"):
        return True
    return False


def without_nan(value):
    """A value of a data frame, in which nothing is a number that is none."""
    if is_null(value) or isinstance(value, float) and value != value:
        return None
    return value


def number_text(value):
    if not isinstance(value, (int, float, decimal.Decimal)):
        value = plain(value)
    if isinstance(value, int):
        return str(int(value)).encode()
    if isinstance(value, float):
        # The representation of a subclass, such as NumPy's, is another text.
        return float.__repr__(finite(value, math.isfinite(value))).encode()
    if isinstance(value, decimal.Decimal):
        return format(finite(value, value.is_finite()), "f").encode()
    raise TypeError(f"Expected int or decimal.Decimal, got {type(value).__name__}")


def finite(value, is_finite):
    if not is_finite:
        raise ValueError(f"{value} is no NUMBER")
    return value


def float_of(value):
    if not isinstance(value, (int, float, decimal.Decimal)):
        value = plain(value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return float(value)
    raise wrong("f", value)


def bool_of(value):
    if not isinstance(value, bool):
        value = plain(value)
    if isinstance(value, bool):
        return int(value)
    raise wrong("b", value)


def text_of(value):
    if isinstance(value, str):
        return value.encode()
    raise wrong("t", value)


def bytes_of(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise wrong("x", value)


def days_of(value):
    if isinstance(value, datetime.date):
        return value.toordinal() - EPOCH_ORDINAL
    raise wrong("D", value)


def time_of(value):
    if isinstance(value, datetime.time) and value.tzinfo is None:
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    raise wrong("T", value)


def moment_of(value):
    if type(value) is datetime.date:
        value = datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return micros_of(value - EPOCH)
    raise wrong("N", value)


def instant_of(value):
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return micros_of(value - EPOCH_UTC), int(value.utcoffset().total_seconds()) // 60
    raise wrong("Z", value)


def micros_of(span):
    return span.days * DAY_MICROS + span.seconds * 1_000_000 + span.microseconds


def json_of(kind, value):
    if kind == "o" and not isinstance(value, dict):
        raise wrong(kind, value)
    if kind == "a" and not isinstance(value, (list, tuple)) and not hasattr(value, "tolist"):
        raise wrong(kind, value)
    return json.dumps(value, ensure_ascii=False, default=in_json).encode()


def in_json(value):
    """What JSON does not have, in it: all that SQL would have as scalars as their texts."""
    if value is SQL_NULL:
        return None
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.time)):
        return str(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


TEXTS = {"i": number_text, "d": number_text, "t": text_of, "x": bytes_of}
FIXED = {
    "b": ("b", bool_of),
    "f": ("d", float_of),
    "D": ("i", days_of),
    "T": ("q", time_of),
    "N": ("q", moment_of),
}


def column_of(kind, values):
    """A column of a kind, as its parts."""
    if kind in "if":
        # As they are, where all of them are numbers that fit.
        try:
            data = array("q" if kind == "i" else "d", values)
            return [kind.encode(), b"\0", data.tobytes()]
        except (TypeError, OverflowError):
            pass
    # The null of a VARIANT is a value.
    null_is = (lambda value: value is SQL_NULL) if kind == "v" else is_null
    nulls = bytes(map(null_is, values))
    has_nulls = 1 in nulls
    if kind in TEXTS:
        one = TEXTS[kind]
    elif kind in JSON_KINDS:
        one = lambda value: json_of(kind, value)
    else:
        return fixed_column(kind, values, nulls, has_nulls)
    if has_nulls:
        pieces = [b"" if null else one(value) for null, value in zip(nulls, values)]
    else:
        pieces = [one(value) for value in values]
    ends = array("I", itertools.accumulate(map(len, pieces), initial=0))
    as_text = AS_TEXT if kind == "i" else 0
    flags = bytes([as_text | (HAS_NULLS if has_nulls else 0)])
    return [kind.encode(), flags, nulls if has_nulls else b"", ends.tobytes(), *pieces]


def fixed_column(kind, values, nulls, has_nulls):
    head = [kind.encode(), bytes([HAS_NULLS if has_nulls else 0]), nulls if has_nulls else b""]
    if kind == "Z":
        both = [(0, 0) if null else instant_of(value) for null, value in zip(nulls, values)]
        micros, minutes = array("q", [m for m, _ in both]), array("h", [m for _, m in both])
        return [*head, micros.tobytes(), minutes.tobytes()]
    code, one = FIXED[kind]
    data = array(code, [0 if null else one(value) for null, value in zip(nulls, values)])
    return [*head, data.tobytes()]


def number(value):
    return struct.pack("=I", value)


def text(value):
    encoded = value.encode("utf-8", "replace")
    return number(len(encoded)) + encoded
