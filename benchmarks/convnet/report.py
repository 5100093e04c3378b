"""The table and the picture of the figures of convnet."""
import math


def title(network, mode, batch, threads):
    """A cell in words."""
    return f"{network}, {mode}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}"


def is_ours(side):
    """Whether a side is Gemel, with whatever settings."""
    return side.split("_")[0] == "gemel"


def best_peer(row, clock):
    """The least time of a rival in a row, and whose; (None, None) without rivals."""
    found = [(entry[clock]["min"], name) for name, entry in row["sides"].items()
             if not is_ours(name) and clock in entry]
    return min(found, default=(None, None))


def gains(report, clock):
    """How many times quicker than the best rival we are, by row; rows without both are left out."""
    return {title(row["network"], row["mode"], row["batch"], row["threads"]):
            best_peer(row, clock)[0] / row["sides"]["gemel"][clock]["min"]
            for row in report["rows"]
            if clock in row["sides"].get("gemel", {}) and best_peer(row, clock)[0]}


def mean(values):
    """The geometric mean."""
    return math.exp(sum(math.log(value) for value in values) / len(values))


def _rate(report, row, seconds):
    """Work per second as direct sums count it, and its share of the peak."""
    if "work" not in row:
        return ""
    rate = row["work"] / seconds / 1e9
    peak = report["peak"].get(str(row["threads"])) or report["peak"].get(row["threads"])
    return f"   {rate:.0f} GFLOP/s" + (f", {rate / peak:.0%} of the peak" if peak else "")


def table(report):
    """The lines of the table."""
    yield ("ms a batch: least (median) of the wall clock; CPU time; images/s; work as direct sums count it;"
           " rms error of the scores against float64; the best rival / ours")
    for row in report["rows"]:
        yield ""
        yield title(row["network"], row["mode"], row["batch"], row["threads"])
        for name, entry in sorted(row["sides"].items(), key=lambda item: item[0] != "gemel"):
            if "error" in entry:
                yield f"  {name:20} failed: {entry['error'][:200]}"
                continue
            wall, cpu = entry["wall"], entry["cpu"]
            yield (f"  {name:20}{wall['min'] * 1e3:10.1f} ({wall['median'] * 1e3:.1f})"
                   f"   cpu {cpu['min'] * 1e3:.1f} ({cpu['median'] * 1e3:.1f})"
                   f"   {row['batch'] / wall['min']:.1f} images/s" + _rate(report, row, wall["min"])
                   + (f"   error {entry['deviation']:.1e}" if "deviation" in entry else ""))
        for clock in ("wall", "cpu"):
            peer, name = best_peer(row, clock)
            if peer and clock in row["sides"].get("gemel", {}):
                ratio = peer / row["sides"]["gemel"][clock]["min"]
                yield f"  {clock}: {ratio:.2f}x of {name}"
    for clock in ("wall", "cpu"):
        found = gains(report, clock)
        if found:
            yield ""
            yield f"{clock}: geometric mean {mean(found.values()):.2f}x of the best rival of each cell"
    yield "; ".join(f"{name} {version}" for name, version in report["versions"].items())
    for name, reason in report["absent"].items():
        yield f"{name} left out: {reason}"


def plot(report, path, clock="wall"):
    """Draws how quick every side is in each cell, ours being 1."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    rows = [row for row in report["rows"] if clock in row["sides"].get("gemel", {}) and len(row["sides"]) > 1]
    names = [name for name in report["versions"] if name != "gemel"]
    figure, axes = pyplot.subplots(figsize=(10, 1 + 0.45 * len(rows)), layout="constrained")
    for index, name in enumerate(names):
        points = [(row["sides"]["gemel"][clock]["min"] / row["sides"][name][clock]["min"], place)
                  for place, row in enumerate(rows) if clock in row["sides"].get(name, {})]
        if points:
            axes.scatter(*zip(*points), label=name, marker="os^vD<>P"[index % 8], s=45, alpha=0.85)
    axes.axvline(1, color="black", linewidth=1.2)
    axes.text(1, -0.75, " gemel", va="center")
    axes.set_yticks(range(len(rows)), [title(row["network"], row["mode"], row["batch"],
                                             row["threads"]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -1)
    axes.set_xscale("log")
    ticks = [0.25, 0.5, 0.75, 1, 1.5, 2, 3]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(f"speed relative to gemel by {clock} time (right of the line: quicker)")
    axes.grid(axis="both", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)


def scatter(report, path, clock="wall"):
    """Draws speed against the deviation of the scores from float64, a panel for each network at the
    smallest batch and fewest threads that were measured: up and to the left is better."""
    import matplotlib  # pylint: disable=import-outside-toplevel
    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel
    rows = {}
    for row in sorted(report["rows"], key=lambda row: (row["batch"], row["threads"])):
        if any("deviation" in entry for entry in row["sides"].values()):
            rows.setdefault(row["network"], row)
    figure, panels = pyplot.subplots(2, (len(rows) + 1) // 2, figsize=(11, 8), layout="constrained",
                                     squeeze=False)
    names = [name for name in report["versions"]]
    for axes, row in zip(panels.flat, rows.values()):
        for index, name in enumerate(names):
            entry = row["sides"].get(name, {})
            if "deviation" in entry:
                axes.scatter(entry["deviation"], row["batch"] / entry[clock]["min"], label=name, s=70,
                             marker="*" if is_ours(name) else "os^vD<>P"[index % 8],
                             color=f"C{index % 10}", edgecolors="black" if is_ours(name) else "none")
        axes.set_xscale("log")
        axes.set_title(title(row["network"], row["mode"], row["batch"], row["threads"]))
        axes.set_xlabel("rms error of the scores against float64")
        axes.set_ylabel("images/s")
        axes.grid(alpha=0.3)
    for axes in list(panels.flat)[len(rows):]:
        axes.axis("off")
    handles = {label: handle for axes in panels.flat
               for handle, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)
