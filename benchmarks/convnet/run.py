"""Networks of images: inference and forward-backward, by batch and threads, against every rival.

    scripts/bench convnet                                            # all of it: about an hour
    scripts/bench convnet --network resnet50 --mode inference --batch 1 --threads 1
    scripts/bench convnet --json > build/results/convnet.json        # keep the figures
    scripts/bench convnet --from build/results/convnet.json --plot build/results/convnet.png

Each cell has processes of its own, which take turns. Every side has the same weights; how far the scores
of one image are from those computed in float64 is shown, and a side that is 1 % off is refused. Times
are of one batch. The networks are those of networks.py. Our other sides: `gemel_exact`, `gemel_high` and
`gemel_fast` have that `fpmath`, `gemel_without_onednn` our own kernels and OpenBLAS only.
"""
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
import runner  # noqa: E402  pylint: disable=wrong-import-position
from convnet import report  # noqa: E402
from networks import CONVNETS, write_symbols  # noqa: E402

# Side -> whose interpreter it has.
OURS = {"gemel": {}, "gemel_exact": {"GEMEL_FPMATH": "exact"}, "gemel_high": {"GEMEL_FPMATH": "high"},
        "gemel_fast": {"GEMEL_FPMATH": "fast"}, "gemel_without_onednn": {"GEMEL_ONEDNN": "0"}}
SIDES = {**dict.fromkeys(OURS), "mxnet": "mxnet", "torch": "torch", "torch_channels_last": "torch",
         "torch_compile": "torch", "tensorflow": "tensorflow", "onnxruntime": "onnxruntime",
         "openvino": "openvino", "ncnn": "ncnn"}
# What keeps each library from wider vectors; ncnn and onnxruntime know no such limit.
AVX2 = {"GEMEL_INSTRUCTION_SET": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
TOLERANCE = 0.01   # of the scores, against float64; fast is bfloat16 and is not refused


def cells(options):
    """(network, mode, batch, threads) of the part that is asked for."""
    for name, (_, _, large) in CONVNETS.items():
        for mode, batch in (("inference", 1), ("inference", large), ("training", large)):
            for threads in (1, 2):
                if (name in (options.network or CONVNETS) and mode in (options.mode or (mode,))
                        and batch in (options.batch or (batch,))
                        and threads in (options.threads or (threads,))):
                    yield name, mode, batch, threads


def environment_of(side, cell, folder, instruction_set="best"):
    """The environment of a side's process."""
    threads = str(cell[3])
    environment = ({**runner.single_thread_environment(), **OURS[side]} if side in OURS
                   else runner.rival_environment())
    if instruction_set == "avx2":
        environment.update(AVX2)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GEMEL_WORKERS"):
        environment[name] = threads
    return {**environment, "GEMEL_BENCH_SYMBOLS": folder, "TF_CPP_MIN_LOG_LEVEL": "3",
            "GEMEL_BENCH_CELL": ",".join(str(part) for part in cell)}


def peak(threads):
    """GFLOP/s of multiply-adds on so many threads; None without a C++ compiler."""
    compiler = shutil.which("c++")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([compiler, "-O3", "-march=native", "-pthread", HERE.parent / "peak.cpp",
                        "-o", folder + "/peak"], check=True)
        return float(subprocess.run([folder + "/peak", str(threads)], check=True,
                                    capture_output=True).stdout)


def exact_scores(network, folder):
    """The scores of the one image, computed in float64."""
    cell = (network, "inference", 1, 1)
    side = runner.Side("convnet", "gemel", sys.executable,
                       environment={**environment_of("gemel", cell, folder), "GEMEL_BENCH_DTYPE": "float64"})
    try:
        return side.round(side.cases[0], 0)["output"]
    finally:
        side.close()


def checked(name, entry, exact):
    """A side's figures with the rms deviation of its scores, or why they are refused."""
    found = entry.pop("output", None)
    if not found or not exact:
        return entry
    entry["deviation"] = math.sqrt(sum((a - b) ** 2 for a, b in zip(found, exact)) / sum(a * a for a in exact))
    if entry["deviation"] > TOLERANCE and name != "gemel_fast":
        return {"error": f"scores {found[:5]}... should be {exact[:5]}..."}
    return entry


def measure_cell(cell, options, folder, report_of, exact):
    """The figures of one cell by side."""
    key, sides = ",".join(str(part) for part in cell), []
    for name, owner in SIDES.items():
        python = sys.executable if owner is None else getattr(options, owner + "_python")
        if name not in (options.side or [side for side in SIDES if side in ("gemel", "gemel_exact")
                                         or side not in OURS]) and name != "gemel":
            continue
        if not python:
            report_of["absent"][name] = runner.NOT_GIVEN.format(owner, owner.upper())
            continue
        try:
            sides.append(runner.Side("convnet", name, python, "gemel" if name in OURS else name,
                                     environment_of(name, cell, folder, options.instruction_set)))
            report_of["versions"][name] = sides[-1].version
        except (OSError, RuntimeError) as error:
            report_of["absent"][name] = str(error)
    row = runner.Row(key, seconds=options.seconds)
    results = runner.measure(row, sides, options.rounds or 5, lambda text: print(text, file=sys.stderr))
    for side in sides:
        side.close()
    ours = results.get("gemel", {})
    results = {name: checked(name, entry, exact) for name, entry in results.items()}
    ratio = {name: {clock: ours[clock]["min"] / entry[clock]["min"] for clock in ("wall", "cpu")}
             for name, entry in results.items()
             if name not in OURS and "wall" in entry and "wall" in ours}
    work = report_of["work"][cell[0]] * cell[2] * (3 if cell[1] == "training" else 1)
    return {"name": report.title(*cell), "network": cell[0], "work": work, "mode": cell[1], "batch": cell[2],
            "threads": cell[3], "sides": results, "ratio": ratio, "aim": None, "published": {}}


def main():
    """Measures, or reads what was measured; then the table and the plot."""
    parser = runner.parser_for("convnet")
    parser.add_argument("--network", action="append", choices=list(CONVNETS))
    parser.add_argument("--mode", action="append", choices=["inference", "training"])
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--threads", action="append", type=int, choices=[1, 2])
    parser.add_argument("--side", action="append", choices=list(SIDES), help="only these rivals")
    parser.add_argument("--instruction-set", choices=["best", "avx2"], default="best",
                        help="what every side that can be told may use")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a round, at least one batch")
    parser.add_argument("--plot", metavar="PNG", help="draw the figures")
    parser.add_argument("--scatter", metavar="PNG", help="draw speed against deviation from float64")
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
            found["work"] = write_symbols(folder, {cell[0] for cell in chosen})
            found["peak"] = {threads: peak(threads) for threads in {cell[3] for cell in chosen}}
            exact = {cell[0]: None for cell in chosen}
            for network in {cell[0] for cell in chosen if cell[1] == "inference"}:
                exact[network] = exact_scores(network, folder)
            for cell in chosen:
                print(report.title(*cell), file=sys.stderr, flush=True)
                found["rows"].append(measure_cell(cell, options, folder, found, exact[cell[0]]))
        found["absent"] = {name: why for name, why in found["absent"].items()
                           if name not in found["versions"]}
    if options.plot:
        report.plot(found, options.plot, options.clock)
    if options.scatter:
        report.scatter(found, options.scatter, options.clock)
    if options.source:
        print(json.dumps(found, indent=1) if options.json else "\n".join(report.table(found)))
    else:
        runner.finish(found, options, report.table)


if __name__ == "__main__":
    main()
