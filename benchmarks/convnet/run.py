"""Networks of images: inference and forward-backward, by batch, threads and instruction set, against every rival.

    scripts/bench convnet --merge build/results/convnet.json --mode inference --batch 1 --threads 1     # a part
    scripts/bench convnet --from build/results/convnet.json                                  # the whole table
    python benchmarks/results.py build/results/convnet.json       # into README.md, with both pictures

Each cell has processes of its own, which take turns. Every side has the same weights; how far the scores
of one image are from those computed in float64 is shown, and a side that is 1 % off is refused. Times
are of one batch. The networks are those of networks.py. Our other sides: `gemel_exact`, `gemel_high` and
`gemel_fast` have that `fpmath`, `gemel_without_onednn` our own kernels and OpenBLAS only. All of it takes more
than an hour: with `--merge FILE` the sides that are measured replace themselves in that file after each cell, and
the others stay, each with the ratio to ours in its own run.
"""
import functools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
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
# What keeps each library from wider vectors; the old name of oneDNN's is what 1.9.1 knows.
AVX2 = {"GEMEL_INSTRUCTION_SET": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
INFERENCE_ONLY = ("onnxruntime", "openvino", "ncnn")
WITHOUT_LIMIT = ("onnxruntime", "ncnn")   # nothing keeps these from what the processor has
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


def sides_of(cell, options):
    """The sides of a cell: those asked for, else all whose figure says something there. Ours always is."""
    chosen = ["gemel", *(options.side or [
        side for side in SIDES if side not in ("gemel_high", "gemel_fast") or cell[1:3] == ("inference", 1)])]
    if cell[1] == "training":
        chosen = [side for side in chosen if side not in INFERENCE_ONLY]
    if options.instruction_set == "avx2":
        chosen = [side for side in chosen if side in ("gemel", "gemel_exact")
                  or side not in OURS and side not in WITHOUT_LIMIT]
    return [side for side in SIDES if side in chosen]


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


@functools.cache
def peak(threads, instruction_set):
    """GFLOP/s of multiply-adds on so many threads; None without a C++ compiler."""
    compiler = shutil.which("c++")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as folder:
        machine = "-march=haswell" if instruction_set == "avx2" else "-march=native"
        subprocess.run([compiler, "-O3", machine, "-pthread", HERE.parent / "peak.cpp",
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


def open_sides(cell, options, folder, found):
    """The sides of a cell; versions, and why a side is absent, go into `found`."""
    def start(name):
        owner = SIDES[name]
        python = sys.executable if owner is None else getattr(options, owner + "_python")
        if not python:
            found["absent"][name] = runner.NOT_GIVEN.format(owner, owner.upper())
            return None
        try:
            side = runner.Side("convnet", name, python, "gemel" if name in OURS else name,
                               environment_of(name, cell, folder, options.instruction_set))
            found["versions"][name] = side.version
            return side
        except (OSError, RuntimeError) as error:
            found["absent"][name] = str(error)
            return None
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [side for side in pool.map(start, sides_of(cell, options)) if side]


def measure_cell(cell, options, folder, found, exact):
    """The figures of one cell by side."""
    key, sides = ",".join(str(part) for part in cell), open_sides(cell, options, folder, found)
    row = runner.Row(key, seconds=options.seconds, once_above=options.once_above)
    results = runner.measure(row, sides, options.rounds, lambda text: print(text, file=sys.stderr),
                             together=os.cpu_count())
    for side in sides:
        side.close()
    ours = results.get("gemel", {})
    results = {name: checked(name, entry, exact) for name, entry in results.items()}
    ratio = {name: {clock: ours[clock]["min"] / entry[clock]["min"] for clock in ("wall", "cpu")}
             for name, entry in results.items() if name != "gemel" and "wall" in entry and "wall" in ours}
    network, mode, batch, threads = cell
    work = found["work"][network] * batch * (3 if mode == "training" else 1)
    return {"name": report.title(*cell, options.instruction_set), "network": network, "mode": mode, "batch": batch,
            "threads": threads, "instruction_set": options.instruction_set, "work": work,
            "peak": peak(threads, options.instruction_set), "sides": results, "ratio": ratio}


def measured(options):
    """Measures what is asked for; the report, which has been merged after each cell if so asked."""
    found = {"workload": "convnet", "unit": "ms", "rows": [], "absent": {}, "versions": {}}
    if options.instruction_set == "avx2":
        found["absent"] = {f"{name}, AVX2": "cannot be told to use nothing wider" for name in WITHOUT_LIMIT}
    with tempfile.TemporaryDirectory() as folder:
        chosen = list(cells(options))
        work, exact = write_symbols(folder, {cell[0] for cell in chosen}), {}
        found["work"] = work
        for cell in chosen:
            print(report.title(*cell, options.instruction_set), file=sys.stderr, flush=True)
            if cell[1] == "inference" and cell[0] not in exact:
                exact[cell[0]] = exact_scores(cell[0], folder)
            row = measure_cell(cell, options, folder, found, exact.get(cell[0]))
            found["rows"].append(row)
            if options.merge:
                runner.merge(options.merge, {**found, "rows": [row]})
    found["absent"] = {name: why for name, why in found["absent"].items() if name not in found["versions"]}
    return found


def main():
    """Measures, or reads what was measured; then the table."""
    parser = runner.parser_for("convnet")
    parser.add_argument("--network", action="append", choices=list(CONVNETS))
    parser.add_argument("--mode", action="append", choices=["inference", "training"])
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--threads", action="append", type=int, choices=[1, 2])
    parser.add_argument("--side", action="append", choices=list(SIDES), help="only these rivals")
    parser.add_argument("--instruction-set", choices=["best", "avx2"], default="best",
                        help="what every side that can be told may use")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a round, at least one batch")
    parser.add_argument("--once-above", type=float, default=math.inf, metavar="SECONDS",
                        help="one round only for a side whose batch takes longer")
    parser.add_argument("--merge", metavar="JSON", help="put the figures into those of this file")
    parser.add_argument("--from", dest="source", metavar="JSON", help="measure nothing: figures of earlier runs")
    parser.set_defaults(rounds=5)
    options = parser.parse_args()
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            found = json.load(file)
        print(json.dumps(found, indent=1) if options.json else "\n".join(report.table(found)))
    else:
        runner.finish(measured(options), options, report.table)


if __name__ == "__main__":
    main()
