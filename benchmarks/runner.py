"""Runs the sides of a comparison in turns and prints one table with the ratios of that run.

Each rival has its own environment. Its interpreter is told by `--mxnet-python PATH` (torch, jax, numpy
likewise) or by GEMEL_BENCH_MXNET_PYTHON; a rival without one is shown with its published figure, marked.
All sides are alive at once and take turns, a round each, so that a change of the machine's speed meets
them all; while it is not a side's turn, its process is stopped, so that nothing it does ahead costs
another side time. Every time is for one repetition; the least and the median of the rounds are shown, of the wall
clock and of the process' CPU time (all its threads). On a busy machine judge by the CPU time.
"""
import argparse
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from side import path_of

HERE = os.path.dirname(os.path.abspath(__file__))
RIVALS = ("mxnet", "torch", "jax", "numpy", "tensorflow", "onnxruntime", "openvino", "ncnn")
SCALES = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
NOT_GIVEN = "no interpreter given (--{0}-python or GEMEL_BENCH_{1}_PYTHON)"


@dataclass
class Row:
    """One line of the table: our case, the rivals' cases and what we aim at."""
    name: str
    rivals: dict = field(default_factory=dict)   # side -> its case; left out: the same name
    aim: float = None
    seconds: float = 0.1                         # of a round
    relative_to: str = None                      # also print the ratio to this row of ours
    aim_relative: float = None
    once_above: float = math.inf                 # a side that takes more seconds than this has one round


def parser_for(workload):
    """The options that every workload has."""
    parser = argparse.ArgumentParser(prog=f"bench {workload}", description=f"The workload '{workload}'.")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--rounds", type=int, help="rounds of each side")
    for rival in RIVALS:
        parser.add_argument(f"--{rival}-python", metavar="PATH",
                            default=os.environ.get(f"GEMEL_BENCH_{rival.upper()}_PYTHON"),
                            help=f"the interpreter that has {rival}")
    return parser


def published(workload, row):
    """Others' figures from the committed page, as texts by rival."""
    with open(os.path.join(HERE, "published.json"), encoding="utf-8") as file:
        return json.load(file).get(workload, {}).get(row, {})


def single_thread_environment():
    """The environment of every side: one computing thread."""
    environment = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MXNET_CPU_WORKER_NTHREADS"):
        environment[name] = "1"
    environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment["JAX_PLATFORMS"] = "cpu"
    return environment


def rival_environment():
    """The same without our paths: a rival's environment is its own."""
    environment = single_thread_environment()
    for name in ("PYTHONPATH", "LD_LIBRARY_PATH", "PYTHONHOME"):
        environment.pop(name, None)
    return environment


class Side:
    """A process that runs one side's rounds when asked, and stands still otherwise.

    It leads a process group of our session: if we are killed, the kernel ends a group that is stopped
    and has lost its parent.
    """

    def __init__(self, workload, name, python, program=None, environment=None):
        self.name = name
        environment = environment or (single_thread_environment() if name == "gemel" else rival_environment())
        self._process = subprocess.Popen([python, os.path.join(HERE, "side.py"), workload, program or name],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         text=True, env=environment, process_group=0)
        hello = self._answer()
        if "error" in hello:
            raise RuntimeError(hello["error"])
        self.cases, self.version = hello["cases"], hello["version"]
        self._send(signal.SIGSTOP)

    def _send(self, what):
        """Send a signal to the side's process and those that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, what)

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            last = self._process.communicate()[1].strip().splitlines()[-1:]
            return {"error": "the process ended: " + "".join(last)}
        return json.loads(line)

    def round(self, case, seconds, warm=False):
        """One round: {"wall", "cpu", "count", "resident"} or {"error"}; one that only warms may have no times."""
        self._send(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"case": case, "seconds": seconds, "warm": warm}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self._answer()
        self._send(signal.SIGSTOP)
        return answer

    def close(self):
        """Ends the process."""
        self._send(signal.SIGCONT)
        self._process.stdin.close()
        self._process.wait(timeout=60)


def open_sides(workload, options, ours=None):
    """The sides that can run, and why the others cannot."""
    sides, absent = [ours(options) if ours else Side(workload, "gemel", sys.executable)], {}
    for rival in RIVALS:
        if not os.path.exists(path_of(workload, rival)):
            continue
        python = getattr(options, rival + "_python")
        if not python:
            absent[rival] = NOT_GIVEN.format(rival, rival.upper())
            continue
        try:
            sides.append(Side(workload, rival, python))
        except (OSError, RuntimeError) as error:
            absent[rival] = str(error)
    return sides, absent


def summary(samples):
    """The least and the median of a list of times."""
    return {"min": min(samples), "median": statistics.median(samples)}


def _case(row, side):
    return row.rivals.get(side.name, row.name)


def _warmed(row, sides, say, together):
    """The sides that have the case of a row and could set it up, so many at a time, and the errors of others."""
    having = [side for side in sides if _case(row, side) in side.cases]
    with ThreadPoolExecutor(together) as pool:
        answers = dict(zip((side.name for side in having),
                           pool.map(lambda side: side.round(_case(row, side), row.seconds, warm=True), having)))
    failed = {name: answer for name, answer in answers.items() if "error" in answer}
    for name, answer in failed.items():
        say(f"{name}: {row.name}: {answer['error']}")
    return [side for side in having if side.name not in failed], failed


def measure(row, sides, rounds, say, together=1):
    """The figures of one row by side; `together` many sides set their cases up at a time, and are timed alone."""
    ready, results = _warmed(row, sides, say, together)
    for _ in range(rounds):
        for side in ready:
            entry = results.setdefault(side.name, {"wall": [], "cpu": [], "case": _case(row, side)})
            if "error" in entry or min(entry["wall"], default=0) > row.once_above:
                continue
            answer = side.round(entry["case"], row.seconds)
            if "error" in answer:
                say(f"{side.name}: {row.name}: {answer['error']}")
                results[side.name] = answer
                continue
            entry["wall"].append(answer["wall"])
            entry["cpu"].append(answer["cpu"])
            entry.update(resident=answer["resident"], output=answer.get("output"))
    return {name: entry if "error" in entry else
            {**entry, "wall": summary(entry["wall"]), "cpu": summary(entry["cpu"]), "rounds": len(entry["wall"])}
            for name, entry in results.items()}


def merge(path, report):
    """Puts the rows of a report into those of a file: a side that was measured replaces itself, the others of the
    row stay, with the ratios to ours of their own run. The result, which the file then has."""
    found = {"rows": [], "versions": {}, "absent": {}}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    rows = {row["name"]: row for row in found["rows"]}
    for row in report["rows"]:
        old = rows.get(row["name"], {"sides": {}, "ratio": {}})
        ratio = {name: value for name, value in old["ratio"].items() if name not in row["sides"]}
        rows[row["name"]] = {**row, "sides": {**old["sides"], **row["sides"]}, "ratio": {**ratio, **row["ratio"]}}
    versions = {**found["versions"], **report["versions"]}
    absent = {name: why for name, why in {**found["absent"], **report["absent"]}.items() if name not in versions}
    merged = {**found, **report, "rows": list(rows.values()), "versions": versions, "absent": absent}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(merged, file, indent=1)
    return merged


def finish(report, options, lines):
    """Prints the report in the form asked for."""
    report["machine"] = {"processor": platform.machine(), "cores": os.cpu_count(),
                         "load": round(os.getloadavg()[0], 1), "python": platform.python_version()}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print("\n".join(lines(report)))


def table(report):
    """The lines of a report of timed rows."""
    unit, scale = report["unit"], SCALES[report["unit"]]
    yield f"{report['workload']}, {unit} a repetition: least (median) of the wall clock; CPU time; our share"
    for row in report["rows"]:
        yield ""
        aim = f"   aim {row['aim']:g} {unit}" if row["aim"] else ""
        yield f"{row['name']}{aim}"
        for name, entry in row["sides"].items():
            if "error" in entry:
                yield f"  {name:8} failed: {entry['error']}"
                continue
            wall, cpu = entry["wall"], entry["cpu"]
            ratio = row["ratio"].get(name)
            case = "" if entry["case"] == row["name"] else f"  [{entry['case']}]"
            yield (f"  {name:8}{wall['min'] * scale:10.3g} ({wall['median'] * scale:.3g})"
                   f"   cpu {cpu['min'] * scale:.3g} ({cpu['median'] * scale:.3g})"
                   + (f"   gemel/{name} {ratio['wall']:.2f}, cpu {ratio['cpu']:.2f}" if ratio else "") + case)
        if "relative" in row:
            relative = row["relative"]
            yield (f"  of our '{relative['to']}': {relative['wall']:.2f}, cpu {relative['cpu']:.2f}"
                   f" (aim {relative['aim']:g})")
        for name, text in row["published"].items():
            yield f"  {name:8}{text:>10} (published figure, another run and machine)"
    yield ""
    yield "; ".join(f"{name} {version}" for name, version in report["versions"].items())
    for name, reason in report["absent"].items():
        yield f"{name} left out: {reason}"


def run_timed(workload, unit, rows, rounds=7, ours=None):
    """The main program of a workload whose sides are timed in turns; `ours(options)` opens our side."""
    options = parser_for(workload).parse_args()

    def say(text):
        print(text, file=sys.stderr, flush=True)

    sides, absent = open_sides(workload, options, ours)
    report = {"workload": workload, "unit": unit, "rows": [], "absent": absent,
              "versions": {side.name: side.version for side in sides}}
    for row in rows:
        say(f"{workload}: {row.name}")
        results = measure(row, sides, options.rounds or rounds, say)
        ours = results.get("gemel", {})
        entry = {"name": row.name, "aim": row.aim, "sides": results, "ratio": {}}
        if "wall" in ours:
            for name, theirs in results.items():
                if name != "gemel" and "wall" in theirs:
                    entry["ratio"][name] = {clock: ours[clock]["min"] / theirs[clock]["min"]
                                            for clock in ("wall", "cpu")}
            base = next((r["sides"]["gemel"] for r in report["rows"] if r["name"] == row.relative_to), None)
            if base:
                entry["relative"] = {"to": row.relative_to, "aim": row.aim_relative,
                                     **{clock: ours[clock]["min"] / base[clock]["min"] for clock in ("wall", "cpu")}}
        entry["published"] = {name: text for name, text in published(workload, row.name).items()
                              if name not in results}
        report["rows"].append(entry)
    for side in sides:
        side.close()
    finish(report, options, table)
