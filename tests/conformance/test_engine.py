"""mx.engine.push from Python: order, priorities, errors, healing, deletion, overlap."""

import gc
import os
import threading

import pytest

import gemel as mx

LIMIT = 30  # seconds until a wait that should end at once counts as hanging
threaded_only = pytest.mark.skipif(
    mx._core.engine_configuration()[0] != "threaded",
    reason="a task waits for the thread that pushes, which the other engines run it on",
)


@pytest.fixture(autouse=True)
def drained():
    """Each test starts and ends with an idle engine."""
    mx.nd.waitall()
    yield
    try:
        mx.nd.waitall()
    except Exception:  # failures that a test planted and did not collect
        pass


def test_writes_run_in_push_order():
    tag, seen = mx.engine.tag(), []
    for number in range(50):
        mx.engine.push(lambda number=number: seen.append(number), writes=[tag])
    tag.wait_to_read()
    assert seen == list(range(50))


@threaded_only
def test_a_read_waits_for_the_write_before_it():
    tag, done, seen = mx.engine.tag(), mx.engine.tag(), []
    gate = threading.Event()
    mx.engine.push(lambda: (gate.wait(LIMIT), seen.append("write")), writes=[tag])
    mx.engine.push(lambda: seen.append("read"), reads=[tag], writes=[done])
    assert seen == []
    gate.set()
    done.wait_to_read()
    assert seen == ["write", "read"]


@threaded_only
def test_a_write_waits_for_all_reads_before_it():
    tag, seen = mx.engine.tag(), []
    gate = threading.Event()
    mx.engine.push(lambda: (gate.wait(LIMIT), seen.append("read")), reads=[tag])
    mx.engine.push(lambda: seen.append("write"), writes=[tag])
    gate.set()
    tag.wait_to_write()
    assert seen == ["read", "write"]


@threaded_only
def test_tasks_without_a_common_tag_overlap():
    """A task that waits for another one's work ends only because both run at once."""
    first, second = mx.engine.tag(), mx.engine.tag()
    signal, heard = threading.Event(), []
    mx.engine.push(lambda: heard.append(signal.wait(LIMIT)), writes=[first], resource="io")
    mx.engine.push(signal.set, writes=[second], resource="copy")
    first.wait_to_read()
    assert heard == [True]


@threaded_only
def test_a_task_overlaps_array_work():
    source, heard, done = mx.nd.ones((64, 64)), [], mx.engine.tag()
    signal = threading.Event()
    mx.engine.push(lambda: heard.append(signal.wait(LIMIT)), writes=[done])
    assert mx.nd.dot(source, source).asnumpy()[0, 0] == 64
    signal.set()
    done.wait_to_read()
    assert heard == [True]


@threaded_only
def test_arrays_are_tags():
    array, seen = mx.nd.zeros((4,)), []
    gate = threading.Event()
    mx.engine.push(lambda: (gate.wait(LIMIT), seen.append("task")), writes=[array])
    later = array + 1
    gate.set()
    assert later.asnumpy().tolist() == [1, 1, 1, 1]
    assert seen == ["task"]


@threaded_only
def test_priority_orders_what_is_ready():
    """One worker is held; of what waits for it, the higher priority goes first."""
    holder, held, seen = mx.engine.tag(), threading.Event(), []
    started = threading.Event()
    mx.engine.push(lambda: (started.set(), held.wait(LIMIT)), writes=[holder], resource="copy")
    assert started.wait(LIMIT)
    tags = [mx.engine.tag() for _ in range(6)]
    for number, tag in enumerate(tags):
        mx.engine.push(
            lambda n=number: seen.append(n), writes=[tag], priority=number, resource="copy"
        )
    held.set()
    for tag in tags:
        tag.wait_to_read()
    assert seen == [5, 4, 3, 2, 1, 0]


def fail():
    raise RuntimeError("the file is gone")


def test_an_error_reaches_the_reader():
    tag = mx.engine.tag()
    mx.engine.push(fail, writes=[tag])
    with pytest.raises(Exception, match="the file is gone"):
        tag.wait_to_read()
    with pytest.raises(Exception, match="the file is gone"):
        tag.wait_to_read()


def test_push_itself_does_not_raise():
    tag = mx.engine.tag()
    assert mx.engine.push(fail, writes=[tag]) is None
    with pytest.raises(Exception, match="the file is gone"):
        mx.nd.waitall()
    mx.nd.waitall()


def test_an_error_travels_through_arrays_and_tasks():
    array, tag, seen = mx.nd.ones((3,)), mx.engine.tag(), []
    mx.engine.push(fail, writes=[array])
    result = mx.nd.exp(array + 1)
    mx.engine.push(lambda: seen.append("ran"), reads=[result], writes=[tag])
    with pytest.raises(Exception, match="the file is gone"):
        result.asnumpy()
    with pytest.raises(Exception, match="the file is gone"):
        tag.wait_to_read()
    assert seen == []


def test_other_arrays_live_on():
    bad, good = mx.nd.ones((3,)), mx.nd.ones((3,))
    mx.engine.push(fail, writes=[bad])
    assert (good + 1).asnumpy().tolist() == [2, 2, 2]
    with pytest.raises(Exception, match="the file is gone"):
        bad.wait_to_read()


def test_a_complete_write_heals():
    tag, array = mx.engine.tag(), mx.nd.ones((3,))
    mx.engine.push(fail, writes=[tag, array])
    mx.engine.push(lambda: None, writes=[tag])
    tag.wait_to_read()
    array[:] = 5
    assert array.asnumpy().tolist() == [5, 5, 5]


def test_a_task_may_push():
    first, second, seen = mx.engine.tag(), mx.engine.tag(), []

    def outer():
        seen.append("outer")
        mx.engine.push(lambda: seen.append("inner"), writes=[second])

    mx.engine.push(outer, writes=[first])
    first.wait_to_read()
    second.wait_to_read()
    assert seen == ["outer", "inner"]


def test_waiting_for_a_tag_that_the_task_holds_is_an_error():
    tag, errors = mx.engine.tag(), []

    def wait():
        try:
            tag.wait_to_read()
        except Exception as error:
            errors.append(error)

    mx.engine.push(wait, writes=[tag])
    tag.wait_to_read()
    assert len(errors) == 1


@threaded_only
def test_deleted_arrays_wait_for_their_tasks():
    seen, gate = [], threading.Event()
    array = mx.nd.ones((1000,))
    done = mx.engine.tag()
    mx.engine.push(lambda: gate.wait(LIMIT), writes=[array])
    total = array.sum()
    mx.engine.push(lambda: seen.append("ran"), reads=[array], writes=[done])
    del array
    gc.collect()
    gate.set()
    assert total.asscalar() == 1000
    done.wait_to_read()
    assert seen == ["ran"]


def test_what_a_task_holds_dies_with_it():
    import weakref

    class Load:
        def __call__(self):
            pass

    load, tag = Load(), mx.engine.tag()
    alive = weakref.ref(load)
    mx.engine.push(load, writes=[tag])
    tag.wait_to_read()
    del load
    mx.nd.waitall()
    gc.collect()
    assert alive() is None


def test_wrong_tags():
    with pytest.raises((TypeError, mx.base.MXNetError), match="push"):
        mx.engine.push(lambda: None, writes=["text"])
    with pytest.raises((ValueError, mx.base.MXNetError), match="nowhere"):
        mx.engine.push(lambda: None, resource="nowhere")


def test_bulk():
    assert mx.engine.set_bulk_size(15) == 0
    assert mx.engine.set_bulk_size(10) == 15
    with mx.engine.bulk(7) as scope:
        assert type(scope).__name__ == "_BulkScope"
        x = mx.nd.zeros((3,))
        for _ in range(50):
            x += 1
        assert x.asnumpy().tolist() == [50] * 3
        assert mx.engine.set_bulk_size(7) == 7
    assert mx.engine.set_bulk_size(0) == 10
    with mx.engine.bulk(5):
        with pytest.raises(ValueError):
            mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((2, 3)))
        with mx.engine.bulk(3):
            y = x * 2
    assert y.asnumpy().tolist() == [100] * 3
    assert mx.engine.set_bulk_size(0) == 0
    for wrong in ("x", None, 2.5):
        with pytest.raises(TypeError):
            mx.engine.set_bulk_size(wrong)


def test_a_failure_inside_a_bulk_reaches_its_readers_only():
    with mx.engine.bulk(20):
        a, b = mx.nd.ones((3,)), mx.nd.ones((3,))
        mx.engine.push(fail, writes=[a])
        bad, good = a + 1, b + 1
    assert good.asnumpy().tolist() == [2, 2, 2]
    with pytest.raises(Exception, match="the file is gone"):
        bad.asnumpy()


def test_the_naive_engine_gives_the_same(tmp_path):
    import subprocess
    import sys

    program = tmp_path / "program.py"
    program.write_text(
        "import gemel as mx\n"
        "seen, tag = [], mx.engine.tag()\n"
        "for n in range(5): mx.engine.push(lambda n=n: seen.append(n), writes=[tag])\n"
        "tag.wait_to_read()\n"
        "x = mx.nd.arange(6).reshape((2, 3))\n"
        "print(seen, (mx.nd.dot(x, x.T) + 1).asnumpy().tolist())\n"
    )
    answers = set()
    for engine in ("NaiveEngine", "ThreadedEnginePerDevice"):
        environment = {**os.environ, "MXNET_ENGINE_TYPE": engine}
        done = subprocess.run(
            [sys.executable, str(program)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        answers.add(done.stdout)
    assert answers == {"[0, 1, 2, 3, 4] [[6.0, 15.0], [15.0, 51.0]]\n"}
