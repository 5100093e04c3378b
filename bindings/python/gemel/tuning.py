"""The tuner: finds the fastest way to run a bound graph on this machine, and remembers it.

`Executor.tune`, `Module.tune` and `HybridBlock.tune` search; what they find goes to one SQLite file,
the record, and graphs that are bound later are run by it. The setting `record` (GEMEL_RECORD) names
the file, or several separated by ":", of which the first is written; "off" is none.
"""
import json
import time

from . import _core

__all__ = ["Report", "tune", "entries", "default_record"]


class Report:
    """What a search tried and gained.

    Attributes
    ----------
    default_seconds, tuned_seconds : float
        Of one run, as measured against each other at the end; equal where nothing was gained.
    choices : dict
        {"settings": {name: value}, "kernels": {call: implementation}}; empty ones: the defaults.
    rows : list of dict
        The comparisons: what, seconds, before, taken, problem.
    batches : list of dict
        With "batch" allowed: batch, seconds of a run, samples a second.
    elapsed : float
        Seconds that the search took.
    frozen : bool
        Whether MXNET_ENFORCE_DETERMINISM forbade to try anything.
    key, record : str
        The row's name and the file it was written to; an empty file: none.
    """

    def __init__(self, content, training):
        self.__dict__.update(content)
        self.training = training
        self.batches = []

    @property
    def gain(self):
        """default_seconds / tuned_seconds, at least 1."""
        return self.default_seconds / self.tuned_seconds if self.tuned_seconds else 1.0

    @property
    def best_batch(self):
        """The batch size of most samples a second, or None."""
        return max(self.batches, key=lambda row: row["samples_per_second"], default={}).get("batch")

    def to_json(self):
        """All of it as JSON."""
        return json.dumps({**self.__dict__, "gain": self.gain, "best_batch": self.best_batch},
                          indent=1)

    def __str__(self):
        if self.frozen:
            return "nothing was tried: MXNET_ENFORCE_DETERMINISM freezes the choice of kernels"
        lines = [format_row(row) for row in self.rows]
        for row in self.batches:
            lines.append(f"{'batch ' + str(row['batch']):44} {row['seconds'] * 1e3:10.3f} ms "
                         f"{row['samples_per_second']:10.1f} samples/s")
        what = "training step" if self.training else "inference"
        lines.append(f"{what}: {self.default_seconds * 1e3:.3f} ms by default, "
                     f"{self.tuned_seconds * 1e3:.3f} ms tuned, {self.gain:.2f}x, "
                     f"searched for {self.elapsed:.1f} s")
        for name, value in self.choices["settings"].items():
            lines.append(f"  {name} = {value}")
        if self.choices["kernels"]:
            lines.append(f"  other implementations for {len(self.choices['kernels'])} kinds of calls")
        if "fpmath" in self.choices["settings"]:
            lines.append(f"  bind with GEMEL_FPMATH={self.choices['settings']['fpmath']} to find this "
                         "in the record")
        if self.record:
            lines.append(f"kept in {self.record}")
        return "\n".join(lines)


def format_row(row):
    """One comparison as a line of the table."""
    if row["problem"]:
        return f"{row['what']:44} could not be run: {row['problem']}"
    verdict = "taken" if row["taken"] else ""
    return (f"{row['what']:44} {row['seconds'] * 1e3:10.3f} ms {row['before'] * 1e3:10.3f} ms before "
            f"{row['before'] / row['seconds']:6.2f}x {verdict}".rstrip())


def default_record():
    """The file that is written unless another one is named."""
    return _core.default_record()


def entries(record=None):
    """The rows of a record: a list of dicts with key, machine, choices and both times."""
    return _core.read_record(record or default_record())


def tune(executor, budget=60, *, training=None, allow=(), record=None, progress=None, data=None):
    """`Executor.tune`, which says what the parameters mean."""
    allow = [allow] if isinstance(allow, str) else list(allow)
    if training is None:
        training = any(grad is not None for grad in executor.grad_arrays)
    seconds = budget / 2 if "batch" in allow else budget
    content = _core.tune(executor._core, seconds, bool(training),
                         [name for name in allow if name != "batch"], record, progress)
    report = Report(content, training)
    if "batch" in allow and not report.frozen:
        report.batches = _try_batches(executor, budget - seconds, training, data)
    return report


def _batch_names(executor, data):
    names = executor.arg_dict
    if data is not None:
        unknown = [name for name in data if name not in names]
        if unknown:
            raise ValueError(f"[tune] data: no arguments {unknown}, there are: {list(names)}")
        return list(data)
    found = [name for name in names if name.rstrip("0123456789") == "data" or name.endswith("label")]
    if not found:
        raise ValueError("[tune] batch: no argument is named like data or labels; name those whose "
                         "first axis is the batch with data=[...]")
    return found


def _time_of(executor, training, seconds):
    """The least seconds of a run, of at least three."""
    def run():
        start = time.perf_counter()
        if training:
            executor.forward_backward()
        else:
            executor.forward(is_train=False)
        for array in [*executor.outputs, *(g for g in executor.grad_arrays if training and g is not None)]:
            array.wait_to_read()
        return time.perf_counter() - start
    run()
    begin, best = time.perf_counter(), run()
    for _ in range(14):
        if time.perf_counter() - begin > seconds:
            break
        best = min(best, run())
    return best


def _bound_like(executor, names, batch, training):
    """The graph with arrays of its own, the values of those whose shapes stay, another batch, and what
    was chosen so far."""
    shapes = {name: (batch, *executor.arg_dict[name].shape[1:]) for name in names}
    other = executor._symbol.simple_bind(executor._ctx, grad_req=executor._core._requests(), **shapes)
    for own, array in zip([*executor.arg_arrays, *executor.aux_arrays],
                          [*other.arg_arrays, *other.aux_arrays]):
        if own.shape == array.shape:
            own.copyto(array)
    _core.copy_choices(executor._core, other._core, training)
    return other


def _try_batches(executor, budget, training, data):
    """Doubles and halves the batch while that gives more samples a second."""
    names = _batch_names(executor, data)
    batch = executor.arg_dict[names[0]].shape[0]
    end = time.perf_counter() + budget
    rows = {}

    def measure(size):
        least = _time_of(_bound_like(executor, names, size, training), training, budget / 20)
        rows[size] = {"batch": size, "seconds": least, "samples_per_second": size / least}
        return rows[size]["samples_per_second"]

    own = measure(batch)
    for step in (lambda size: size * 2, lambda size: size // 2):
        best, size = own, step(batch)
        # The first run is slower than those that count.
        while size and time.perf_counter() + 4 * size / best < end:
            rate = measure(size)
            if rate < 1.02 * best:
                break
            best, size = rate, step(size)
    return [rows[size] for size in sorted(rows)]
