"""The error of every value of fpmath against float64, and its speed: convolutions and matrix products.

    scripts/bench precision                  # the table
    scripts/bench precision --json
    scripts/bench precision --write          # into docs/guide/precision.md, and its picture

Errors are root mean square, relative to that of the result; operands are normal random numbers, a
convolution's weights scaled so that results are of size 1. Times are the least of several runs on one
thread, the modes in turns. Whole networks, and other libraries, are in `scripts/bench convnet`.
"""
import argparse
import json
import os
import re
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GEMEL_RECORD"] = "off"

import numpy as np  # noqa: E402  pylint: disable=wrong-import-position

import gemel as mx  # noqa: E402  pylint: disable=wrong-import-position

ROOT = Path(__file__).resolve().parents[2]
PAGE, PICTURE = ROOT / "docs/guide/precision.md", ROOT / "docs/pictures/precision.png"
MODES = ("exact", "strict", "high", "fast")
# Name -> batch, channels, side, filters, kernel, stride.
CONVOLUTIONS = {"convolution 1x1": (4, 128, 28, 128, 1, 1),
                "convolution 3x3": (4, 128, 28, 128, 3, 1),
                "convolution 3x3, stride 2": (4, 128, 28, 128, 3, 2),
                "convolution 5x5": (4, 64, 28, 64, 5, 1),
                "convolution 7x7": (2, 64, 28, 64, 7, 1)}
# Name -> rows, columns, length of the sums.
PRODUCTS = {"matrix product 512x512x512": (512, 512, 512),
            "matrix product 64x1000x2048": (64, 1000, 2048)}


def convolution(batch, channels, side, filters, kernel, stride):
    """Symbol, arrays, the result in float64, and the number of operations."""
    rng = np.random.default_rng(kernel)
    data = rng.standard_normal((batch, channels, side, side)).astype(np.float32)
    weight = rng.standard_normal((filters, channels, kernel, kernel)) / (kernel * channels ** 0.5)
    weight = weight.astype(np.float32)
    pad = kernel // 2
    symbol = mx.sym.Convolution(mx.sym.var("a"), mx.sym.var("b"), kernel=(kernel, kernel),
                                num_filter=filters, pad=(pad, pad), stride=(stride, stride), no_bias=True)
    padded = np.pad(data.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    truth = np.einsum("nchwij,fcij->nfhw", windows[:, :, ::stride, ::stride], weight.astype(np.float64),
                      optimize=True)
    return symbol, data, weight, truth, 2 * truth.size * channels * kernel ** 2


def product(rows, columns, length):
    """The same of a matrix product."""
    rng = np.random.default_rng(length)
    a = rng.standard_normal((rows, length)).astype(np.float32)
    b = (rng.standard_normal((length, columns)) / length ** 0.5).astype(np.float32)
    symbol = mx.sym.dot(mx.sym.var("a"), mx.sym.var("b"))
    return symbol, a, b, a.astype(np.float64) @ b.astype(np.float64), 2 * rows * columns * length


def measure(name, symbol, a, b, truth, operations, rounds):
    """A row for each mode: error, seconds, GFLOP/s and the kernel."""
    executors = {}
    before = mx.runtime.get_setting("fpmath")
    for mode in MODES:
        mx.runtime.set_setting("fpmath", mode)
        executors[mode] = symbol.simple_bind(mx.cpu(), grad_req="null", a=a.shape, b=b.shape)
        executors[mode].arg_dict["a"][:], executors[mode].arg_dict["b"][:] = a, b
    mx.runtime.set_setting("fpmath", before)
    rows = []
    for mode, executor in executors.items():
        result = executor.forward()[0].asnumpy()
        error = float(np.sqrt(np.mean((result - truth) ** 2) / np.mean(truth ** 2)))
        kernel = re.search(r"\[(\w+)\]", executor.debug_str())[1]
        rows.append({"what": name, "mode": mode, "error": error, "kernel": kernel, "seconds": np.inf})
    for _ in range(rounds):
        for row in rows:
            start = time.perf_counter()
            executors[row["mode"]].forward()[0].wait_to_read()
            row["seconds"] = min(row["seconds"], time.perf_counter() - start)
    for row in rows:
        row["gflops"] = operations / row["seconds"] / 1e9
    return rows


def table(rows):
    """The rows as Markdown."""
    lines = ["| what | " + " | ".join(MODES) + " |", "|---|" + "---|" * len(MODES)]
    for name in dict.fromkeys(row["what"] for row in rows):
        cells = [f"{row['error']:.1e}, {row['gflops']:.0f} GFLOP/s, {row['kernel']}"
                 for row in rows if row["what"] == name]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(rows, path):
    """Speed against error, a mark for each mode: up and to the left is better."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    names = list(dict.fromkeys(row["what"] for row in rows))
    for number, name in enumerate(names):
        for mode, marker in zip(MODES, "osD*"):
            row = next(row for row in rows if (row["what"], row["mode"]) == (name, mode))
            axes.scatter(row["error"], row["gflops"], marker=marker, color=f"C{number}", s=60,
                         label=name if mode == "exact" else None)
    handles, labels = axes.get_legend_handles_labels()
    for mode, marker in zip(MODES, "osD*"):
        handles.append(axes.scatter([], [], marker=marker, color="grey"))
        labels.append(mode)
    axes.set_xscale("log")
    axes.set_xlabel("rms error against float64")
    axes.set_ylabel("GFLOP/s of a direct sum, one thread")
    axes.grid(alpha=0.3)
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(path, dpi=90)


def write(rows):
    """Puts the table between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- figures: written by scripts/bench precision --write -->\n", "<!-- end -->"
    head, rest = text.split(begin)
    PAGE.write_text(head + begin + "\n" + table(rows) + "\n\n" + end + rest.split(end)[1], encoding="utf-8")
    plot(rows, PICTURE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    cases = [(name, convolution(*sizes)) for name, sizes in CONVOLUTIONS.items()]
    cases += [(name, product(*sizes)) for name, sizes in PRODUCTS.items()]
    rows = [row for name, case in cases for row in measure(name, *case, options.rounds)]
    print(json.dumps(rows, indent=1) if options.json else table(rows))
    if options.write:
        write(rows)


if __name__ == "__main__":
    main()
