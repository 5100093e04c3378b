"""Tunes one network and then measures it by default and tuned, in turns; prints JSON. Progress goes to
standard error.

    network.py MODEL LAYERS NAME=N,N;NAME=N,N BUDGET LIST
"""
import argparse
import json
import statistics
import sys
import time

import gemel as mx
from gemel import tuning
from gemel.commands import tune as command

PAIRS = 31             # of runs, at most
PART_OF_BUDGET = 6     # the comparison takes as many times less


def seconds_of(executor):
    """The seconds of one inference."""
    start = time.perf_counter()
    for output in executor.forward(is_train=False):
        output.wait_to_read()
    return time.perf_counter() - start


def in_turns(first, second, seconds):
    """Medians of both, of at least three pairs of runs."""
    times, end = ([], []), time.perf_counter() + seconds
    seconds_of(first), seconds_of(second)
    while len(times[0]) < 3 or (len(times[0]) < PAIRS and time.perf_counter() < end):
        order = ((0, first), (1, second)) if len(times[0]) % 2 else ((1, second), (0, first))
        for index, executor in order:
            times[index].append(seconds_of(executor))
    return [statistics.median(one) for one in times]


def main():
    model, layers, shapes, budget, allowed = sys.argv[1:]
    arguments = argparse.Namespace(model=model, num_layers=int(layers) or None, shape=shapes.split(";"), training=False)
    tuned = command.bound(arguments)
    plain = command.bound(arguments)   # before the record is written: the defaults
    allow = [name for name in allowed.split(",") if name]
    report = tuned.tune(float(budget), allow=allow, progress=lambda row: print(
        "  " + tuning.format_row(row), file=sys.stderr, flush=True))
    for row in report.batches:
        print(f"  batch {row['batch']}: {row['samples_per_second']:.1f} samples/s", file=sys.stderr, flush=True)
    if report.choices["settings"] or report.choices["kernels"]:
        default, chosen = in_turns(plain, tuned, float(budget) / PART_OF_BUDGET)
    else:  # both run the same
        default = chosen = report.default_seconds
    batch = tuned.arg_dict["data"].shape[0]
    rate = max([row["samples_per_second"] for row in report.batches] + [batch / chosen])
    json.dump({"default": default, "tuned": chosen, "elapsed": report.elapsed, "tried": len(report.rows),
               "settings": report.choices["settings"], "kernels": len(report.choices["kernels"]),
               "batch": report.best_batch or batch, "throughput_gain": rate * default / batch,
               "version": mx.__version__}, sys.stdout)


if __name__ == "__main__":
    main()
