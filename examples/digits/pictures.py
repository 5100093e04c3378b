"""The pictures of the demo. Each function writes one file and returns its path."""
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.patches import Patch, Rectangle  # noqa: E402

import gemel as mx  # noqa: E402

COLORS = {"reading": "#e8853a", "computing": "#4a7fb5", "updating": "#5aa469", "other": "#9a9a9a"}
UPDATES = ("adam_update", "sgd_update", "sgd_mom_update", "update")


def save(figure, path):
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def learning_curve(training, held_out, path):
    """Accuracy by epoch."""
    figure, axes = plt.subplots(figsize=(7, 4))
    epochs = range(1, len(training) + 1)
    axes.plot(epochs, training, color=COLORS["computing"], label="training digits, moved and with dropout")
    axes.plot(epochs, held_out, color=COLORS["reading"], label="held-out digits")
    axes.axhline(0.98, color="#bbbbbb", linestyle=":", zorder=0)
    axes.set_ylim(max(0, min(training[1:] + held_out[1:]) - 0.02), 1.002)
    axes.set(xlabel="epoch", ylabel="accuracy", title="Learning to read digits")
    axes.legend(loc="lower right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def network(symbol, path):
    """The graph, drawn by Graphviz from the data (left) to the loss (right)."""
    drawing = mx.viz.plot_network(symbol, title="digits", save_format="png",
                                  shape={"data": (1, 1, 8, 8), "softmax_label": (1,)},
                                  node_attrs={"fixedsize": "false", "fontname": "Helvetica"})
    # Half of the nodes in a column of their own would be too tall to look at.
    text = drawing.source.replace("{", "{ rankdir=RL; dpi=70; nodesep=0.3; ranksep=0.35;", 1)
    import subprocess
    subprocess.run(["dot", "-Tpng", "-o", path], input=text.encode(), check=True)
    return path


def memory(timelines, totals, path):
    """Live bytes over the steps of the plan, one curve for each planning mode."""
    figure, axes = plt.subplots(figsize=(10, 4.6))
    names = {"naive": "naive", "inplace": "in-place", "coshare": "co-share", "both": "both"}
    colors = {"naive": "#b5494a", "inplace": "#e8853a", "coshare": "#5aa469", "both": "#4a7fb5"}
    for mode, steps in timelines.items():
        heights = [size / 2**20 for _, size in steps]
        axes.step(range(len(heights)), heights, where="mid", color=colors[mode], linewidth=2,
                  label=f"{names[mode]}: {totals[mode] / 2**20:.2f} MiB planned")
    steps = [name for name, _ in timelines["both"]]
    axes.set_xticks(range(len(steps)), steps, rotation=90, fontsize=8)
    axes.set_ylim(0)
    axes.set(ylabel="live internal memory, MiB", title="One training step: memory of the plan")
    axes.legend(loc="upper left", frameon=False)
    axes.grid(axis="y", color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def kind_of(event):
    """Which colour a task of the trace gets."""
    if event["name"].startswith("read "):
        return "reading"
    if event["name"] in UPDATES:
        return "updating"
    return "computing" if event["cat"] == "compute" else "other"


def trace(source, path):
    """The tasks of a trace file in Chrome's form, a lane for each thread."""
    with open(source, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    threads = {e["tid"]: e["args"]["name"] for e in events if e.get("name") == "thread_name"}
    tasks = [e for e in events if e["ph"] == "X"]
    lanes = sorted({e["tid"] for e in tasks}, key=lambda tid: threads.get(tid, ""))
    figure, axes = plt.subplots(figsize=(12, 1.2 + 0.9 * len(lanes)))
    end = max(e["ts"] + e["dur"] for e in tasks) / 1000
    used = set()
    for event in tasks:
        lane, kind = lanes.index(event["tid"]), kind_of(event)
        used.add(kind)
        # A step of a task lies inside it.
        inside = any(o is not event and o["tid"] == event["tid"] and o["ts"] <= event["ts"]
                     and o["ts"] + o["dur"] >= event["ts"] + event["dur"] and o["dur"] > event["dur"]
                     for o in tasks)
        start, width = event["ts"] / 1000, event["dur"] / 1000
        height = 0.5 if inside else 0.8
        axes.add_patch(Rectangle((start, lane - height / 2), width, height, facecolor=COLORS[kind],
                                 edgecolor="white", linewidth=0.4, alpha=0.9))
        if width / end * 150 > len(event["name"]):
            axes.text(start + width / 2, lane, event["name"], ha="center", va="center", fontsize=7,
                      color="white", clip_on=True)
    axes.set(xlim=(0, end), ylim=(len(lanes) - 0.5, -0.5), xlabel="milliseconds",
             title="What the engine did during five batches")
    axes.set_yticks(range(len(lanes)), [threads.get(tid, f"thread {tid}") for tid in lanes])
    axes.legend(handles=[Patch(color=COLORS[k], label=k) for k in COLORS if k in used], loc="upper center",
                bbox_to_anchor=(0.5, -0.6 / len(lanes)), ncol=4, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def digits(pixels, labels, probabilities, path):
    """Every digit with the class that the network gives it; wrong ones are framed."""
    columns, width, height = 30, 10, 13
    rows = -(-len(labels) // columns)
    predictions = probabilities.argmax(axis=1)
    wrong = predictions != labels
    canvas = np.zeros((rows * height, columns * width))
    figure, axes = plt.subplots(figsize=(12, 12 * canvas.shape[0] / canvas.shape[1]))
    for i, prediction in enumerate(predictions):
        y, x = i // columns * height + 4, i % columns * width + 1
        canvas[y:y + 8, x:x + 8] = pixels[i]
        text = f"{prediction}, not {labels[i]:.0f}" if wrong[i] else f"{prediction}"
        axes.text(x + 3.5, y - 0.8, text, ha="center", fontsize=7, color="#d62728" if wrong[i] else "#333333")
        if wrong[i]:
            axes.add_patch(Rectangle((x - 0.9, y - 0.9), 8.8, 8.8, fill=False, edgecolor="#d62728", linewidth=1.5))
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=240)
    axes.axis("off")
    axes.set_title(f"{len(labels)} held-out digits and what the network reads: "
                   f"{np.sum(~wrong)} right, {np.sum(wrong)} wrong (red)", fontsize=11)
    return save(figure, path)
