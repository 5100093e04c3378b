"""Writes the table of README.md, and the pictures of convnet, from the reports of the workloads.

    scripts/bench small --json > build/results/small.json      (and so on, for each workload)
    python benchmarks/results.py build/results/*.json

Rows of workloads that were not given stay as they are in the page.
"""
import json
import re
import sys
from pathlib import Path

from convnet import pictures
from convnet.report import page_rows

HERE = Path(__file__).resolve().parent
PAGE, PICTURES = HERE / "README.md", HERE.parent / "docs/pictures"
SCALES = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
BEGIN, END = "<!-- figures: written by results.py -->", "<!-- end of figures -->"
HEAD = "| what | command | Gemel, least (median) | aim | rivals in the same run | published figures of others |\n" \
       "|---|---|---|---|---|---|\n"


def short(value):
    """Three digits, no exponent."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def timed_rows(report):
    """Table rows of a workload with timed sides."""
    unit, scale = report["unit"], SCALES[report["unit"]]
    for row in report["rows"]:
        ours = row["sides"].get("gemel", {})
        if "wall" in ours:
            figure = f"{short(ours['wall']['min'] * scale)} ({short(ours['wall']['median'] * scale)}) {unit}"
            figure += f", CPU {short(ours['cpu']['min'] * scale)}"
        else:
            figure = "failed"
        rivals = []
        for name, entry in row["sides"].items():
            if name == "gemel" or "wall" not in entry:
                continue
            ratio = row["ratio"].get(name)
            rivals.append(f"{name} {short(entry['wall']['min'] * scale)}" + (f" ({ratio['wall']:.2f}x)" if ratio else ""))
        aim = f"<= {row['aim']:g} {unit}" if row["aim"] else ""
        if "relative" in row:
            relative = row["relative"]
            figure += f"; {relative['wall']:.2f}x of {relative['to']}"
            aim += f", <= {relative['aim']:g}x"
        others = ", ".join(f"{name} {text}" for name, text in row["published"].items())
        yield (row["name"], figure, aim, ", ".join(rivals), others)


def memory_rows(report):
    """Table rows of the memory workload."""
    for row in report["rows"]:
        sizes = " / ".join(f"{row['gemel'][mode] / 2**20:.1f}" for mode in ("naive", "inplace", "coshare", "both"))
        theirs = row["mxnet"].get("both")
        yield (row["name"] + ": naive / inplace / coshare / both", sizes + " MB", "never more",
               f"mxnet {theirs} MB ({row['gemel']['both'] / 2**20 / theirs:.2f}x of both)" if theirs else "",
               f"mxnet naive {row['naive']} MB, {row['gain']:.2f}x of ours" if row.get("naive") else "")
    costs = report["costs"]
    yield ("planning of " + " / ".join(costs["planning"]) + " operators",
           " / ".join(short(time) for time in costs["planning"].values()) + " ms", "10,000: <= 50 ms", "", "")
    for width, (size, share) in costs["width"].items():
        yield (f"googlenet, inference, batch 1, width {width}",
               f"{size / 2**20:.1f} MB, longest chain {share:.0%} of the bytes touched", "", "", "")
    for share, (size, work, seconds) in costs["budget"].items():
        yield (f"resnet50, training in {float(share):.0%} of its plan",
               f"{size / 2**20:.0f} MB, {work:.0%} of the forward pass twice, chosen in {seconds:.2f} s",
               "<= 2315 MB", "", "")
    measured = costs["recompute"]
    if "refused" not in measured:
        yield ("resnet50, training, batch 16, in an eighth of naive",
               f"{measured['planned'] / 2**20:.0f} MB, {measured['fitted']:.0f} ms, {measured['fitted'] / measured['plain']:.2f}x "
               "of the usual plan's time", "<= 1.35x", "", "")


def build_rows(report):
    """The table row of the build."""
    yield ("clean release build, 2 jobs", f"{report['wall']:.0f} s, CPU {report['cpu']:.0f}", f"<= {report['aim']} s", "",
           "")


def convolution_rows(report):
    """One table row for each layer: its passes one after the other."""
    layers = {}
    for row in report["rows"]:
        layer, direction = row["name"].rsplit(", ", 1)
        layers.setdefault(layer, {})[direction] = row
    for layer, rows in layers.items():
        speeds = " / ".join(short(row["gflops"].get("gemel", float("nan"))) for row in rows.values())
        rivals = []
        for name in ("exact", "torch"):
            if all(name in row["times"] for row in rows.values()):
                ratios = " / ".join(f"{row['times'][name]:.2f}" for row in rows.values())
                rivals.append(f"{ratios} times as quick as {name}")
        three = any(row["three"] for row in rows.values())
        yield (f"{layer}: {' / '.join(rows)}", f"{speeds} GFLOP/s", ">= 1.8 times exact" if three else "",
               ", ".join(rivals), "")


def tuner_rows(report):
    """One table row for each network."""
    for name, row in report["rows"].items():
        same, free = row["same"], row["free"]
        if "error" not in same:
            gain = "" if "error" in free else f"; {free['throughput_gain']:.2f}x the samples/s with free choices"
            yield (f"tuner, {name}, batch 1", f"{same['default'] * 1e3:.1f} ms by default, {same['tuned'] * 1e3:.1f} ms tuned in "
                   f"{report['budget']:g} s: defaults {same['tuned'] / same['default']:.2f}x of tuned{gain}",
                   ">= 0.9x; >= 1.5x", "", "")


def rows_of(report):
    """The table rows of a report, as lines."""
    kinds = {"memory": memory_rows, "build": build_rows, "convolution": convolution_rows,
             "convnet": page_rows, "tuner": tuner_rows}
    return [f"| {name} | `scripts/bench {report['workload']}` | {figure} | {aim} | {rivals} | {others} |"
            for name, figure, aim, rivals, others in kinds.get(report["workload"], timed_rows)(report)]


def main():
    """Replaces the rows of the given reports, and their pictures."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    tables = {}
    for line in old.splitlines():
        command = re.search(r"`scripts/bench (\w+)`", line)
        if command:
            tables.setdefault(command.group(1), []).append(line)
    for path in sys.argv[1:]:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
        tables[report["workload"]] = rows_of(report)
        if report["workload"] == "convnet":
            pictures.speeds(report, PICTURES / "convnet.png")
            pictures.errors(report, PICTURES / "convnet_error.png")
    order = ["engine", "small", "frontend", "arrays", "chain", "perceptron", "optimizer", "lstm", "transformer",
             "convolution", "convnet", "data", "profiler", "mixed", "memory", "tuner", "import", "start", "build"]
    lines = [line for name in order for line in tables.get(name, [])]
    PAGE.write_text(f"{before}{BEGIN}\n\n{HEAD}" + "\n".join(lines) + f"\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
