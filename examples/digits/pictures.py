"""The pictures of the demo. Each function writes one file and returns its path."""

import json
import subprocess

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.patches import Patch, Rectangle  # noqa: E402

import gemel as mx  # noqa: E402

COLORS = {
    "reading": "#e8853a",
    "computing": "#4a7fb5",
    "updating": "#5aa469",
    "waiting": "#e3e3e3",
    "other": "#9a9a9a",
}
UPDATES = ("adam_update", "sgd_update", "sgd_mom_update", "update")


def save(figure, path):
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def learning_curve(training, held_out, path):
    """Accuracy by epoch."""
    figure, axes = plt.subplots(figsize=(7, 4))
    epochs = range(1, len(training) + 1)
    axes.plot(
        epochs, training, color=COLORS["computing"], label="training digits, moved and with dropout"
    )
    axes.plot(epochs, held_out, color=COLORS["reading"], label="held-out digits")
    axes.axhline(0.98, color="#bbbbbb", linestyle=":", zorder=0)
    axes.set_ylim(max(0, min(training[1:] + held_out[1:]) - 0.02), 1.002)
    axes.set(xlabel="epoch", ylabel="accuracy", title="Learning to read digits")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def network(symbol, path):
    """The graph, drawn by Graphviz from the data (below) to the loss (above)."""
    drawing = mx.viz.plot_network(
        symbol,
        title="digits",
        save_format="png",
        shape={"data": (1, 1, 8, 8), "softmax_label": (1,)},
        node_attrs={"fixedsize": "false", "fontname": "Helvetica", "height": "0.5"},
    )
    text = drawing.source.replace("{", "{ dpi=75; ranksep=0.25;", 1)
    subprocess.run(["dot", "-Tpng", "-o", path], input=text.encode(), check=True)
    return path


def memory(timelines, totals, path):
    """Live bytes over the steps of the plan, below what each planning mode reserves."""
    figure, axes = plt.subplots(figsize=(10, 5))
    names = {"naive": "naive", "inplace": "in-place", "coshare": "co-share", "both": "both"}
    colors = {"naive": "#b5494a", "inplace": "#e8853a", "coshare": "#5aa469", "both": "#4a7fb5"}
    steps = [name if len(name) < 25 else name[:24] + "\u2026" for name, _ in timelines["both"]]
    heights = {mode: [size / 2**20 for _, size in timeline] for mode, timeline in timelines.items()}
    x = np.arange(len(steps))
    for mode, label in (("coshare", "alive"), ("both", "alive, operators working in place")):
        axes.fill_between(
            x, heights[mode], step="mid", color=colors[mode], alpha=0.45, linewidth=0, label=label
        )
    lines = sorted(totals, key=totals.get)
    lowest = -1.0
    for mode in lines:
        total = totals[mode] / 2**20
        axes.axhline(total, color=colors[mode], linewidth=2)
        # Labels of lines that lie close together move apart.
        lowest = max(total, lowest + 0.05 * totals[lines[-1]] / 2**20)
        axes.text(
            len(steps) - 0.3,
            lowest,
            f"{names[mode]}: {total:.2f} MiB",
            color=colors[mode],
            va="center",
        )
    axes.set_xticks(x, steps, rotation=90, fontsize=8)
    axes.set(
        xlim=(-0.5, len(steps) - 0.5),
        ylim=(0, totals[lines[-1]] / 2**20 * 1.06),
        ylabel="MiB",
        title="Memory of one training step: reserved in four modes (lines) and alive (areas)",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.93), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def kind_of(event):
    """Which colour a task of the trace gets."""
    if event["name"].startswith("read "):
        return "reading"
    if event["name"] in UPDATES:
        return "updating"
    return {"operator": "computing", "wait": "waiting"}.get(event["cat"], "other")


def trace(source, path):
    """The tasks of a trace file in Chrome's form, a lane for each thread."""
    with open(source, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    threads = {e["tid"]: e["args"]["name"] for e in events if e.get("name") == "thread_name"}
    tasks = [e for e in events if e["ph"] == "X"]
    order = ("Python", "compute", "copy", "io", "network")
    lanes = sorted(
        {e["tid"] for e in tasks},
        key=lambda tid: (order.index(lane_name(threads.get(tid, "")).split("-")[0]), tid),
    )
    figure, axes = plt.subplots(figsize=(12, 1.2 + 0.8 * len(lanes)))
    end = max(e["ts"] + e["dur"] for e in tasks) / 1000
    used = set()
    for event in tasks:
        lane, kind = lanes.index(event["tid"]), kind_of(event)
        used.add(kind)
        start, width = event["ts"] / 1000, event["dur"] / 1000
        axes.add_patch(
            Rectangle(
                (start, lane - 0.4),
                width,
                0.8,
                facecolor=COLORS[kind],
                edgecolor="white" if width > end / 200 else COLORS[kind],
                linewidth=0.5,
            )
        )
        if width / end * 150 > len(event["name"]):
            axes.text(
                start + width / 2,
                lane,
                event["name"],
                ha="center",
                va="center",
                fontsize=7,
                color="white",
            )
        elif kind == "reading" and free_until(event, tasks) / 1000 > start + width + 0.1 * end:
            axes.text(
                start + width + end / 300,
                lane,
                event["name"],
                va="center",
                fontsize=7,
                color="#555555",
            )
    axes.set(xlim=(0, end), ylim=(len(lanes) - 0.5, -0.5), xlabel="milliseconds")
    axes.set_title("What the engine did during five batches", loc="left")
    axes.set_yticks(range(len(lanes)), [lane_name(threads.get(tid, "")) for tid in lanes])
    axes.legend(
        handles=[Patch(color=COLORS[k], label=k) for k in COLORS if k in used],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncol=4,
        frameon=False,
    )
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def free_until(event, tasks):
    """When the thread of a task begins its next one; the end of the trace after the last."""
    later = [e["ts"] for e in tasks if e["tid"] == event["tid"] and e["ts"] > event["ts"]]
    return min(later, default=max(e["ts"] + e["dur"] for e in tasks))


def lane_name(thread):
    """What the picture calls a thread; the caller's own is `main` on the trace."""
    return "Python" if thread.startswith(("thread ", "main")) or not thread else thread


def digits(pixels, labels, probabilities, path):
    """Every digit with the class that the network gives it; wrong ones are framed."""
    columns, width, height = 30, 10, 14
    rows = -(-len(labels) // columns)
    predictions = probabilities.argmax(axis=1)
    wrong = predictions != labels
    canvas = np.zeros((rows * height, columns * width))
    figure, axes = plt.subplots(figsize=(12, 12 * canvas.shape[0] / canvas.shape[1]))
    for i, prediction in enumerate(predictions):
        y, x = i // columns * height + 4, i % columns * width + 1
        canvas[y : y + 8, x : x + 8] = pixels[i]
        text = f"{prediction} ({labels[i]:.0f})" if wrong[i] else f"{prediction}"
        axes.text(
            x + 3.5,
            y - 1.5,
            text,
            ha="center",
            fontsize=7,
            color="#d62728" if wrong[i] else "#333333",
        )
        if wrong[i]:
            axes.add_patch(
                Rectangle(
                    (x - 0.9, y - 0.9), 8.8, 8.8, fill=False, edgecolor="#d62728", linewidth=1.5
                )
            )
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=240)
    axes.axis("off")
    axes.set_title(
        f"{len(labels)} held-out digits and what the network reads: "
        f"{np.sum(~wrong)} right, {np.sum(wrong)} wrong "
        "(red, with the truth in brackets)",
        fontsize=11,
    )
    return save(figure, path)
