"""The table of the figures of convnet: each cell, and geometric means over what has the same mode, batch and threads.

A ratio compares two sides of one run: `row["ratio"][side]` is our time over theirs in the run that measured that side.
"""
import math

NETWORKS = ("alexnet", "googlenet", "vgg16", "resnet50")
CAPS = {"best": "", "avx2": ", AVX2"}
WINOGRAD = ("ncnn",)   # rivals that do not compute direct sums, which `exact` is not compared with
# How many times as quick as the best rival we mean to be: at batch 1 and above.
AIMS = {"alexnet": (1.1, 1.25), "googlenet": (1.3, 1.3), "vgg16": (1.4, 1.8), "resnet50": (1.3, 1.3)}


def title(network, mode, batch, threads, instruction_set="best"):
    """A cell in words."""
    return f"{network}, {mode}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}{CAPS[instruction_set]}"


def is_ours(side):
    """Whether a side is Gemel, with whatever settings."""
    return side.split("_")[0] == "gemel"


def in_order(report):
    """The rows: by instruction set, threads, mode, batch and network."""
    return sorted(report["rows"], key=lambda row: (row["instruction_set"] != "best", row["threads"], row["mode"],
                                                   row["batch"] > 1, NETWORKS.index(row["network"])))


def gain(row, clock, side="gemel"):
    """(how many times as quick as the best rival a side of ours is, whose that is), (None, None) without both.
    `exact` is compared with those that compute direct sums as it does."""
    ours = 1 if side == "gemel" else row["ratio"].get(side, {}).get(clock)
    skipped = WINOGRAD if side == "gemel_exact" else ()
    found = [(ratio[clock], name) for name, ratio in row["ratio"].items() if not is_ours(name) and name not in skipped]
    if not found or not ours:
        return None, None
    ratio, name = max(found)
    return ours / ratio, name


def mean(values):
    """The geometric mean."""
    return math.exp(sum(math.log(value) for value in values) / len(values))


def aim(row):
    """The gain that we mean to have in a cell."""
    return AIMS[row["network"]][row["batch"] > 1]


def _scaling(report, clock):
    """(cell in words without its threads, time on one thread over that on two), for ours."""
    times = {(row["network"], row["mode"], row["batch"], row["instruction_set"], row["threads"]):
             row["sides"].get("gemel", {}).get(clock, {}).get("min") for row in in_order(report)}
    for (*cell, threads), two in times.items():
        one = times.get((*cell, 1))
        if threads == 2 and one and two:
            yield f"{cell[0]}, {cell[1]}, batch {cell[2]}{CAPS[cell[3]]}", one / two


def means(report, clock="wall"):
    """(what, geometric mean, least, how many cells) by group of cells, then over all cells of an instruction set."""
    groups = {}
    for row in in_order(report):
        batch = "batch 1" if row["batch"] == 1 else "larger batch"
        group = f"{row['mode']}, {batch}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}"
        figures = {"best rival / ours": gain(row, clock)[0],
                   "best rival without Winograd / ours in exact": gain(row, clock, "gemel_exact")[0],
                   "with oneDNN / without": row["ratio"].get("gemel_without_onednn", {}).get(clock)}
        for what, value in figures.items():
            if value:
                for name in (group, "all cells"):
                    groups.setdefault((row["instruction_set"], name == "all cells", name, what), []).append(value)
    for (cap, _, name, what), values in sorted(groups.items(), key=lambda item: (item[0][0] != "best", item[0][1])):
        yield f"{name}{CAPS[cap]}: {what}", mean(values), min(values), len(values)
    scaling = [value for _, value in _scaling(report, clock)]
    if scaling:
        yield "one thread / two threads", mean(scaling), min(scaling), len(scaling)


def _figure(row, name, entry):
    """The line of one side."""
    wall, cpu = entry["wall"], entry["cpu"]
    rate = row["work"] / wall["min"] / 1e9
    text = (f"  {name:20}{wall['min'] * 1e3:10.1f} ({wall['median'] * 1e3:.1f})"
            f"   cpu {cpu['min'] * 1e3:.1f} ({cpu['median'] * 1e3:.1f})"
            f"   {row['batch'] / wall['min']:.1f} images/s   {rate:.0f} GFLOP/s")
    if row["peak"]:
        text += f", {rate / row['peak']:.0%} of the peak"
    text += f"   {entry['resident'] / 2**20:.0f} MiB"
    if name in row["ratio"]:
        text += f"   gemel/{name} {row['ratio'][name]['wall']:.2f}"
    return text + (f"   error {entry['deviation']:.1e}" if "deviation" in entry else "")


def table(report):
    """The lines of the table."""
    yield ("ms a batch: least (median) of the wall clock; CPU time; images/s; work as direct sums count it; memory of"
           " the process at its peak; our time by theirs; rms error of the scores against float64")
    for row in in_order(report):
        yield ""
        yield row["name"]
        for name, entry in sorted(row["sides"].items(), key=lambda item: not is_ours(item[0])):
            yield f"  {name:20} failed: {entry['error'][:200]}" if "error" in entry else _figure(row, name, entry)
        for side in ("gemel", "gemel_exact"):
            for clock in ("wall", "cpu"):
                found, rival = gain(row, clock, side)
                if found:
                    wanted = f" (aim {aim(row)})" if side == "gemel" else ""
                    yield f"  {side}, {clock}: {found:.2f}x of {rival}{wanted}"
    yield ""
    for cell, value in _scaling(report, "wall"):
        yield f"one thread / two threads, {cell}: {value:.2f}"
    for clock in ("wall", "cpu"):
        for what, value, least, count in means(report, clock):
            yield f"{clock}: {what}: geometric mean {value:.2f} of {count}, least {least:.2f}"
    yield "; ".join(f"{name} {version}" for name, version in report["versions"].items())
    for name, reason in report["absent"].items():
        yield f"{name} left out: {reason}"


def page_rows(report):
    """The rows of the page: (what, figure, aim, rivals, published figures)."""
    for row in in_order(report):
        ours = row["sides"].get("gemel", {})
        if "wall" not in ours:
            yield row["name"], "failed", "", "", ""
            continue
        others = ", ".join(f"{name} {entry['wall']['min'] * 1e3:.3g} ({row['ratio'][name]['wall']:.2f}x)"
                           for name, entry in row["sides"].items() if name in row["ratio"])
        found, rival = gain(row, "wall")
        least = min((entry["resident"], name) for name, entry in row["sides"].items()
                    if not is_ours(name) and "resident" in entry) if found else None
        memory = f", {ours['resident'] / 2**20:.0f} MiB" + (
            f" (least of rivals: {least[1]} {least[0] / 2**20:.0f})" if least else "")
        yield (row["name"], f"{ours['wall']['min'] * 1e3:.3g} ({ours['wall']['median'] * 1e3:.3g}) ms, CPU "
               f"{ours['cpu']['min'] * 1e3:.3g}{memory if row['mode'] == 'training' else ''}"
               + (f"; {found:.2f}x as quick as {rival}" if found else ""), f">= {aim(row)}x", others, "")
    for cell, value in _scaling(report, "wall"):
        yield f"one thread / two threads, {cell}", f"{value:.2f}", ">= 1.85", "", ""
    for what, value, least, count in means(report):
        yield f"geometric mean of {count}, {what}", f"{value:.2f}, least {least:.2f}", "", "", ""
