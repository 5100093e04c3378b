"""What the benchmarks make of their figures: merging, ratios within one run, tables; how a side answers."""
import importlib
import io
import json
import sys
import time
import types
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(name="module")
def _module(monkeypatch):
    """Imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in [name for name in sys.modules if name.split(".")[0] in ("runner", "side", "convnet", "results", "fresh", "networks")]:
        del sys.modules[name]


def entry(wall):
    """The figures of a side."""
    return {"case": "c", "output": None, "wall": {"min": wall, "median": wall}, "cpu": {"min": wall, "median": wall},
            "rounds": 1, "resident": 2 ** 20, "deviation": 1e-6}


def row(network="vgg16", mode="inference", batch=1, threads=1, instruction_set="best", **times):
    """A measured cell."""
    ratio = {name: {clock: times["gemel"] / time for clock in ("wall", "cpu")}
             for name, time in times.items() if name != "gemel"}
    return {"name": f"{network} {mode} {batch} {threads} {instruction_set}", "network": network, "mode": mode,
            "batch": batch, "threads": threads, "instruction_set": instruction_set, "work": 1e9, "peak": 100.0,
            "sides": {name: entry(time) for name, time in times.items()}, "ratio": ratio}


def report(*rows, **more):
    """A report of cells."""
    return {"workload": "convnet", "unit": "ms", "rows": list(rows), "absent": {},
            "versions": {name: "1" for one in rows for name in one["sides"]}, **more}


def test_merging_replaces_the_sides_that_were_measured(module, tmp_path):
    runner, path = module("runner"), tmp_path / "figures.json"
    runner.merge(path, report(row(gemel=1.0, mxnet=2.0, torch=4.0), absent={"ncnn": "no interpreter"}))
    merged = runner.merge(path, report(row(gemel=0.5, torch=3.0), row("alexnet", gemel=1.0, ncnn=2.0)))
    assert json.loads(path.read_text()) == merged
    first, second = merged["rows"]
    assert second["name"].startswith("alexnet") and not merged["absent"]
    assert {name: side["wall"]["min"] for name, side in first["sides"].items()} == {
        "gemel": 0.5, "mxnet": 2.0, "torch": 3.0}
    # The ratio of a side that was not measured again is that of its own run.
    assert {name: ratio["wall"] for name, ratio in first["ratio"].items()} == {
        "mxnet": 0.5, "torch": pytest.approx(1 / 6)}


def test_a_gain_is_against_the_best_rival_and_exact_against_direct_sums(module):
    found = module("convnet.report")
    cell = row(gemel=1.0, gemel_exact=2.0, gemel_fast=0.1, torch=4.0, ncnn=1.5)
    assert found.gain(cell, "wall") == (pytest.approx(1.5), "ncnn")
    assert found.gain(cell, "wall", "gemel_exact") == (pytest.approx(2.0), "torch")
    assert found.gain(row(gemel=1.0, gemel_exact=2.0), "wall") == (None, None)


def test_means_are_by_mode_threads_and_instruction_set(module):
    found = module("convnet.report")
    rows = [row(gemel=1.0, torch=2.0, gemel_without_onednn=1.25), row("alexnet", gemel=1.0, torch=8.0),
            row(threads=2, gemel=0.5, torch=0.5), row(instruction_set="avx2", gemel=1.0, torch=3.0)]
    means = {what: figures for what, *figures in found.means(report(*rows))}
    rival = "best rival / ours"
    assert means[f"inference, batch 1, 1 thread: {rival}"] == [pytest.approx(4), pytest.approx(2), 2]
    assert means[f"inference, batch 1, 2 threads: {rival}"] == [pytest.approx(1), pytest.approx(1), 1]
    assert means[f"all cells: {rival}"] == [pytest.approx(16 ** (1 / 3)), pytest.approx(1), 3]
    assert means[f"all cells, AVX2: {rival}"] == [pytest.approx(3), pytest.approx(3), 1]
    assert means["all cells: with oneDNN / without"] == [pytest.approx(0.8), pytest.approx(0.8), 1]
    assert means["one thread / two threads"] == [pytest.approx(2), pytest.approx(2), 1]


def test_the_tables_say_the_ratio_the_aim_and_the_means(module):
    found = module("convnet.report")
    cells = report(row(gemel=0.001, torch=0.002), row("alexnet", mode="training", batch=32, gemel=0.001, mxnet=0.003))
    text = "\n".join(found.table(cells))
    assert "gemel, wall: 2.00x of torch (aim 1.4)" in text and "geometric mean 2.00 of 1, least 2.00" in text
    page = {name: (figure, aim) for name, figure, aim, *_ in found.page_rows(cells)}
    assert page["vgg16 inference 1 1 best"] == ("1 (1) ms, CPU 1; 2.00x as quick as torch", ">= 1.4x")
    assert "1 MiB (least of rivals: mxnet 1); 3.00x as quick as mxnet" in page["alexnet training 32 1 best"][0]
    assert any(name.startswith("geometric mean of 2, all cells") for name in page)


def test_the_page_takes_the_rows_of_a_report_and_draws_it(module, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    results = module("results")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{results.BEGIN}\n| kept | `scripts/bench small` | 1 us |\n"
                    f"| old | `scripts/bench convnet` | 1 ms |\n{results.END}\nafter\n", encoding="utf-8")
    figures = tmp_path / "convnet.json"
    figures.write_text(json.dumps(report(row(gemel=0.001, torch=0.002))), encoding="utf-8")
    monkeypatch.setattr(results, "PAGE", page)
    monkeypatch.setattr(results, "PICTURES", tmp_path)
    monkeypatch.setattr(sys, "argv", ["results.py", str(figures)])
    results.main()
    text = page.read_text(encoding="utf-8")
    assert "| kept |" in text and "| old |" not in text and "2.00x as quick as torch" in text
    assert text.startswith("before\n") and text.endswith("after\n")
    assert (tmp_path / "convnet.png").stat().st_size and (tmp_path / "convnet_error.png").stat().st_size


def test_a_side_warms_what_is_quick_and_leaves_alone_what_is_slow(module):
    side, runs = module("side"), []

    def make():
        def repeat(count):
            runs.append(count)
        repeat.took, repeat.output = 0.0, [1.0]
        return repeat

    def make_slow():
        repeat = make()
        repeat.took = 2 * side.WARM_SECONDS
        return repeat
    requests = [{"case": "quick", "seconds": 0, "warm": True}, {"case": "slow", "seconds": 0, "warm": True},
                {"case": "slow", "seconds": 0}, {"case": "none", "seconds": 0}]
    answers = io.StringIO()
    side.serve(types.SimpleNamespace(CASES={"quick": make, "slow": make_slow}, VERSION="1"),
               [json.dumps(request) for request in requests], answers)
    hello, quick, skipped, slow, error = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert hello == {"cases": ["quick", "slow"], "version": "1"}
    assert quick["count"] == 1 and quick["output"] == [1.0] and quick["resident"] > 2 ** 20
    assert skipped == {"count": 0} and slow["count"] == 1 and runs == [2, 1, 1]
    assert error["error"].startswith("KeyError")


class _Side:
    """A side whose case takes so many seconds."""

    def __init__(self, name, seconds, cases=("c",)):
        self.name, self.seconds, self.cases, self.timed = name, seconds, cases, 0

    def round(self, _, __, warm=False):
        """As that of runner.Side."""
        if warm:
            return {"count": 0}
        self.timed += 1
        if self.name == "broken":
            return {"error": "no"}
        return {"wall": self.seconds, "cpu": self.seconds, "count": 1, "resident": 1}


def test_sides_take_turns_and_slow_ones_have_one(module):
    runner = module("runner")
    sides = [_Side("gemel", 1), _Side("slow", 9), _Side("broken", 1), _Side("other", 1, ())]
    started = time.monotonic()
    found = runner.measure(runner.Row("c", once_above=5), sides, 3, lambda text: None, together=2)
    assert [side.timed for side in sides] == [3, 1, 1, 0] and time.monotonic() - started < 60
    assert set(found) == {"gemel", "slow", "broken"} and found["broken"] == {"error": "no"}
    assert found["gemel"]["rounds"] == 3 and found["slow"]["rounds"] == 1
    assert found["slow"]["wall"] == {"min": 9, "median": 9}


def test_fresh_processes_take_turns_and_say_what_failed(module):
    fresh = module("fresh")
    found = {"rows": [], "absent": {}, "versions": {}}
    sides = {"gemel": ([sys.executable, "-c", "print('noise'); print(0.5, 0.25, '1.0')"], None),
             "torch": ([sys.executable, "-c", "print(2.0, 0.5, '2.0')"], None),
             "jax": ([sys.executable, "-c", "raise SystemExit(3)"], None)}
    fresh.measure("import", "import", sides, 2, found, aim=0.3)
    assert found["versions"] == {"gemel": "1.0", "torch": "2.0"} and list(found["absent"]) == ["jax"]
    row_found = found["rows"][0]
    assert row_found["sides"]["gemel"]["wall"] == {"min": 0.5, "median": 0.5} and row_found["aim"] == 0.3
    assert row_found["ratio"] == {"torch": {"wall": 0.25, "cpu": 0.5}}
    assert "jax" in row_found["published"] and "torch" not in row_found["published"]


def test_the_sides_of_a_cell(module):
    run = module("convnet.run")

    def sides(mode="inference", batch=1, instruction_set="best", side=None):
        options = types.SimpleNamespace(instruction_set=instruction_set, side=side)
        return run.sides_of(("vgg16", mode, batch, 1), options)
    rivals = ["mxnet", "torch", "torch_channels_last", "torch_compile", "tensorflow", "onnxruntime", "openvino", "ncnn"]
    assert sides() == list(run.SIDES) and sides()[-8:] == rivals
    assert sides(batch=16) == ["gemel", "gemel_exact", "gemel_without_onednn", *rivals]
    assert sides("training", 16) == ["gemel", "gemel_exact", "gemel_without_onednn", *rivals[:5]]
    assert sides(instruction_set="avx2") == ["gemel", "gemel_exact", *rivals[:5], "openvino"]
    assert sides(side=["ncnn"]) == ["gemel", "ncnn"]
    environment = run.environment_of("gemel_exact", ("vgg16", "inference", 1, 2), "folder", "avx2")
    assert environment["GEMEL_INSTRUCTION_SET"] == "avx2" and environment["OMP_NUM_THREADS"] == "2"
    assert environment["GEMEL_FPMATH"] == "exact" and environment["DNNL_MAX_CPU_ISA"] == "AVX2"
