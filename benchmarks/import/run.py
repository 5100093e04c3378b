"""The time of the import statement in a fresh process, its files in the page cache."""
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
from fresh import measure  # noqa: E402  pylint: disable=wrong-import-position,import-error
from runner import (NOT_GIVEN, finish, parser_for, rival_environment,  # noqa: E402  pylint: disable=wrong-import-position,import-error
                    single_thread_environment, table)

PROGRAM = ("import time; wall, cpu = time.perf_counter(), time.process_time(); import {0}; "
           "print(time.perf_counter() - wall, time.process_time() - cpu, getattr({0}, '__version__', ''))")


def main():
    """Imports in turns."""
    options = parser_for("import").parse_args()
    report = {"workload": "import", "unit": "s", "rows": [], "absent": {}, "versions": {}}
    sides = {"gemel": ([sys.executable, "-c", PROGRAM.format("gemel")], single_thread_environment())}
    for rival in ("mxnet", "torch", "jax"):
        python = getattr(options, rival + "_python")
        if python:
            sides[rival] = ([python, "-c", PROGRAM.format(rival)], rival_environment())
        else:
            report["absent"][rival] = NOT_GIVEN.format(rival, rival.upper())
    measure("import", "import", sides, options.rounds or 7, report, aim=0.3)
    finish(report, options, table)


if __name__ == "__main__":
    main()
