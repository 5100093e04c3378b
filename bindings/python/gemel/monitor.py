"""Statistics of a network's internal values while it trains."""
import logging
import re
from math import sqrt

from .base import py_str

__all__ = ["Monitor"]


class Monitor:
    """Collects a statistic of outputs (and of arguments) every `interval` batches.

    Parameters
    ----------
    interval : int
        Batches between two collections.
    stat_func : callable, optional
        From an NDArray to an NDArray (or a list); the norm over the root of the size by default.
    pattern : str
        Regular expression that names must match.
    sort : bool
        Sort by name.
    monitor_all : bool
        Also the inputs of operators.
    """

    def __init__(self, interval, stat_func=None, pattern=".*", sort=False, monitor_all=False):
        if stat_func is None:
            def stat_func(values):
                return values.norm() / sqrt(values.size)
        self.stat_func = stat_func
        self.interval = interval
        self.activated = False
        self.queue = []
        self.step = 0
        self.exes = []
        self.re_prog = re.compile(pattern)
        self.sort = sort
        self.monitor_all = monitor_all

    def stat_helper(self, name, array):
        """Take in one array under its name (called by the executor)."""
        name = py_str(name)
        if self.activated and self.re_prog.match(name):
            self.queue.append((self.step, name, self.stat_func(array)))

    def install(self, exe):
        """Watch an executor."""
        exe.set_monitor_callback(self.stat_helper, self.monitor_all)
        self.exes.append(exe)

    def tic(self):
        """Start to collect, if this batch is one of those; call before `forward`."""
        if self.step % self.interval == 0:
            self.queue = []
            self.activated = True
        self.step += 1

    def toc(self):
        """End the collection; returns a list of `(step, name, text)`."""
        if not self.activated:
            return []
        for exe in self.exes:
            for name, array in exe.arg_dict.items():
                if self.re_prog.match(name):
                    self.queue.append((self.step, name, self.stat_func(array)))
            for name, array in exe.aux_dict.items():
                if self.re_prog.match(name):
                    self.queue.append((self.step, name, self.stat_func(array)))
        self.activated = False
        if self.sort:
            self.queue.sort(key=lambda item: item[1])
        results = []
        for step, name, values in self.queue:
            values = values if isinstance(values, list) else [values]
            text = "".join(str(value.asscalar() if value.size == 1 else value.asnumpy()) + "\t"
                           for value in values)
            results.append((step, name, text))
        self.queue = []
        return results

    def toc_print(self):
        """End the collection and log it."""
        for step, name, text in self.toc():
            logging.info("Batch: %7d %30s %s", step, name, text)
