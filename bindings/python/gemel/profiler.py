"""The profiler: `set_config`, `set_state("run")`, a program, `dump()`; Perfetto opens the file.

    mx.profiler.set_config(filename="step.json", aggregate_stats=True)
    mx.profiler.set_state("run")
    ...
    mx.profiler.set_state("stop")
    print(mx.profiler.dumps())
    mx.profiler.dump()

Every task of the engine is recorded with the thread that ran it, the tags that it read and wrote and
how long it waited; operators inside of graphs by the names of their nodes; waits of the program; bytes
in use; and what a program names itself with the classes below. `gemel trace step.json` says what the
time went into.
"""
import threading as _threading
import warnings as _warnings

from . import _core
from .base import MXNetError as _MXNetError

_state_names = {"stop": False, "run": True}
_process_names = {"worker": 0, "server": 1}
_kvstore = None


def set_kvstore_handle(handle):
    """Name the key-value store whose servers `profile_process="server"` means."""
    global _kvstore
    _kvstore = handle


def _check_process(profile_process):
    """Servers are profiled through a distributed store only."""
    if _process_names[profile_process] and _kvstore is None:
        raise _MXNetError("[profiler] profile_process='server': there is no distributed key-value store; "
                          "create one first, or profile the worker")


def set_config(**kwargs):
    """Configure the profiler; keywords that are not given return to their defaults.

    Parameters
    ----------
    filename : str
        File that receives the trace; "profile.json".
    profile_all, profile_symbolic, profile_imperative, profile_memory, profile_api : bool
        What to record: operators inside of graphs, operators called by themselves, bytes in use.
        Calls of the C API are not recorded apart from what they start.
    continuous_dump, dump_period : bool, float
        Accepted; the file is written by `dump` and at the end of the process.
    aggregate_stats : bool
        Let `dumps` return sums; False.
    profile_process : str
        "worker" or "server".

    Raises
    ------
    MXNetError
        For an unknown keyword or a value of another type.
    """
    process = kwargs.get("profile_process", "worker")
    _core.profiler_set_config([(name, str(value)) for name, value in kwargs.items()])
    _check_process(process)


def profiler_set_config(mode="symbolic", filename="profile.json"):
    """Configure the profiler (deprecated: use `set_config`); `mode` is "symbolic" or "all"."""
    _warnings.warn("profiler.profiler_set_config() is deprecated. Please use profiler.set_config() instead")
    _core.profiler_set_config([("profile_all" if mode == "all" else f"profile_{mode}", "1"),
                               ("filename", filename)])


def set_state(state="stop", profile_process="worker"):
    """Start ("run") or stop ("stop") recording; what was recorded stays until `dump`."""
    running = _state_names[state]
    _check_process(profile_process)
    _core.profiler_set_running(running)


def profiler_set_state(state="stop"):
    """Start or stop recording (deprecated: use `set_state`)."""
    _warnings.warn("profiler.profiler_set_state() is deprecated. Please use profiler.set_state() instead")
    _core.profiler_set_running(_state_names[state])


def dump(finished=True, profile_process="worker"):
    """Wait for all work and write the trace to the configured file.

    Parameters
    ----------
    finished : bool
        Stop the profiler; a later `set_state("run")` starts a new trace. False: the trace goes on.
    profile_process : str
        "worker" or "server".

    Raises
    ------
    MXNetError
        When the profiler has not run, or the file cannot be written.
    """
    _check_process(profile_process)
    _core.profiler_dump(bool(finished))


def dump_profile():
    """Write the trace (deprecated: use `dump`)."""
    _warnings.warn("profiler.dump_profile() is deprecated. Please use profiler.dump() instead")
    dump(True)


def dumps(reset=False, format="table", sort_by="total", ascending=False):
    """Sums of times by name, of operators and of the program's own events.

    Parameters
    ----------
    reset : bool
        Start new sums afterwards.
    format : str
        "table" or "json".
    sort_by : str
        "total", "avg", "min", "max" or "count": what to sort by inside each category.
    ascending : bool

    Returns
    -------
    str
        Empty unless `set_config(aggregate_stats=True)` was called.
    """
    assert format in ("table", "json"), f"Invalid value provided for format: {format}. Support: 'table', 'json'"
    assert sort_by in ("total", "avg", "min", "max", "count"), (
        f"Invalid value provided for sort_by: {sort_by}. Support: 'total', 'avg', 'min', 'max', 'count'")
    return _core.profiler_summary(bool(reset), format == "json", sort_by, bool(ascending))


def pause(profile_process="worker"):
    """Record nothing until `resume`."""
    _check_process(profile_process)
    _core.profiler_set_paused(True)


def resume(profile_process="worker"):
    """Record again after `pause`."""
    _check_process(profile_process)
    _core.profiler_set_paused(False)


class Domain:
    """A category of the program's own events.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name

    def new_task(self, name):
        """A `Task` of this domain."""
        return Task(self, name)

    def new_frame(self, name):
        """A `Frame` of this domain."""
        return Frame(self, name)

    def new_counter(self, name, value=None):
        """A `Counter` of this domain, with a first value if one is given."""
        return Counter(self, name, value)

    def new_marker(self, name):
        """A `Marker` of this domain."""
        return Marker(self, name)


class _Span:
    """What has a start and a stop; a start without a stop, or the other way round, records nothing."""

    _kind = "span"

    def __init__(self, category, name):
        self.name = name
        self._category = category
        self._started = None

    def start(self):
        """Mark the beginning."""
        self._started = _core.trace_now()

    def stop(self):
        """Mark the end and record the time since `start`."""
        started, self._started = self._started, None
        if started is not None:
            _core.profiler_add_span(self._kind, self._category, self.name, started)

    def __str__(self):
        return self.name


class Task(_Span):
    """A piece of work of the program: the time from `start` to `stop`, on the calling thread.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    def __init__(self, domain, name):
        super().__init__(domain.name, name)


class Frame(_Span):
    """As `Task`, on a track of its own, so that frames may overlap other events.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    _kind = "frame"

    def __init__(self, domain, name):
        super().__init__(domain.name, name)


class Event(_Span):
    """As `Task`, without a domain: its category is "event".

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        super().__init__("event", name)


class Counter:
    """A number over time.

    Parameters
    ----------
    domain : Domain
    name : str
    value : int, optional
        The first value.
    """

    def __init__(self, domain, name, value=None):
        self.name = name
        self._category = domain.name
        self._lock = _threading.Lock()
        self._value = 0
        if value is not None:
            self.set_value(value)

    def _change(self, change):
        with self._lock:
            self._value = change(self._value)
            _core.profiler_add_counter(self._category, self.name, self._value)

    def set_value(self, value):
        """Set the number."""
        self._change(lambda _: int(value))

    def increment(self, delta=1):
        """Add `delta`."""
        self._change(lambda old: old + int(delta))

    def decrement(self, delta=1):
        """Subtract `delta`."""
        self._change(lambda old: old - int(delta))

    def __iadd__(self, delta):
        self.increment(delta)
        return self

    def __isub__(self, delta):
        self.decrement(delta)
        return self

    def __str__(self):
        return self.name


class Marker:
    """An instant in time.

    Parameters
    ----------
    domain : Domain
    name : str
    """

    def __init__(self, domain, name):
        self.name = name
        self.domain = domain

    def mark(self, scope="process"):
        """Record the instant.

        Parameters
        ----------
        scope : str
            How far the line reaches: "global", "process", "thread", "task" or "marker".
        """
        _core.profiler_add_marker(self.domain.name, self.name, scope)


def _dump_at_exit():
    if _core.profiler_has_output():
        dump(True)
