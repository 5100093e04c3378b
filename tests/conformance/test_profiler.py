"""mx.profiler: the calls of 1.9.1, what the trace holds, the sums, the user's own events."""

import inspect
import json
import os
import subprocess
import sys
import threading
import warnings

import pytest

import gemel as mx


@pytest.fixture
def trace(tmp_path):
    """Starts the profiler; the returned function ends it and gives the events of the file."""
    path = tmp_path / "trace.json"

    def start(**keywords):
        mx.profiler.set_config(filename=str(path), **keywords)
        mx.profiler.set_state("run")

    def finish():
        mx.profiler.set_state("stop")
        mx.profiler.dump()
        return json.loads(path.read_text())["traceEvents"]

    finish.start, finish.path = start, path
    mx.nd.waitall()
    yield finish
    mx.profiler.set_state("stop")
    if mx._core.profiler_has_output():
        mx.profiler.dump()
    mx.profiler.set_config()


def named(events, name, **wanted):
    return [e for e in events if e["name"] == name and all(e.get(k) == v for k, v in wanted.items())]


def test_signatures():
    expected = {
        "set_config": "(**kwargs)",
        "profiler_set_config": "(mode='symbolic', filename='profile.json')",
        "set_state": "(state='stop', profile_process='worker')",
        "profiler_set_state": "(state='stop')",
        "dump": "(finished=True, profile_process='worker')",
        "dump_profile": "()",
        "dumps": "(reset=False, format='table', sort_by='total', ascending=False)",
        "pause": "(profile_process='worker')",
        "resume": "(profile_process='worker')",
        "set_kvstore_handle": "(handle)",
        "Domain": "(name)",
        "Task": "(domain, name)",
        "Frame": "(domain, name)",
        "Event": "(name)",
        "Counter": "(domain, name, value=None)",
        "Marker": "(domain, name)",
    }
    for name, signature in expected.items():
        assert str(inspect.signature(getattr(mx.profiler, name))) == signature, name


def test_imperative_calls_and_their_tags(trace):
    trace.start()
    a = mx.nd.ones((20, 30))
    b = mx.nd.dot(a, a.T)
    c = b + 1
    c.wait_to_read()
    events = trace()
    (dot,) = named(events, "dot")
    plus = named(events, "_plus_scalar")[0]
    assert dot["cat"] == "operator" and dot["ph"] == "X" and dot["dur"] > 0
    assert set(dot["args"]["writes"]) & set(plus["args"]["reads"])
    threads = {e["tid"]: e["args"]["name"] for e in named(events, "thread_name", ph="M")}
    assert threads[dot["tid"]] == "main" or threads[dot["tid"]].startswith("compute")
    assert named(events, "process_name", ph="M")[0]["args"]["name"] == "gemel"
    assert all(e["ts"] >= 0 for e in events if "ts" in e)


def test_operators_inside_of_graphs_by_the_names_of_their_nodes(trace):
    data = mx.sym.Variable("data")
    net = mx.sym.FullyConnected(data, num_hidden=4, name="first_layer")
    net = mx.sym.SoftmaxOutput(net, name="softmax")
    executor = net.simple_bind(mx.cpu(), data=(8, 5))
    trace.start()
    executor.forward(is_train=True)
    executor.backward()
    executor.outputs[0].wait_to_read()
    events = trace()
    assert any("first_layer" in e["name"] for e in events)
    assert any("softmax" in e["name"] for e in events)
    assert any(e["name"] in ("forward", "forward_backward") for e in events)


def test_waits_and_users_tasks(trace):
    trace.start()
    tag = mx.engine.tag("the file")
    mx.engine.push(lambda: threading.Event().wait(0.05), writes=[tag], name="read the file")
    tag.wait_to_read()
    events = trace()
    (task,) = named(events, "read the file")
    assert task["cat"] == "io" and task["dur"] > 4e4
    if mx._core.engine_configuration()[0] == "threaded":
        (wait,) = named(events, "the file", cat="wait")
        assert wait["args"]["reads"] == task["args"]["writes"]


def test_own_events(trace):
    trace.start(profile_all=True, aggregate_stats=True)
    domain = mx.profiler.Domain("mydomain")
    task, frame, event = domain.new_task("mytask"), domain.new_frame("myframe"), mx.profiler.Event("myevent")
    counter, marker = domain.new_counter("mycounter", 5), domain.new_marker("mymark")
    assert [str(x) for x in (domain, task, frame, event, counter)] == [
        "mydomain", "mytask", "myframe", "myevent", "mycounter"]  # fmt: skip
    for span in (task, frame, event):
        span.start()
    counter.increment()
    counter += 3
    counter -= 1
    counter.decrement(2)
    marker.mark()
    marker.mark("global")
    with pytest.raises(mx.MXNetError, match="valid values are: {'global', 'marker', 'process', 'task', 'thread'}"):
        marker.mark("nowhere")
    for span in (task, frame, event):
        span.stop()
    mx.profiler.Event("never started").stop()
    table = mx.profiler.dumps()
    events = trace()
    assert named(events, "mytask")[0]["cat"] == "mydomain" and named(events, "mytask")[0]["ph"] == "X"
    assert [e["ph"] for e in named(events, "myframe")] == ["b", "e"]
    assert named(events, "myevent")[0]["cat"] == "event"
    assert [e["args"]["mycounter"] for e in named(events, "mycounter")] == [5, 6, 9, 8, 6]
    assert [e["s"] for e in named(events, "mymark")] == ["p", "g"]
    assert not named(events, "never started")
    for text in ("mydomain\n", "mydomain,frame\n", "event\n", "mytask", "myframe", "myevent", "mycounter"):
        assert text in table


def test_memory(trace):
    trace.start()
    kept = []
    for _ in range(20):
        kept.append(mx.nd.ones((500, 500)))
        kept[-1].wait_to_read()
        threading.Event().wait(0.001)
    values = [e["args"]["Memory: cpu/0"] for e in trace() if e["ph"] == "C"]
    assert len(values) >= 5
    assert values[-1] - values[0] >= 10 * 4 * 500 * 500
    trace.start(profile_memory=False)
    mx.nd.ones((500, 500)).wait_to_read()
    assert not [e for e in trace() if e["ph"] == "C"]


def test_pause_and_resume(trace):
    trace.start()
    a = mx.nd.ones((4, 4))
    mx.nd.exp(a).wait_to_read()
    mx.profiler.pause()
    mx.nd.sin(a).wait_to_read()
    mx.profiler.resume()
    mx.nd.cos(a).wait_to_read()
    names = {e["name"] for e in trace()}
    assert {"exp", "cos"} <= names and "sin" not in names


def test_what_is_recorded_can_be_chosen(trace):
    executor = mx.sym.exp(mx.sym.Variable("x"), name="inside").simple_bind(mx.cpu(), x=(3,))
    for keywords, seen, unseen in [
        (dict(profile_imperative=False), "exp inside", "sin"),
        (dict(profile_symbolic=False), "sin", "exp inside"),
        (dict(profile_symbolic=False, profile_imperative=False, profile_all=True), "sin", "nothing"),
    ]:
        trace.start(**keywords)
        executor.forward()
        mx.nd.sin(executor.outputs[0]).wait_to_read()
        names = {e["name"] for e in trace()}
        assert seen in names and unseen not in names, (keywords, names)


def test_dump_goes_on_or_ends(trace):
    trace.start()
    a = mx.nd.ones((2, 2))
    mx.nd.exp(a).wait_to_read()
    mx.profiler.dump(finished=False)
    first = json.loads(trace.path.read_text())["traceEvents"]
    mx.nd.sin(a).wait_to_read()
    names = {e["name"] for e in trace()}
    assert {"exp"} <= {e["name"] for e in first} and {"exp", "sin"} <= names
    with pytest.raises(mx.MXNetError, match="Profiler hasn't been run"):
        mx.profiler.dump()
    trace.start()  # a new trace
    mx.nd.cos(a).wait_to_read()
    names = {e["name"] for e in trace()}
    assert "cos" in names and "sin" not in names


def test_sums(trace):
    trace.start(aggregate_stats=True)
    a = mx.nd.ones((10, 10))
    for _ in range(3):
        mx.nd.dot(a, a).wait_to_read()
    mx.nd.exp(a).wait_to_read()
    table = mx.profiler.dumps()
    assert table.startswith("\nProfile Statistics:\n\tNote the difference in units for different entries.\n")
    head = "Name                          Total Count        Time (ms)    Min Time (ms)    Max Time (ms)    Avg Time (ms)"
    assert head in table.splitlines()
    (row,) = [line.split() for line in table.splitlines() if line.startswith("dot ")]
    assert row[1] == "3" and float(row[2]) >= float(row[4]) >= float(row[5]) >= float(row[3]) >= 0
    sums = json.loads(mx.profiler.dumps(format="json"))
    dot = sums["Time"]["operator"]["dot"]
    assert dot["Count"] == 3 and dot["Min"] <= dot["Avg"] <= dot["Max"] <= dot["Total"]
    assert sums["Unit"] == {"Time": "ms", "Memory": "kB"}
    assert sums["Memory"]["Device Storage"]["Memory: cpu/0"]["Max"] > 0
    lines = mx.profiler.dumps(sort_by="count", ascending=True).splitlines()
    order = [line.split()[0] for line in lines if line.startswith(("dot ", "exp "))]
    assert order == ["exp", "dot"]
    mx.profiler.dumps(reset=True)
    assert "dot" not in mx.profiler.dumps()
    for keywords, text in [(dict(format="xml"), "format: xml"), (dict(sort_by="size"), "sort_by: size")]:
        with pytest.raises(AssertionError, match=text):
            mx.profiler.dumps(**keywords)


def test_sums_are_off_by_default(trace):
    trace.start()
    mx.nd.ones((2,)).wait_to_read()
    assert mx.profiler.dumps() == ""


def test_wrong_calls():
    with pytest.raises(mx.MXNetError, match="Cannot find argument 'foo', Possible Arguments:\n-+\nprofile_all"):
        mx.profiler.set_config(foo=1)
    with pytest.raises(mx.MXNetError, match="valid values are: {'server', 'worker'}"):
        mx.profiler.set_config(profile_process="foo")
    with pytest.raises(mx.MXNetError):
        mx.profiler.set_config(profile_all="perhaps")
    with pytest.raises(mx.MXNetError, match="key-value store"):
        mx.profiler.set_config(profile_process="server")
    with pytest.raises(KeyError):
        mx.profiler.set_state("walk")
    with pytest.raises(KeyError):
        mx.profiler.set_state("run", profile_process="foo")
    mx.profiler.set_config()


def test_deprecated_names_warn(trace):
    trace.start()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mx.profiler.profiler_set_config("all", str(trace.path))
        mx.profiler.profiler_set_state("run")
        mx.nd.ones((2,)).wait_to_read()
        mx.profiler.dump_profile()
    assert [str(w.message).split()[2:4] for w in caught] == [["deprecated.", "Please"]] * 3
    assert json.loads(trace.path.read_text())["traceEvents"]


def in_a_process(program, folder, **environment):
    return subprocess.run([sys.executable, "-c", "import gemel as mx\n" + program], cwd=folder, text=True,
                          env={**os.environ, **environment}, capture_output=True, timeout=60)  # fmt: skip


def test_autostart(tmp_path):
    done = in_a_process("mx.nd.sin(mx.nd.ones((3,)))", tmp_path, MXNET_PROFILER_AUTOSTART="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert named(json.loads((tmp_path / "profile.json").read_text())["traceEvents"], "sin")


def test_what_was_not_dumped_is_written_at_the_end(tmp_path):
    program = "mx.profiler.set_config(filename='own.json'); mx.profiler.set_state('run'); mx.nd.sin(mx.nd.ones(3))"
    done = in_a_process(program, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert named(json.loads((tmp_path / "own.json").read_text())["traceEvents"], "sin")


def test_a_file_that_cannot_be_written(trace, tmp_path):
    trace.start()
    mx.nd.ones((2,)).wait_to_read()
    mx.profiler.set_config(filename=str(tmp_path / "missing" / "trace.json"))
    with pytest.raises(mx.MXNetError, match="missing"):
        mx.profiler.dump()
    mx.profiler.set_config(filename=str(trace.path))
    assert named(trace(), "_ones")
