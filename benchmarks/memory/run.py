"""Planned bytes of internal arrays (parameters and their gradients apart) in four modes, before anything runs.

naive: every array its own; inplace: outputs over inputs that die; coshare: arrays that never live
together share; both. 1.9.1 tells what its planner allocates in whole MB, so the batches are large. What its
arrays would take without sharing is a published figure, computed once from its verbose plan.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
from networks import CONVNETS, write_symbols  # noqa: E402  pylint: disable=wrong-import-position
from runner import NOT_GIVEN, finish, parser_for, published, rival_environment  # noqa: E402  pylint: disable=wrong-import-position,import-error

MODES = ("naive", "inplace", "coshare", "both")
# 1.9.1's planner shares nothing but in-place arrays when it matches no sizes.
RIVAL_MODES = {"both": {}, "inplace": {"NNVM_EXEC_MATCH_RANGE": "0"}}


def answer(python, side, environment):
    """What a side prints."""
    program = ("import runpy, sys; sys.path.insert(0, sys.argv[1]); "
               "runpy.run_path(sys.argv[2], run_name='__main__')")
    done = subprocess.run([python, "-c", program, str(HERE.parent), str(HERE / f"{side}.py")], check=True,
                          capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def lines(report):
    """The table."""
    yield "planned internal memory, MB (2^20 bytes)"
    yield f"{'':24}" + "".join(f"{mode:>10}" for mode in MODES) + "   1.9.1 both (ours / theirs)"
    for row in report["rows"]:
        theirs = row["mxnet"].get("both")
        ratio = f"{row['gemel']['both'] / 2**20 / theirs:.2f}" if theirs else "-"
        yield (f"{row['name']:24}" + "".join(f"{row['gemel'][mode] / 2**20:10.1f}" for mode in MODES)
               + (f"{theirs:10d}   ({ratio})" if theirs is not None else "   -")
               + (f"   {row['gain']:.2f}x less than 1.9.1's naive, {row['naive']} MB" if row["naive"] else ""))
    costs = report["costs"]
    for nodes, time in costs["planning"].items():
        yield f"planning {nodes} operators: {time:.1f} ms"
    for width, (size, share) in costs["width"].items():
        yield (f"GoogLeNet, batch 1, width {width}: {size / 2**20:.1f} MB, longest chain {share:.0%} of the bytes "
               "touched")
    for share, (size, work, seconds) in costs["budget"].items():
        yield (f"ResNet-50, training in {float(share):.0%} of its plan: {size / 2**20:.0f} MB, {work:.0%} of the forward "
               f"pass twice, chosen in {seconds:.2f} s")
    measured = costs["recompute"]
    if "refused" in measured:
        yield f"ResNet-50, training, batch 16, in an eighth of naive: {measured['refused']}"
    else:
        yield (f"ResNet-50, training, batch 16, in an eighth of naive: {measured['planned'] / 2**20:.0f} MB, "
               f"{measured['fitted']:.0f} ms a step, {measured['fitted'] / measured['plain']:.2f}x of what it takes in "
               "its usual plan")
    for name, reason in report["absent"].items():
        yield f"{name} left out: {reason}"


def row_of(name, modes, theirs):
    """One row: our bytes by mode, 1.9.1's MB, and how many times less we take than its naive plan."""
    naive = published("memory", name).get("mxnet naive")
    return {"name": name, "gemel": modes, "mxnet": theirs, "naive": naive,
            "gain": int(naive) * 2**20 / modes["both"] if naive else None}


def main():
    """Asks both planners."""
    options = parser_for("memory").parse_args()
    theirs, absent = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        write_symbols(folder, CONVNETS)
        symbols = {"GEMEL_BENCH_SYMBOLS": folder}
        ours = answer(sys.executable, "gemel", {**os.environ, **symbols})
        costs = answer(sys.executable, "planning", {**os.environ, **symbols})
        if options.mxnet_python:
            for mode, settings in RIVAL_MODES.items():
                environment = {**rival_environment(), **settings, **symbols}
                for name, megabytes in answer(options.mxnet_python, "mxnet", environment).items():
                    theirs.setdefault(name, {})[mode] = megabytes
        else:
            absent["mxnet"] = NOT_GIVEN.format("mxnet", "MXNET")
    rows = [row_of(name, modes, theirs.get(name, {})) for name, modes in ours.items()]
    finish({"workload": "memory", "unit": "bytes (mxnet: MB)", "rows": rows, "costs": costs,
            "absent": absent}, options, lines)


if __name__ == "__main__":
    main()
