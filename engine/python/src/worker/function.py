"""What a function's code is here: its handler, called for rows."""

import importlib
import os
import sys
import traceback
import types

# How code that stands in a statement is called in tracebacks.
BODY_FILE = "_udf_code.py"
# How this program is called there; its own lines are left out.
OWN_FILE = "<firn>"
# Characters of a traceback that are told.
TOLD_MAX = 20_000
# Rows of a table function that go at once.
ROWS_MAX = 4096


class Refused(Exception):
    """What is wrong with the code as a whole; it is told without a traceback."""


class Definition:
    """A function as firn describes it."""

    def __init__(self, frame):
        self.name = frame.text()
        self.handler = frame.text()
        self.folder = frame.text()
        self.body = frame.text() if frame.byte() else None
        column = lambda: (frame.text(), frame.char())
        self.parameters = frame.list(column)
        self.returns = frame.list(column)
        self.gives_table = bool(frame.byte())


def find_handler(definition):
    """Runs the code anew, and finds what its handler names."""
    names = definition.handler.split(".")
    if definition.folder:
        look_for_modules_in(definition.folder)
    if definition.body is None:
        if len(names) < 2:
            text = f"The handler '{definition.handler}' of imported code is to be MODULE.NAME"
            raise Refused(text)
        found, names = importlib.import_module(".".join(names[:-1])), names[-1:]
    else:
        found = types.ModuleType("_udf_code")
        sys.modules["_udf_code"] = found
        exec(compile(definition.body, BODY_FILE, "exec"), found.__dict__)
    for name in names:
        if not hasattr(found, name):
            raise Refused(f"The handler '{definition.handler}' is not there: no '{name}' in the code")
        found = getattr(found, name)
    if not callable(found):
        raise Refused(f"The handler '{definition.handler}' is a {type(found).__name__}: not callable")
    return found


def look_for_modules_in(folder):
    sys._xoptions["snowflake_import_directory"] = folder + "/"
    if folder not in sys.path:
        archives = [name for name in sorted(os.listdir(folder)) if name.endswith((".zip", ".whl"))]
        sys.path[:0] = [folder, *(os.path.join(folder, name) for name in archives)]


def told(error):
    """The text of an error, with the lines of the function's code on its way."""
    if isinstance(error, Refused):
        return str(error)
    kept = traceback.TracebackException(type(error), error, error.__traceback__)
    without_own(kept)
    lines = kept.format() if kept.stack else kept.format_exception_only()
    text = "".join(lines).rstrip("\n")
    return text if len(text) <= TOLD_MAX else text[:TOLD_MAX] + " .."


def without_own(kept):
    kept.stack = traceback.StackSummary.from_list(
        [frame for frame in kept.stack if frame.filename != OWN_FILE]
    )
    for other in (kept.__cause__, kept.__context__):
        if other is not None:
            without_own(other)


class Scalar:
    """A function that gives a value for each row."""

    def __init__(self, definition):
        self.handler = find_handler(definition)
        self.parameters = definition.parameters
        self.kind = definition.returns[0][1]
        self.vectorized = getattr(self.handler, "_sf_vectorized_input", None)

    def call(self, frame):
        rows = frame.number()
        if self.vectorized is not None:
            values = self.of_frames(frame, rows)
        elif self.parameters:
            values = list(map(self.handler, *[frame.values(rows) for _ in self.parameters]))
        else:
            values = [self.handler() for _ in range(rows)]
        return column_of(self.kind, values)

    def of_frames(self, frame, rows):
        """The values that a handler for many rows at once gives."""
        whole = data_frame(frame, rows, len(self.parameters))
        size = getattr(self.handler, "_sf_max_batch_size", None) or rows
        values = []
        for start in range(0, rows, size):
            part = whole.iloc[start : start + size].reset_index(drop=True)
            given = self.handler(part)
            given = values_of_series(given)
            if len(given) != len(part):
                text = f"Expected {len(part)} values for as many rows, got {len(given)}"
                raise ValueError(text)
            values += given
        return values
