"""Convolution layers alone, all passes: our choice of kernels against our direct ones and torch, one thread."""
import math
import os
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from convolution_layers import BATCH, cases  # noqa: E402  pylint: disable=wrong-import-position,import-error
from runner import (  # noqa: E402  pylint: disable=wrong-import-position,import-error
    NOT_GIVEN, Row, Side, finish, measure, parser_for, single_thread_environment)

AIM = 1.8   # of the direct kernels, for 3 x 3 with stride 1


def open_sides(options):
    """Ours as it chooses, ours with `exact`, and torch where it is."""
    exact = single_thread_environment() | {"GEMEL_FPMATH": "exact"}
    sides = [Side("convolution", "gemel", sys.executable),
             Side("convolution", "exact", sys.executable, program="gemel", environment=exact)]
    sides[1].name = "exact"
    if not options.torch_python:
        return sides, {"torch": NOT_GIVEN.format("torch", "TORCH")}
    return sides + [Side("convolution", "torch", options.torch_python)], {}


def row_of(layer, direction, results):
    """The figures of one row: GFLOP/s by the CPU time, and how many times quicker than each other side."""
    entry = {"name": layer.name(direction), "grouped": layer.groups > 1,
             "three": layer.kernel == 3 and layer.stride == 1 and layer.groups == 1 and not layer.first,
             "sides": results, "gflops": {}, "times": {}}
    for name, side in results.items():
        if "cpu" in side:
            entry["gflops"][name] = layer.flops / side["cpu"]["min"] / 1e9
    for name, speed in entry["gflops"].items():
        if name != "gemel" and "gemel" in entry["gflops"]:
            entry["times"][name] = entry["gflops"]["gemel"] / speed
    return entry


def mean(values):
    """The geometric mean."""
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def lines(report):
    """The table."""
    yield f"convolution, batch {BATCH}, one thread, GFLOP/s as direct sums count them, by CPU time"
    yield f"{'':46}{'gemel':>8}{'exact':>8}{'torch':>8}   times as quick as exact, torch"
    for row in report["rows"]:
        speeds = "".join(f"{row['gflops'].get(name, math.nan):8.0f}" for name in ("gemel", "exact", "torch"))
        ratios = "".join(f"{row['times'].get(name, math.nan):8.2f}" for name in ("exact", "torch"))
        yield f"{row['name']:46}{speeds}   {ratios}"
        for name, side in row["sides"].items():
            if "error" in side:
                yield f"  {name} failed: {side['error']}"
    for title, rows in (("3x3, stride 1", [r for r in report["rows"] if r["three"]]),
                        ("grouped", [r for r in report["rows"] if r["grouped"]]), ("all", report["rows"])):
        for rival in ("exact", "torch"):
            ratios = [row["times"][rival] for row in rows if rival in row["times"]]
            if ratios:
                aim = f" (aim {AIM})" if rival == "exact" and title == "3x3, stride 1" else ""
                yield f"{title}, times as quick as {rival}: mean {mean(ratios):.2f}, least {min(ratios):.2f}{aim}"
    for name, reason in report["absent"].items():
        yield f"{name} left out: {reason}"


def main():
    """Runs the workload."""
    parser = parser_for("convolution")
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    options = parser.parse_args()

    def say(text):
        print(text, file=sys.stderr, flush=True)

    if hasattr(os, "sched_setaffinity"):  # one thread, one core: moves between cores empty its caches
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sides, absent = open_sides(options)
    report = {"workload": "convolution", "rows": [], "absent": absent,
              "versions": {side.name: side.version for side in sides}}
    for layer, direction in cases():
        name = layer.name(direction)
        if options.only in name:
            say(name)
            results = measure(Row(name, seconds=0.02), sides, options.rounds or 2, say)
            report["rows"].append(row_of(layer, direction, results))
    for side in sides:
        side.close()
    finish(report, options, lines)


if __name__ == "__main__":
    main()
