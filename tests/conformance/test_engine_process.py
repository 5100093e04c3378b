"""The engine when something is given up, when the process forks, and when it ends in mid-work."""

import os
import subprocess
import sys
import threading

import pytest

import gemel as mx

LIMIT = 60


def run(program, engine="threaded", **environment):
    """The result of a program in a process of its own, which must end by itself."""
    return subprocess.run(
        [sys.executable, "-c", "import gemel as mx\n" + program],
        env={**os.environ, "GEMEL_ENGINE": engine, **environment},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def test_what_is_cancelled_does_not_run():
    request, tag, after, seen = mx.engine.Cancellation(), mx.engine.tag(), mx.engine.tag(), []
    mx.engine.push(lambda: seen.append("early"), writes=[tag], cancellation=request)
    tag.wait_to_read()
    assert not request.cancelled()
    request.cancel()
    assert request.cancelled()
    array = mx.nd.ones((3,))
    mx.engine.push(lambda: seen.append("late"), writes=[array], cancellation=request)
    mx.engine.push(lambda: seen.append("after"), reads=[array], writes=[after])
    with pytest.raises(mx.base.CancelledError, match="cancelled"):
        after.wait_to_read()
    with pytest.raises(mx.MXNetError):
        (array + 1).asnumpy()
    array[:] = 2  # a complete write heals
    assert array.asnumpy().tolist() == [2, 2, 2]
    assert seen == ["early"]
    mx.nd.waitall()


@pytest.mark.skipif(mx._core.engine_configuration()[0] != "threaded", reason="needs a worker")
def test_cancelling_skips_what_is_queued_behind_a_running_task():
    request, tag, seen = mx.engine.Cancellation(), mx.engine.tag(), []
    started, gate = threading.Event(), threading.Event()
    first = lambda: (started.set(), gate.wait(LIMIT), seen.append(request.cancelled()))  # noqa: E731
    mx.engine.push(first, writes=[tag], cancellation=request)
    mx.engine.push(lambda: seen.append("second"), writes=[tag], cancellation=request)
    assert started.wait(LIMIT)
    request.cancel()
    gate.set()
    with pytest.raises(mx.base.CancelledError):
        tag.wait_to_read()
    assert seen == [True]


FORK = """
import os
a = mx.nd.ones((300, 300))
b = mx.nd.dot(a, a)                        # may be queued or running when the process forks
mx.engine.push(lambda: None, name="python task", writes=[mx.engine.tag()])
child = os.fork()
total = float((b + mx.nd.dot(a, a)).sum().asscalar())
if child == 0:
    kind = mx._core.engine_configuration()
    os._exit(0 if total == 2 * 300 ** 3 and kind == ("naive", 1) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert total == 2 * 300 ** 3
print("both")
"""


@pytest.mark.parametrize("engine", ["threaded", "naive", "chaos:1"])
def test_fork(engine):
    done = run(FORK, engine)
    assert (done.returncode, done.stdout, done.stderr) == (0, "both\n", "")


MULTIPROCESSING = """
import multiprocessing

def work(n):
    x = mx.nd.arange(n * 1000)
    net = mx.gluon.nn.Dense(4, in_units=8)
    net.initialize()
    net(mx.nd.ones((16, 8))).wait_to_read()
    return float((x * 2).sum().asscalar())

before = mx.nd.dot(mx.nd.ones((200, 200)), mx.nd.ones((200, 200)))
with multiprocessing.get_context("fork").Pool(3) as pool:
    results = pool.map(work, range(1, 7))
assert results == [n * 1000 * (n * 1000 - 1) for n in range(1, 7)], results
assert before.asnumpy()[0, 0] == 200
print("ok")
"""


@pytest.mark.parametrize("engine", ["threaded", "chaos:1"])
def test_multiprocessing_by_fork(engine):
    done = run(MULTIPROCESSING, engine, OMP_NUM_THREADS="2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_a_fork_waits_for_users_tasks_without_holding_the_interpreter():
    done = run(
        "import os, time\n"
        "seen = []\n"
        "for _ in range(5): mx.engine.push(lambda: (time.sleep(0.02), seen.append(1)))\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(len(seen))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


EXITS = {
    "kernels are queued": "a = mx.nd.ones((400, 400))\nfor _ in range(3000): a = mx.nd.dot(a, a)",
    "an error is not collected": "def fail(): raise ValueError('x')\nmx.engine.push(fail)",
    "arrays of a failed task live": (
        "def fail(): raise ValueError('x')\na = mx.nd.ones(3)\nmx.engine.push(fail, writes=[a])\nb = a + 1"
    ),
    "tasks push tasks": (
        "def more(n): mx.engine.push(lambda: n and more(n - 1))\nmore(100)\nmx.nd.ones((5, 5)) * 2"
    ),
    "another thread works": (
        "import threading\n"
        "def work():\n    a = mx.nd.ones((100, 100))\n    while True: a = mx.nd.dot(a, a) * 0\n"
        "threading.Thread(target=work, daemon=True).start()\nimport time; time.sleep(0.2)"
    ),
}


@pytest.mark.parametrize("engine", ["threaded", "naive", "chaos:2"])
@pytest.mark.parametrize("case", EXITS)
def test_exit_in_the_middle_of_work(case, engine):
    program = EXITS[case] if engine == "threaded" else EXITS[case].replace("3000", "3")
    done = run(program, engine, GEMEL_LOG="error")
    assert (done.returncode, done.stderr) == (0, "")


def test_users_tasks_are_done_before_the_end(tmp_path):
    path = tmp_path / "log"
    done = run(
        "import time\n"
        f"def write(): time.sleep(0.05); open({str(path)!r}, 'a').write('x')\n"
        "a = mx.nd.dot(mx.nd.ones((300, 300)), mx.nd.ones((300, 300)))\n"
        "for _ in range(3): mx.engine.push(write, reads=[a])\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text() == "xxx"


def test_an_uncaught_exception_keeps_its_exit_code():
    done = run("mx.nd.dot(mx.nd.ones((300, 300)), mx.nd.ones((300, 300)))\nraise SystemExit(5)")
    assert (done.returncode, done.stderr) == (5, "")


ORDER = """
import sys
seen = []
tags = [mx.engine.tag() for _ in range(4)]
for n in range(16): mx.engine.push(lambda n=n: seen.append(n), writes=[tags[n % 4]])
mx.nd.waitall()
print(*seen)
"""


def test_chaos_repeats_an_order_by_its_seed():
    orders = [run(ORDER, f"chaos:{seed}").stdout for seed in (1, 1, 2, 3, 4)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 2
    for order in orders:
        numbers = [int(n) for n in order.split()]
        assert sorted(numbers) == list(range(16))
        for tag in range(4):
            of_tag = [n for n in numbers if n % 4 == tag]
            assert of_tag == sorted(of_tag)


def test_chaos_replays_a_recorded_order(tmp_path):
    program = ORDER.replace(
        "import sys", "import threading\nt = threading.Thread(target=lambda: mx.engine.push(lambda: None))\n"
        "mx.engine.push(lambda: None)\nt.start(); t.join()"
    )
    path = tmp_path / "order"
    first = run(program, "chaos:9", GEMEL_CHAOS_ORDER=str(path))
    assert f"GEMEL_ENGINE=chaos:{path}" in first.stderr
    again = run(program, f"chaos:{path}")
    assert again.stdout == first.stdout and again.stderr == ""


def test_an_order_that_is_not_there_warns():
    done = run("print(mx._core.engine_configuration()[0])", "chaos:/nowhere/order")
    assert done.stdout == "threaded\n" and "no such file" in done.stderr
