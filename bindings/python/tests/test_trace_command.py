"""`gemel trace`: the critical path and the gaps, of small traces whose answers are known."""

import json

import pytest

import gemel as mx
from gemel.commands import main


def event(name, thread, start, end, reads=(), writes=(), waited=0, queued=0):
    return {
        "name": name, "cat": "operator", "pid": 1, "tid": thread, "ph": "X", "ts": start, "dur": end - start,
        "args": {"reads": list(reads), "writes": list(writes), "waited_us": waited, "queued_us": queued},
    }  # fmt: skip


def wait(name, thread, start, end):
    return {"name": name, "cat": "wait", "pid": 1, "tid": thread, "ph": "X", "ts": start, "dur": end - start,
            "args": {"reads": [9]}}  # fmt: skip


def named(thread, name):
    return {"ph": "M", "pid": 1, "tid": thread, "name": "thread_name", "args": {"name": name}}


@pytest.fixture
def report(tmp_path, capsys):
    def of(events, *arguments):
        path = tmp_path / "trace.json"
        path.write_text(json.dumps({"traceEvents": events}))
        assert main(["trace", str(path), *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    return of


def test_the_critical_path_follows_tags_and_workers(report):
    lines = report(
        [
            named(0, "compute-0"),
            named(1, "io"),
            event("load", 1, 0, 1000, writes=[1]),
            event("short", 0, 0, 100, writes=[5]),
            event("convolve", 0, 1010, 3010, reads=[1], writes=[2], waited=1000),
            event("unrelated", 1, 1010, 1500, writes=[6]),
            event("add", 0, 3020, 3520, reads=[2], writes=[3], waited=3000),
        ]
    )
    assert lines[0] == "5 tasks in 3.520 ms"
    path = lines[2 : lines.index("", 2)]
    assert path[0] == "critical path: 3 tasks, 3.500 ms of work (99 %)"
    assert [line.split()[2] for line in path[1:]] == ["load", "convolve", "add"]
    assert "the first" in path[1] and "needs what that wrote" in path[2]


def test_gaps_say_what_they_waited_for(report):
    lines = report(
        [
            named(0, "compute-0"),
            named(1, "io"),
            named(2, "main"),
            event("first", 0, 0, 10, writes=[4]),
            event("read file", 1, 0, 5000, writes=[1]),
            event("needs file", 0, 5001, 6000, reads=[1], writes=[2], waited=5000, queued=1),
            wait("the result", 2, 6000, 8000),
            event("late", 0, 8002, 9000, reads=[2], writes=[3], queued=2),
        ],
        "--gaps",
        "5",
    )
    gaps = [line for line in lines if line.startswith("  idle")]
    assert gaps[0].endswith("needs file waited for read file (tag 1)") and "4.991 ms" in gaps[0]
    assert gaps[1].endswith("late was not pushed yet: the program waited (the result)")
    assert "compute-0: 3 tasks, 2.007 ms busy" in lines
    assert "io: 1 tasks, 5.000 ms busy" in lines


def test_many_equal_steps_are_one_row(report):
    lines = report([event("step", 0, i * 10, i * 10 + 10, reads=[1], writes=[1]) for i in range(100)])
    rows = [line for line in lines if "step" in line]
    assert len(rows) == 2 and "step x 99" in rows[1]


def test_the_number_of_gaps(report):
    events = [event("step", 0, i * 100, i * 100 + 10 + i, writes=[1]) for i in range(30)]
    assert sum(line.startswith("  idle") for line in report(events)) == 10
    assert sum(line.startswith("  idle") for line in report(events, "--gaps", "3")) == 3


def test_a_trace_of_a_program(tmp_path, capsys):
    path = tmp_path / "own.json"
    mx.nd.waitall()
    with mx.engine.trace(str(path)):
        a = mx.nd.ones((300, 300))
        for _ in range(5):
            a = mx.nd.dot(a, a) * 0.001
        done = mx.engine.tag("saved")
        mx.engine.push(lambda: None, reads=[a], writes=[done], name="save")
        done.wait_to_read()
    assert main(["trace", str(path)]) == 0
    text = capsys.readouterr().out
    assert "critical path: " in text and "save" in text and "dot" in text


@pytest.mark.parametrize("content", ["", "[1, 2]", "{}", json.dumps({"traceEvents": []})])
def test_what_is_no_trace(tmp_path, capsys, content):
    path = tmp_path / "trace.json"
    path.write_text(content)
    assert main(["trace", str(path)]) == 1
    assert "trace.json" in capsys.readouterr().err
    assert main(["trace", str(tmp_path / "missing.json")]) == 1
