"""Aggregate functions: a class, of which each group of rows has an object."""


class Aggregate:
    """A function that gives a value for each group of rows."""

    def __init__(self, definition):
        self.handler = find_handler(definition)
        self.parameters = definition.parameters
        self.kind = definition.returns[0][1]
        needed = ("accumulate", "finish")
        missing = [name for name in needed if not callable(getattr(self.handler, name, None))]
        if missing:
            raise Refused(f"The class '{definition.handler}' has no method '{missing[0]}'")

    def call(self, frame):
        groups = frame.number()
        counts = list(frame.fixed("I", groups))
        columns = [frame.values(sum(counts)) for _ in self.parameters]
        rows = zip(*columns) if columns else itertools.repeat(())
        values = []
        for count in counts:
            state = self.handler()
            accumulate = state.accumulate
            for row in itertools.islice(rows, count):
                accumulate(*row)
            values.append(state.finish())
        return column_of(self.kind, values)
