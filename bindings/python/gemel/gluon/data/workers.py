"""Processes and threads that make batches.

Each process has a pipe of its own for tasks and a socket of its own for results, so that one that is
killed holds no lock that others need; its end is noticed at once, and named.
"""
import itertools
import multiprocessing
import os
import pickle
import random
import signal
import socket
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from multiprocessing.connection import wait

import numpy as np

from ... import random as array_random
from . import transport

__all__ = ["ProcessPool", "ThreadPool"]

_MOST_BYTES_WAITING = 32 << 10  # of tasks in a pipe; more could block both ends


class _Failure:
    """What a worker sends instead of a batch."""

    def __init__(self, error):
        self.text = "".join(traceback.format_exception(error))
        try:
            pickle.loads(pickle.dumps(error))
            self.error = error
        except Exception:  # any exception may refuse
            self.error = None


class _WorkerTraceback(Exception):
    def __str__(self):
        return self.args[0]


def _serve(tasks, results, make, seed):
    """The life of a worker: batches until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over
    random.seed(seed)
    np.random.seed(seed)
    array_random.seed(seed)
    parent = os.getppid()
    while True:
        try:
            # A sibling that was forked in between may hold the pipe open: look at the parent, too.
            while not tasks.poll(2):
                if os.getppid() != parent:
                    return
            number, indices = tasks.recv()
        except (EOFError, OSError):
            return
        try:
            encoded = transport.encode(make(indices))
        except Exception as error:
            encoded = transport.encode(_Failure(error))
        try:
            transport.send(results, number, encoded)
        except OSError:
            return


def _run_worker(inherited, tasks, results, make, seed):
    # Ends that belong to the parent: a worker that held them would keep its siblings alive.
    for one in inherited:
        one.close()
    try:
        _serve(tasks, results, make, seed)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _peek_seed():
    """A seed that follows from NumPy's generator without changing it."""
    state = np.random.RandomState()
    state.set_state(np.random.get_state())
    return int(state.randint(1 << 31))


class _Worker:
    """A process, and what is on its way to it."""

    def __init__(self, context, make, seed, number, older):
        self.number = number
        self.waiting = {}  # task -> bytes of its message
        self.queue = []  # messages that are not sent yet
        receive_end, self.tasks = context.Pipe(duplex=False)
        self.results, send_end = socket.socketpair()
        inherited = [end for one in older for end in (one.tasks, one.results)]
        if context.get_start_method() == "fork":
            inherited += [self.tasks, self.results]
        else:
            inherited = []
        self.process = context.Process(target=_run_worker, daemon=True,
                                       name=f"DataLoader worker {number}",
                                       args=(inherited, receive_end, send_end, make, seed))
        self.process.start()
        receive_end.close()
        send_end.close()

    def put(self, task, message):
        """Send now or, where too much is on its way, later."""
        self.queue.append((task, message))
        self.flush()

    def flush(self):
        while self.queue:
            task, message = self.queue[0]
            if self.waiting and sum(self.waiting.values()) + len(message) > _MOST_BYTES_WAITING:
                return
            try:
                self.tasks.send_bytes(message)
            except OSError:
                return  # its end is noticed by whoever waits for the batch
            self.waiting[task] = len(message)
            del self.queue[0]

    def end(self):
        """How the process ended, in words."""
        self.process.join(1)
        code = self.process.exitcode
        if code is not None and code < 0:
            try:
                how = f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
        else:
            how = f"ended with code {code}"
        return f"{self.process.name} (pid {self.process.pid}) {how}"


class ProcessPool:
    """Worker processes; tasks go to them in turn.

    Parameters
    ----------
    count : int
    make : callable
        Makes a batch from a list of indices.
    """

    def __init__(self, count, make):
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
        self._owner = os.getpid()
        self._numbers = itertools.count()
        self._ready = {}  # task -> encoded batch
        self._dropped = set()
        self._of_task = {}
        self._workers = []
        seed = _peek_seed()
        for i in range(count):
            self._workers.append(_Worker(context, make, (seed + i) % (1 << 31), i, self._workers))

    def submit(self, indices):
        """Ask for a batch; returns the number of the task."""
        number = next(self._numbers)
        worker = self._workers[number % len(self._workers)]
        self._of_task[number] = worker
        worker.put(number, pickle.dumps((number, indices)))
        return number

    def _collect(self, worker):
        number, encoded = transport.receive(worker.results)
        worker.waiting.pop(number, None)
        del self._of_task[number]
        if number in self._dropped:
            self._dropped.remove(number)
            os.close(encoded[0])
        else:
            self._ready[number] = encoded
        worker.flush()

    def get(self, number, timeout):
        """The batch of a task.

        An exception of the worker is raised again; `RuntimeError` names a worker that died,
        `multiprocessing.TimeoutError` one that took longer than `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while number not in self._ready:
            sockets = {worker.results: worker for worker in self._workers}
            sentinels = {worker.process.sentinel: worker for worker in self._workers}
            left = max(0, deadline - time.monotonic())
            happened = wait([*sockets, *sentinels], left)
            if not happened:
                name = self._of_task[number].process
                raise multiprocessing.TimeoutError(
                    f"[DataLoader] {name.name} (pid {name.pid}) took longer than {timeout} "
                    "seconds for a batch; raise timeout= if the data is slow")
            try:
                for one in happened:
                    if one in sockets:
                        self._collect(sockets[one])
                        sentinels.pop(sockets[one].process.sentinel, None)
            except (EOFError, ConnectionError):
                raise RuntimeError(f"[DataLoader] {sockets[one].end()}; its batch is lost") \
                    from None
            for one in happened:
                if one in sentinels:
                    raise RuntimeError(f"[DataLoader] {sentinels[one].end()}; its batch is lost")
        value = transport.decode(*self._ready.pop(number))
        if isinstance(value, _Failure):
            if value.error is None:
                raise RuntimeError(f"[DataLoader] a worker failed:\n{value.text}")
            raise value.error from _WorkerTraceback(f"\n{value.text}")
        return value

    def drop(self, numbers):
        """Batches that nobody will ask for."""
        for number in numbers:
            encoded = self._ready.pop(number, None)
            if encoded is not None:
                os.close(encoded[0])
            elif number in self._of_task:
                self._dropped.add(number)

    def close(self):
        """End the processes and free what they sent; nothing happens in a forked child."""
        if self._owner != os.getpid():
            return
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.tasks.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join(2)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
            # What is left in a socket, descriptors too, goes with it.
            worker.results.close()
            worker.process.close()
        self.drop(list(self._ready))


class ThreadPool:
    """The same with threads of this process.

    Parameters
    ----------
    count : int
    make : callable
    """

    def __init__(self, count, make):
        self._make = make
        self._executor = ThreadPoolExecutor(count, "DataLoader worker")
        self._numbers = itertools.count()
        self._futures = {}

    def submit(self, indices):
        """Ask for a batch; returns the number of the task."""
        number = next(self._numbers)
        self._futures[number] = self._executor.submit(self._make, indices)
        return number

    def get(self, number, timeout):
        """The batch of a task; an exception of the thread is raised again."""
        future = self._futures.pop(number)
        try:
            return future.result(timeout)
        except FutureTimeout:
            if future.done():  # it is what the thread raised
                raise
            raise multiprocessing.TimeoutError(
                f"[DataLoader] a batch took longer than {timeout} seconds; raise timeout= if the "
                "data is slow") from None

    def drop(self, numbers):
        """Batches that nobody will ask for."""
        for number in numbers:
            future = self._futures.pop(number, None)
            if future is not None:
                future.cancel()

    def close(self):
        """Let the threads end; tasks that did not begin are given up."""
        self._executor.shutdown(wait=False, cancel_futures=True)
