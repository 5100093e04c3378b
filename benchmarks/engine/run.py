"""The engine, from C++: an empty task with 2 reads and 1 write; one producer, one worker, tracing off.

The figures come from the project's Google Benchmark program; `--binary` or GEMEL_BENCH_BINARY names it,
else it is built into build/bench. CPU time is of the producer's thread.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[0] = str(ROOT / "benchmarks")
from runner import finish, parser_for, published, table  # noqa: E402  pylint: disable=wrong-import-position,import-error

ROWS = (("inline", "inlined", 60), ("inline, after a second thread pushed", "inlined_shared", None),
        ("bulks of 64", "bulk_of_64", 105), ("contended chain", "contended_chain", 400),
        ("graph replayed, a node", "graph_replayed/1", 70))


def built():
    """The program, built where it is not there."""
    folder = ROOT / "build" / "bench"
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DGEMEL_BENCHMARKS=ON",
                    "-DGEMEL_PYTHON=OFF"], check=True, stdout=sys.stderr)
    subprocess.run(["cmake", "--build", str(folder), "--target", "gemel_benchmarks"], check=True, stdout=sys.stderr)
    return str(folder / "gemel_benchmarks")


def main():
    """Runs it and prints the rows."""
    parser = parser_for("engine")
    parser.add_argument("--binary", default=os.environ.get("GEMEL_BENCH_BINARY"), help="gemel_benchmarks")
    options = parser.parse_args()
    names = "|".join(name for _, name, _ in ROWS)
    output = subprocess.run([options.binary or built(), f"--benchmark_filter=^({names})/", "--benchmark_format=json",
                             f"--benchmark_repetitions={options.rounds or 5}", "--benchmark_min_time=0.2",
                             "--benchmark_enable_random_interleaving=true"],
                            check=True, capture_output=True, text=True).stdout
    runs = {}
    for run in json.loads(output)["benchmarks"]:
        if run["run_type"] == "iteration":
            items = run["items_per_second"]
            # One iteration may be many tasks: the items say how many.
            tasks = items * run["real_time"] * 1e-9
            runs.setdefault(run["run_name"].removesuffix("/real_time"), []).append(
                (1 / items, run["cpu_time"] * 1e-9 / tasks))
    report = {"workload": "engine", "unit": "ns", "rows": [], "versions": {}, "absent": {}}
    for title, name, aim in ROWS:
        walls, cpus = (sorted(column) for column in zip(*runs[name]))
        ours = {"case": title, **{clock: {"min": times[0], "median": times[len(times) // 2]}
                                  for clock, times in (("wall", walls), ("cpu", cpus))}}
        report["rows"].append({"name": title, "aim": aim, "sides": {"gemel": ours}, "ratio": {},
                               "published": published("engine", title)})
    finish(report, options, table)


if __name__ == "__main__":
    main()
