"""Operator calls from MXNet's own front end (PyPI's mxnet==1.9.1): on our library and on its own.

Both sides are the interpreter of --mxnet-python; ours has MXNET_LIBRARY_PATH set.
"""
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, Side, rival_environment, run_timed, single_thread_environment  # noqa: E402  pylint: disable=wrong-import-position,import-error


def _library():
    import gemel  # noqa: F401  pylint: disable=unused-import,import-error,import-outside-toplevel
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return next(line.split()[-1] for line in maps if line.endswith("/libgemel.so"))


def _ours(options):
    if not options.mxnet_python:
        raise SystemExit("this workload needs --mxnet-python: an interpreter with mxnet==1.9.1")
    environment = dict(rival_environment(), MXNET_LIBRARY_PATH=_library(),
                       LD_LIBRARY_PATH=single_thread_environment().get("LD_LIBRARY_PATH", ""))
    return Side("frontend", "gemel", options.mxnet_python, "mxnet", environment)


if __name__ == "__main__":
    run_timed("frontend", "us", [Row("a + b", aim=6.2), Row("dot 8x8"), Row("sum over an axis")], ours=_ours)
