"""Table functions: a class, of which each partition has an object."""


class Table:
    """A function that gives rows for each row of a partition, and behind the last one."""

    def __init__(self, definition):
        self.handler = find_handler(definition)
        self.parameters = definition.parameters
        self.kinds = [kind for _, kind in definition.returns]
        end = getattr(self.handler, "end_partition", None)
        self.whole = getattr(end, "_sf_vectorized_input", None) is not None
        process = getattr(self.handler, "process", None)
        self.batched = getattr(process, "_sf_vectorized_input", None) is not None
        self.batch_rows = getattr(process, "_sf_max_batch_size", None)
        if self.whole and self.batched:
            raise TypeError("Only one of process and end_partition can be vectorized")

    def begin(self, _):
        self.object = self.handler()
        self.rows, self.at, self.made = [], 0, None
        self.parts = []
        return []

    def process(self, frame):
        """Takes new rows, and gives what becomes of the first of them."""
        skips, rows = frame.byte(), frame.number()
        skipped = bytes(frame.take(rows)) if skips else bytes(rows)
        if self.whole or self.batched:
            given = data_frame(frame, rows, len(self.parameters))
            given.columns = [name for name, _ in self.parameters]
            if self.batched:
                return self.of_batch(given, [row for row in range(rows) if not skipped[row]])
            self.parts.append(given.loc[[skip == 0 for skip in skipped]] if skips else given)
            return self.answer(rows, [], [])
        columns = [frame.values(rows) for _ in self.parameters]
        given = zip(*columns) if columns else ((),) * rows
        self.rows = [None if skip else row for skip, row in zip(skipped, given)]
        self.at, self.made = 0, None
        return self.more(None)

    def more(self, _):
        """Goes on with the rows that are left; one may give so many that it goes on, too."""
        start, rows, origins = self.at, [], []
        while self.at < len(self.rows) and len(rows) < ROWS_MAX:
            if self.made is None:
                self.made = iter(self.of_row(self.rows[self.at]))
            for row in itertools.islice(self.made, ROWS_MAX - len(rows)):
                rows.append(row)
                origins.append(self.at - start)
            if len(rows) < ROWS_MAX:
                self.made = None
                self.at += 1
        return self.answer(self.at - start, origins, rows)

    def of_batch(self, given, kept):
        """A row for each row that is kept, from a method that takes many at once."""
        made = []
        size = self.batch_rows or len(kept) or 1
        for start in range(0, len(kept), size):
            part = given.iloc[kept[start : start + size]].reset_index(drop=True)
            rows = rows_of_frame(self.object.process(part))
            if len(rows) != len(part):
                raise ValueError(f"Expected {len(part)} rows for as many, got {len(rows)}")
            made += rows
        return self.answer(len(given), kept, made)

    def of_row(self, row):
        process = getattr(self.object, "process", None)
        made = None if row is None or process is None else process(*row)
        return () if made is None else made

    def end(self, _):
        end = getattr(self.object, "end_partition", None)
        if end is None:
            made = None
        elif self.whole:
            import pandas

            names = [name for name, _ in self.parameters]
            parts = self.parts or [pandas.DataFrame({name: [] for name in names})]
            made = end(pandas.concat(parts, ignore_index=True))
        else:
            made = end()
        if made is not None and self.whole:
            frames = made if isinstance(made, types.GeneratorType) else [made]
            made = itertools.chain.from_iterable(map(rows_of_frame, frames))
        rows = [] if made is None else list(made)
        return self.answer(0, [0] * len(rows), rows)

    def answer(self, taken, origins, rows):
        width = len(self.kinds)
        for row in rows:
            if not isinstance(row, (tuple, list)) or len(row) != width:
                told = f"{len(row)} values" if isinstance(row, (tuple, list)) else type(row).__name__
                raise TypeError(f"Expected a row as a tuple of {width} value(s), got {told}")
        columns = [[row[index] for row in rows] for index in range(width)]
        parts = [number(taken), number(len(rows)), array("I", origins).tobytes()]
        for kind, values in zip(self.kinds, columns):
            parts += column_of(kind, values)
        return parts


def rows_of_frame(made):
    """The rows of a data frame, or of a tuple or list of columns."""
    several = isinstance(made, (tuple, list))
    columns = list(made) if several else [made[name] for name in made.columns]
    return list(zip(*(map(without_nan, column) for column in columns)))
