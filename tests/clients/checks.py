"""What the scripts of this folder share: a list of checks, each with its own outcome, and the server's address."""

import os
import sys
import time
import traceback

HOST = os.environ.get("FIRN_HOST", "127.0.0.1")
PORT = int(os.environ.get("FIRN_PORT", "8084"))
CHECKS = []


def check(function):
    """Adds a check."""
    CHECKS.append(function)
    return function


def equal(found, expected):
    """Fails unless both are the same."""
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def run(title, *arguments):
    """Runs all checks, or those whose names hold the words of the command line; tells what failed."""
    words = sys.argv[1:]
    failed, count, start = 0, 0, time.time()
    for function in CHECKS:
        if words and not any(word in function.__name__ for word in words):
            continue
        count += 1
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - a check may fail in any way
            failed += 1
            print(f"{title}: {function.__name__} FAILED", file=sys.stderr)
            traceback.print_exc()
    print(f"{title}: {count - failed} of {count} passed in {time.time() - start:.1f} s", flush=True)
    sys.exit(1 if failed else 0)
