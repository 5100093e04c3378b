"""From a symbol to its first result in a fresh process: binding, planning, preparing kernels, one pass over ResNet-50.

The modules are imported before the clock starts. `gemel_tuned` finds a record that the tuner
filled in a process before.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
from fresh import measure  # noqa: E402  pylint: disable=wrong-import-position,import-error
from networks import write_symbols  # noqa: E402  pylint: disable=wrong-import-position,import-error
from runner import (NOT_GIVEN, finish, parser_for, rival_environment,  # noqa: E402  pylint: disable=wrong-import-position,import-error
                    single_thread_environment, table)

BATCHES = {"inference": 1, "training": 16}
AIMS = {"inference": 1.0, "training": None}   # the pass itself is most of it in training
SECONDS_TO_TUNE = 20


def commands(mode, options, folder):
    """(sides, absent) of one mode: side -> (command, environment)."""
    def command(python, what):
        return [python, str(HERE.parent / "first_result.py"), mode, str(BATCHES[mode]), what]

    symbols = {"GEMEL_BENCH_SYMBOLS": folder}
    ours = {**single_thread_environment(), **symbols, "GEMEL_BENCH_SUBJECT": "gemel"}
    tuned = {**ours, "GEMEL_RECORD": os.path.join(folder, mode + ".sqlite")}
    sides = {"gemel": (command(sys.executable, "0"), {**ours, "GEMEL_RECORD": "off"})}
    subprocess.run(command(sys.executable, str(SECONDS_TO_TUNE)), check=True, capture_output=True, env=tuned)
    sides["gemel_tuned"] = (command(sys.executable, "0"), tuned)
    if not options.mxnet_python:
        return sides, {"mxnet": NOT_GIVEN.format("mxnet", "MXNET")}
    theirs = {**rival_environment(), **symbols, "GEMEL_BENCH_SUBJECT": "mxnet"}
    return {**sides, "mxnet": (command(options.mxnet_python, "0"), theirs)}, {}


def main():
    """Starts in turns."""
    options = parser_for("start").parse_args()
    report = {"workload": "start", "unit": "s", "rows": [], "absent": {}, "versions": {}}
    with tempfile.TemporaryDirectory() as folder:
        write_symbols(folder, ["resnet50"])
        for mode in BATCHES:
            sides, report["absent"] = commands(mode, options, folder)
            measure("start", f"resnet50, {mode}, batch {BATCHES[mode]}, bind to first result", sides,
                    options.rounds or 3, report, aim=AIMS[mode])
    finish(report, options, table)


if __name__ == "__main__":
    main()
