"""The pictures of the figures of convnet."""
from convnet.report import CAPS, in_order, is_ours

MARKERS = "os^vD<>P"
TICKS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3)


def _pyplot():
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    return pyplot


def _legend(figure, axes):
    """One legend below all axes."""
    handles = {label: handle for one in axes for handle, label in zip(*one.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False)


def speeds(report, path, clock="wall"):
    """Draws how quick every side is in each cell, ours being 1; an instruction set is a panel."""
    names = [name for name in report["versions"] if name != "gemel"]
    panels = [rows for cap in CAPS
              if (rows := [row for row in in_order(report) if row["instruction_set"] == cap and row["ratio"]])]
    figure, grid = _pyplot().subplots(1, len(panels), figsize=(1 + 9 * len(panels), 2 + 0.4 * max(map(len, panels))),
                                      layout="constrained", squeeze=False)
    for axes, rows in zip(grid.flat, panels):
        for index, name in enumerate(names):
            points = [(row["ratio"][name][clock], place) for place, row in enumerate(rows) if name in row["ratio"]]
            if points:
                axes.scatter(*zip(*points), label=name, marker="*" if is_ours(name) else MARKERS[index % 8],
                             color=f"C{index % 10}", s=45, alpha=0.85)
        axes.axvline(1, color="black", linewidth=1.2)
        axes.text(1, -0.75, " gemel", va="center")
        axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
        axes.set_ylim(len(rows) - 0.5, -1)
        axes.set_xscale("log")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.set_xlabel(f"speed relative to gemel by {clock} time (right of the line: quicker)")
        axes.grid(axis="both", alpha=0.3)
    _legend(figure, grid.flat)
    figure.savefig(path, dpi=110)


def errors(report, path, clock="wall"):
    """Draws speed against the deviation of the scores from float64, a panel for each network at the
    smallest batch and fewest threads that were measured: up and to the left is better."""
    rows = {}
    for row in in_order(report):
        if any("deviation" in entry for entry in row["sides"].values()):
            rows.setdefault(row["network"], row)
    figure, panels = _pyplot().subplots(2, (len(rows) + 1) // 2, figsize=(11, 8), layout="constrained", squeeze=False)
    for axes, row in zip(panels.flat, rows.values()):
        for index, name in enumerate(report["versions"]):
            entry = row["sides"].get(name, {})
            if "deviation" in entry:
                axes.scatter(entry["deviation"], row["batch"] / entry[clock]["min"], label=name, s=70,
                             marker="*" if is_ours(name) else MARKERS[index % 8],
                             color=f"C{index % 10}", edgecolors="black" if is_ours(name) else "none")
        axes.set_xscale("log")
        axes.set_title(row["name"])
        axes.set_xlabel("rms error of the scores against float64")
        axes.set_ylabel("images/s")
        axes.grid(alpha=0.3)
    for axes in list(panels.flat)[len(rows):]:
        axes.axis("off")
    _legend(figure, panels.flat)
    figure.savefig(path, dpi=110)
