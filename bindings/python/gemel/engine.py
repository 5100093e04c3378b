"""The dependency engine from Python: push functions as tasks, wait, trace.

    done = mx.engine.tag("file")
    mx.engine.push(read_file, writes=[done], name="read file")
    result = mx.nd.dot(a, b)     # overlaps the reading
    done.wait_to_read()
"""
import contextlib as _contextlib

from . import _core

__all__ = ["push", "tag", "Cancellation", "bulk", "set_bulk_size", "trace", "configure", "waitall",
           "set_defer"]

tag = _core.Tag
Cancellation = _core.Cancellation
waitall = _core.engine_wait_all


def push(fn, reads=(), writes=(), priority=0, name=None, resource="io", cancellation=None):
    """Run `fn()` when everything pushed before is done with the tags it names.

    Parameters
    ----------
    fn : callable
        Called without arguments on a worker. An exception poisons `writes`: whoever reads one of
        them, or waits, gets it.
    reads, writes : sequence of NDArray or tag
        What `fn` reads and what it writes.
    priority : int
        Higher runs earlier among tasks that are ready.
    name : str
        What the trace shows; the function's name by default.
    resource : str
        Which workers run it: "io" (default, so that it overlaps computing), "compute", "copy", "network".
    cancellation : Cancellation
        After its `cancel()` the function is not started any more; who reads `writes` gets
        `mx.base.CancelledError`.
    """
    _core.engine_push(fn, reads, writes, priority, name or getattr(fn, "__name__", "task"), resource,
                      cancellation)


def set_bulk_size(size):
    """Let the calling thread collect small calls and push them `size` at a time, as one task.

    What was collected is pushed when this thread waits or ends. Another thread sees a collected call's
    result only after that.

    Parameters
    ----------
    size : int
        Below 2: calls are not collected, as at first.

    Returns
    -------
    int
        The previous size; 0 at first.
    """
    return _core.engine_set_bulk_size(size)


class _BulkScope:
    def __init__(self, size):
        self._size = size
        self._previous = None

    def __enter__(self):
        self._previous = set_bulk_size(self._size)
        return self

    def __exit__(self, kind, value, traceback):
        set_bulk_size(self._previous)


def set_defer(on):
    """Say whether pointwise calls on large arrays may be held back, to run in one pass over memory.

    The results have the same bits either way; a chain of calls is slower without. On by default (the
    setting `defer`, GEMEL_DEFER). Returns what it was.
    """
    before = _core.get_setting("defer") == "1"
    _core.set_setting("defer", "1" if on else "0")
    return before


def bulk(size):
    """A scope in which small calls are collected and pushed together, `size` at a time.

        with mx.engine.bulk(10):
            for _ in range(100):
                x += 1
    """
    return _BulkScope(size)


def write_trace(path):
    """Stop tracing and write what was recorded to `path`, in the form that Perfetto opens."""
    try:
        waitall()
    finally:
        _core.trace_stop()
        with open(path, "w", encoding="utf-8") as file:
            file.write(_core.trace_json())


@_contextlib.contextmanager
def trace(path):
    """Write every task of the block to `path`, in the form that Perfetto opens."""
    _core.trace_start()
    try:
        yield
    finally:
        write_trace(path)


def configure(kind="", workers=0):
    """Choose the engine and the number of compute workers. Waits for all work.

    Parameters
    ----------
    kind : str
        "threaded" runs tasks on workers; "naive" runs each one inside its push; "chaos", "chaos:SEED"
        run them in a random order that their tags allow, "chaos:FILE" in a recorded one. MXNet's
        names are understood. Empty: as it is.
    workers : int
        0: as it is.
    """
    _core.engine_configure(kind, workers)
