"""Networks of images: inference and forward-backward, by batch and threads, against every rival.

    scripts/bench convnet                                            # all of it: about an hour
    scripts/bench convnet --network resnet50 --mode inference --batch 1 --threads 1
    scripts/bench convnet --json > build/results/convnet.json        # keep the figures
    scripts/bench convnet --from build/results/convnet.json --plot build/results/convnet.png

Each cell has processes of its own, which take turns. Every side has the same weights, and the scores of
one image must agree with ours within 1 % in inference, else its figure is refused. Times are of one
batch. The networks are those of networks.py.
"""
import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
import runner  # noqa: E402  pylint: disable=wrong-import-position
from convnet import report  # noqa: E402
from networks import CONVNETS, write_symbols  # noqa: E402

# Side -> whose interpreter it has.
SIDES = {"gemel": None, "mxnet": "mxnet", "torch": "torch", "torch_channels_last": "torch",
         "torch_compile": "torch", "tensorflow": "tensorflow", "onnxruntime": "onnxruntime",
         "openvino": "openvino", "ncnn": "ncnn"}
TOLERANCE = 0.01


def cells(options):
    """(network, mode, batch, threads) of the part that is asked for."""
    for name, (_, _, large) in CONVNETS.items():
        for mode, batch in (("inference", 1), ("inference", large), ("training", large)):
            for threads in (1, 2):
                if (name in (options.network or CONVNETS) and mode in (options.mode or (mode,))
                        and batch in (options.batch or (batch,))
                        and threads in (options.threads or (threads,))):
                    yield name, mode, batch, threads


def environment_of(side, cell, folder):
    """The environment of a side's process."""
    threads = str(cell[3])
    environment = (runner.single_thread_environment() if side == "gemel"
                   else runner.rival_environment())
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GEMEL_WORKERS"):
        environment[name] = threads
    return {**environment, "GEMEL_BENCH_SYMBOLS": folder, "TF_CPP_MIN_LOG_LEVEL": "3",
            "GEMEL_BENCH_CELL": ",".join(str(part) for part in cell)}


def checked(entry, ours):
    """A side's figures, or why they are refused: its scores are not ours."""
    theirs = entry.get("output")
    if not theirs or not ours:
        return entry
    largest = max(abs(value) for value in ours)
    if max(abs(a - b) for a, b in zip(ours, theirs)) > TOLERANCE * largest:
        return {"error": f"scores {theirs} are not ours, {ours}"}
    return entry


def measure_cell(cell, options, folder, report_of):
    """The figures of one cell by side."""
    key, sides = ",".join(str(part) for part in cell), []
    for name, owner in SIDES.items():
        python = sys.executable if owner is None else getattr(options, owner + "_python")
        if options.side and name not in options.side and name != "gemel":
            continue
        if not python:
            report_of["absent"][name] = runner.NOT_GIVEN.format(owner, owner.upper())
            continue
        try:
            sides.append(runner.Side("convnet", name, python,
                                     environment=environment_of(name, cell, folder)))
            report_of["versions"][name] = sides[-1].version
        except (OSError, RuntimeError) as error:
            report_of["absent"][name] = str(error)
    row = runner.Row(key, seconds=options.seconds)
    results = runner.measure(row, sides, options.rounds or 5, lambda text: print(text, file=sys.stderr))
    for side in sides:
        side.close()
    ours = results.get("gemel", {})
    results = {name: checked(entry, ours.get("output")) for name, entry in results.items()}
    ratio = {name: {clock: ours[clock]["min"] / entry[clock]["min"] for clock in ("wall", "cpu")}
             for name, entry in results.items()
             if name != "gemel" and "wall" in entry and "wall" in ours}
    return {"name": report.title(*cell), "network": cell[0], "mode": cell[1], "batch": cell[2],
            "threads": cell[3], "sides": results, "ratio": ratio, "aim": None, "published": {}}


def main():
    """Measures, or reads what was measured; then the table and the plot."""
    parser = runner.parser_for("convnet")
    parser.add_argument("--network", action="append", choices=list(CONVNETS))
    parser.add_argument("--mode", action="append", choices=["inference", "training"])
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--threads", action="append", type=int, choices=[1, 2])
    parser.add_argument("--side", action="append", choices=list(SIDES), help="only these rivals")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a round, at least one batch")
    parser.add_argument("--plot", metavar="PNG", help="draw the figures")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="of the plot")
    parser.add_argument("--from", dest="source", metavar="JSON", help="figures of an earlier run")
    options = parser.parse_args()
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            found = json.load(file)
    else:
        found = {"workload": "convnet", "unit": "ms", "rows": [], "absent": {}, "versions": {}}
        with tempfile.TemporaryDirectory() as folder:
            chosen = list(cells(options))
            write_symbols(folder, {cell[0] for cell in chosen})
            for cell in chosen:
                print(report.title(*cell), file=sys.stderr, flush=True)
                found["rows"].append(measure_cell(cell, options, folder, found))
        found["absent"] = {name: why for name, why in found["absent"].items()
                           if name not in found["versions"]}
    if options.plot:
        report.plot(found, options.plot, options.clock)
    if options.source:
        print(json.dumps(found, indent=1) if options.json else "\n".join(report.table(found)))
    else:
        runner.finish(found, options, report.table)


if __name__ == "__main__":
    main()
