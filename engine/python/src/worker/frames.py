"""Rows as data frames, for handlers that take many at once."""


def data_frame(frame, rows, count):
    """The next columns as one, numbered from 0."""
    import pandas

    columns = {index: series(frame, rows, pandas) for index in range(count)}
    return pandas.DataFrame(columns, index=range(rows))


def series(frame, rows, pandas):
    """A column with the types that Snowflake gives it: whole numbers, booleans and texts with room for NULL."""
    import numpy

    kind, nulls, data = frame.column(rows)
    mask = None if nulls is None else numpy.frombuffer(nulls, dtype=bool)
    if kind == "i" and not isinstance(data, tuple):
        values = numpy.frombuffer(data, dtype=numpy.int64)
        return pandas.Series(pandas.arrays.IntegerArray(values.copy(), filled(mask, rows, numpy)))
    if kind == "f":
        values = numpy.frombuffer(data, dtype=numpy.float64).copy()
        if mask is not None:
            values[mask] = numpy.nan
        return pandas.Series(values)
    if kind == "b":
        values = numpy.frombuffer(data, dtype=bool).copy()
        return pandas.Series(pandas.arrays.BooleanArray(values, filled(mask, rows, numpy)))
    values = with_nulls("", nulls, values_of(kind, nulls, data))
    if kind == "d":
        return pandas.Series([None if v is None else float(v) for v in values], dtype="float64")
    if kind == "t":
        return pandas.Series(values, dtype="string")
    if kind in "DN":
        return pandas.Series(pandas.to_datetime(values))
    if kind == "T":
        moments = [None if v is None else datetime.datetime.combine(EPOCH, v) - EPOCH for v in values]
        return pandas.Series(pandas.to_timedelta(moments))
    if kind == "Z":
        texts = [None if v is None else v.strftime("%Y-%m-%d %H:%M:%S.%f %z") for v in values]
        return pandas.Series(texts, dtype="string")
    return pandas.Series(values, dtype=object)


def values_of_series(given):
    """What a handler gives for many rows, one by one: a Series, an array of NumPy, or a list."""
    if hasattr(given, "isna"):
        missing = given.isna()
        return (given.astype(object).where(~missing, None) if missing.any() else given).tolist()
    return list(map(without_nan, given.tolist() if hasattr(given, "tolist") else given))


def filled(mask, rows, numpy):
    return numpy.zeros(rows, dtype=bool) if mask is None else mask.copy()
