"""The time of the import statement in a fresh process, its files in the page cache."""
import subprocess
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import (NOT_GIVEN, finish, parser_for, published, rival_environment,  # noqa: E402  pylint: disable=wrong-import-position,import-error
                    single_thread_environment, summary, table)

PROGRAM = ("import time; wall, cpu = time.perf_counter(), time.process_time(); import {0}; "
           "print(time.perf_counter() - wall, time.process_time() - cpu, getattr({0}, '__version__', ''))")


def imported(python, module, environment):
    """Wall clock, CPU time and version of one import."""
    done = subprocess.run([python, "-c", PROGRAM.format(module)], capture_output=True, text=True, check=True,
                          env=environment)
    wall, cpu, version = done.stdout.split()[-3:]
    return float(wall), float(cpu), version


def main():
    """Imports in turns."""
    options = parser_for("import").parse_args()
    sides, absent, versions, times = {"gemel": sys.executable}, {}, {}, {}
    for rival in ("mxnet", "torch", "jax"):
        python = getattr(options, rival + "_python")
        if python:
            sides[rival] = python
        else:
            absent[rival] = NOT_GIVEN.format(rival, rival.upper())
    for index in range((options.rounds or 7) + 1):
        for side, python in list(sides.items()):
            try:
                wall, cpu, versions[side] = imported(
                    python, side, single_thread_environment() if side == "gemel" else rival_environment())
            except (OSError, subprocess.CalledProcessError) as error:
                absent[side] = str(error)
                del sides[side]
                continue
            if index:
                times.setdefault(side, []).append((wall, cpu))
    results = {side: {"case": "import", "wall": summary([wall for wall, _ in values]),
                      "cpu": summary([cpu for _, cpu in values])} for side, values in times.items()}
    ratio = {side: {clock: results["gemel"][clock]["min"] / entry[clock]["min"] for clock in ("wall", "cpu")}
             for side, entry in results.items() if side != "gemel"}
    row = {"name": "import", "aim": 0.3, "sides": results, "ratio": ratio,
           "published": {name: text for name, text in published("import", "import").items() if name not in results}}
    finish({"workload": "import", "unit": "s", "rows": [row], "absent": absent, "versions": versions}, options, table)


if __name__ == "__main__":
    main()
