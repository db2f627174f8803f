"""Reads frames from firn, and answers each with one, until there are no more.

What the function's code prints goes nowhere, and what it reads is empty: the pipes to firn are not its standard ones.
"""

import signal
import threading
import time

TASKS = {"s": Scalar, "t": Table, "a": Aggregate, "p": Procedure}
METHODS = {"S": "call", "B": "begin", "P": "process", "M": "more", "D": "end", "C": "call"}


class Channel:
    """The pipes to firn and back: frames behind their lengths."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.process = os.getpid()

    def read(self):
        head = self.exactly(4)
        content = head and self.exactly(struct.unpack("=I", head)[0])
        return None if content is None else Frame(content)

    def exactly(self, size):
        content = bytearray(size)
        view, got = memoryview(content), 0
        while got < size:
            count = os.readv(self.source, [view[got:]])
            if count == 0:
                return None
            got += count
        return content

    def write(self, parts):
        # A copy that the code has made of this process is not to answer.
        if os.getpid() != self.process:
            os._exit(1)
        content = b"".join(parts)
        for piece in (number(len(content)), content):
            view = memoryview(piece)
            while view:
                view = view[os.write(self.sink, view) :]


def apart():
    """Takes the pipes away from where the code would find them."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return Channel(source, sink)


def limit(memory_bytes):
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, ValueError, OSError):
        # A system without such limits, or with lower ones.
        pass


def end():
    """Ends the process, and what the code has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def end_with(parent):
    """Ends the process when firn has ended, also while code runs."""
    while os.getppid() == parent:
        time.sleep(1)
    end()


def vectorized(input=None, max_batch_size=None, **_):
    """The decorator of handlers that take many rows at once."""

    def mark(handler):
        handler._sf_vectorized_input = input
        handler._sf_max_batch_size = max_batch_size
        return handler

    return mark


def install_modules():
    module = types.ModuleType("_snowflake")
    module.vectorized = vectorized
    module.sqlNullWrapper = sqlNullWrapper
    sys.modules["_snowflake"] = module


def answer(frame, state):
    operation = frame.char()
    if operation == "F":
        limit_once(frame.number(), state)
        kind = frame.char()
        state["function"] = TASKS[kind](Definition(frame))
        return [b"R"]
    return [b"R", *getattr(state["function"], METHODS[operation])(frame)]


def limit_once(memory_megabytes, state):
    if "limited" not in state:
        state["limited"] = True
        limit(memory_megabytes << 20)


def serve():
    channel = apart()
    CHANNEL.append(channel)
    install_modules()
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    state = {}
    while True:
        frame = channel.read()
        if frame is None:
            end()
        try:
            parts = answer(frame, state)
        except MemoryError:
            parts = [b"M"]
        except BaseException as error:
            parts = [b"E", told(error).encode("utf-8", "replace")]
        channel.write(parts)


serve()
