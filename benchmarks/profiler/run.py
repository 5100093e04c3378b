"""What the profiler costs: steps of the perceptron workload with it on, against the same with it off.

Rounds with and without take turns in one process; the trace is thrown away after each round.
"""
import importlib.util
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[0] = str(ROOT / "benchmarks")
from runner import finish, parser_for, table  # noqa: E402  pylint: disable=wrong-import-position,import-error
from side import Case  # noqa: E402  pylint: disable=wrong-import-position,import-error


def steps():
    """The cases of the perceptron workload."""
    spec = importlib.util.spec_from_file_location("steps", ROOT / "benchmarks" / "perceptron" / "gemel.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


def summary(rounds, clock):
    """Least and median of one clock."""
    times = sorted(one[clock] for one in rounds)
    return {"min": times[0], "median": times[len(times) // 2]}


def main():
    """Runs it and prints the rows."""
    import gemel as mx

    options = parser_for("profiler").parse_args()
    report = {"workload": "profiler", "unit": "us", "rows": [], "versions": {"gemel": mx.__version__}, "absent": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in steps().items():
            case, rounds = Case(make), {"off": [], "on": []}
            for _ in range(options.rounds or 10):
                rounds["off"].append(case.round(0.1))
                mx.profiler.set_config(filename=os.path.join(folder, "trace.json"))
                mx.profiler.set_state("run")
                rounds["on"].append(case.round(0.1))
                mx.profiler.dump()
            on, off = ({"case": f"{name}, profiler {state}", "wall": summary(rounds[state], "wall"),
                        "cpu": summary(rounds[state], "cpu")} for state in ("on", "off"))
            ratio = {clock: on[clock]["min"] / off[clock]["min"] for clock in ("wall", "cpu")}
            report["rows"].append({"name": on["case"], "aim": None, "sides": {"gemel": on}, "ratio": {}, "published": {},
                                   "relative": {"to": "the same, off", "aim": 1.03, **ratio}})
    finish(report, options, table)


if __name__ == "__main__":
    main()
