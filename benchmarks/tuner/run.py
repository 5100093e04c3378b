"""`gemel tune MODEL` on several networks: inference by default and tuned, measured in turns after the search,
and what is gained where batch size, memory and precision are free.

Each search is a process of its own with a record of its own. A network takes about 2.4 budgets: the two
searches and their comparisons.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)
from runner import finish, parser_for  # noqa: E402  pylint: disable=wrong-import-position,import-error

# Name -> network of the model zoo, layers (0: no choice), inputs.
NETWORKS = {"alexnet": ("alexnet-v2", 0, "data=1,3,224,224"), "googlenet": ("googlenet", 0, "data=1,3,224,224"),
            "vgg16": ("vgg", 16, "data=1,3,224,224"), "resnet50": ("resnet-v1b", 50, "data=1,3,224,224"),
            "mobilenet": ("mobilenet", 0, "data=1,3,224,224"), "lstm": ("lstm", 0, "data=1,35;softmax_label=1,35")}
FREE = "batch,memory,precision,fast"


def search(network, budget, allowed, record):
    """What network.py prints; an "error" where it fails or takes far longer than its budget."""
    model, layers, shapes = NETWORKS[network]
    program = ("import runpy, sys; sys.path.pop(0); "
               f"sys.argv = sys.argv[1:]; runpy.run_path({str(HERE / 'network.py')!r}, run_name='__main__')")
    try:
        done = subprocess.run([sys.executable, "-c", program, "network", model, str(layers), shapes, str(budget), allowed],
                              stdout=subprocess.PIPE, text=True, timeout=4 * budget + 120,
                              env={**os.environ, "GEMEL_RECORD": record})
    except subprocess.TimeoutExpired:
        return {"error": f"did not end within {4 * budget + 120:g} s"}
    if done.returncode:
        return {"error": f"ended with {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def choices_text(found):
    """The choices in a few words."""
    words = [f"{name}={value}" for name, value in found["settings"].items()]
    if found["kernels"]:
        words.append(f"{found['kernels']} calls by another implementation")
    return ", ".join(words) or "the defaults"


def lines(report):
    """The table."""
    yield f"inference, {report['budget']:g} s for each search, threads {report['threads']}"
    yield (f"{'':12}{'default':>12}{'tuned':>12}{'gain':>8}{'defaults are':>14}"
           "   all choices free: samples/s against the default")
    for name, row in report["rows"].items():
        same, free = row["same"], row["free"]
        if "error" in same:
            yield f"{name:12} {same['error']}"
            continue
        head = (f"{name:12}{same['default'] * 1e3:9.2f} ms{same['tuned'] * 1e3:9.2f} ms"
                f"{same['default'] / same['tuned']:7.2f}x{same['tuned'] / same['default']:13.2f}x")
        tail = free.get("error") or f"{free['throughput_gain']:.2f}x, batch {free['batch']}, {choices_text(free)}"
        yield f"{head}   {tail}"
        yield f"{'':12}{same['tried']} comparisons in {same['elapsed']:.0f} s: {choices_text(same)}"
    yield "aims: the defaults at least 0.9x of tuned, tuned never slower, at least 1.5x with free choices"


def main():
    parser = parser_for("tuner")
    parser.add_argument("--budget", type=float, default=60, help="seconds of each search")
    parser.add_argument("--networks", default=",".join(NETWORKS), help="some of " + ", ".join(NETWORKS))
    options = parser.parse_args()
    names = options.networks.split(",")
    for name in names:
        if name not in NETWORKS:
            parser.error(f"--networks: expected some of {', '.join(NETWORKS)}, got '{name}'")
    report = {"workload": "tuner", "budget": options.budget, "rows": {},
              "threads": os.environ.get("OMP_NUM_THREADS", os.cpu_count())}
    for index, name in enumerate(names):
        row = report["rows"][name] = {}
        for what, allowed in (("same", ""), ("free", FREE)):
            print(f"[{index + 1}/{len(names)}] {name}, {allowed or 'speed alone'}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as folder:
                row[what] = search(name, options.budget, allowed, os.path.join(folder, "record.sqlite"))
    finish(report, options, lines)


if __name__ == "__main__":
    main()
