"""One side of a comparison: `python side.py WORKLOAD SIDE` answers requests for rounds on its standard input.

Runs in the side's own environment, so it uses the standard library only. The file WORKLOAD/SIDE.py is
loaded by its path: its folder never is on sys.path, where `torch.py` would hide torch. Gemel and MXNet
run the same WORKLOAD/program.py where there is one, with the module from subject.py. A side's file has
`CASES = {name: make}`; `make()` sets a case up and returns `repeat(count)`, which does the work `count`
times and returns when every result is there. What `repeat.settle()` does, where there is such a function,
comes before every measurement and is not part of it: it uses up what was made ahead.

A request is a line `{"case": name, "seconds": s}`, the answer `{"wall": s, "cpu": s, "count": n}`, both
times for one repetition (and "output" where `repeat` has numbers of that name to compare sides by), or
`{"error": text}`. The first line says which cases and version there are.
"""
import importlib.util
import json
import os
import resource
import sys
import time


HERE = os.path.dirname(os.path.abspath(__file__))
WARM_SECONDS = 1   # a case that takes longer is warm after one repetition


def path_of(workload, side):
    """The file of one side of a workload."""
    program = os.path.join(HERE, workload, "program.py")
    if side in ("gemel", "mxnet") and os.path.exists(program):
        return program
    return os.path.join(HERE, workload, side + ".py")


def load(workload, side):
    """The module of one side."""
    os.environ["GEMEL_BENCH_SUBJECT"] = side
    path = path_of(workload, side)
    spec = importlib.util.spec_from_file_location(f"{workload}_{side}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def forget_peak():
    """Lets `peak` count from now, where the system can."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def peak():
    """The most bytes of memory that the process had at a time."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Case:
    """A case that was set up and warmed; knows how often to repeat it for a given time."""

    def __init__(self, make):
        self._repeat = make()
        forget_peak()
        took = getattr(self._repeat, "took", None)
        if took is None:
            started = time.perf_counter()
            self._repeat(1)
            took = time.perf_counter() - started
        self.slow = took >= WARM_SECONDS
        if not self.slow:
            self._repeat(2)
        self._count = 1
        self._settle = getattr(self._repeat, "settle", lambda: None)

    def _time(self):
        self._settle()
        cpu, wall = time.process_time(), time.perf_counter()
        self._repeat(self._count)
        return time.perf_counter() - wall, time.process_time() - cpu

    def round(self, seconds):
        """One round of about `seconds` of CPU time."""
        wall, cpu = self._time()
        while cpu < seconds / 3:
            self._count = max(self._count + 1, int(self._count * min(10, seconds / max(cpu, 1e-5))))
            wall, cpu = self._time()
        answer = {"wall": wall / self._count, "cpu": cpu / self._count, "count": self._count,
                  "resident": peak()}
        output = getattr(self._repeat, "output", None)
        return answer if output is None else {**answer, "output": output}


def serve(module, requests, answers):
    """Answers requests until there are no more."""
    def say(answer):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    say({"cases": list(module.CASES), "version": module.VERSION})
    cases = {}
    for line in requests:
        request = json.loads(line)
        name = request["case"]
        try:
            if name not in cases:
                cases[name] = Case(module.CASES[name])
            idle = request.get("warm", False) and cases[name].slow
            say({"count": 0} if idle else cases[name].round(request["seconds"]))
        except Exception as error:  # pylint: disable=broad-except
            say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    # What libraries print must not mix with the answers.
    ANSWERS = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        MODULE = load(sys.argv[1], sys.argv[2])
    except ImportError as import_error:
        ANSWERS.write(json.dumps({"error": str(import_error)}) + "\n")
        sys.exit(1)
    serve(MODULE, sys.stdin, ANSWERS)
