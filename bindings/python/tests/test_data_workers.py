"""DataLoader with worker processes: order, what travels, errors, deaths, and that nothing is left."""
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time

import gemel as mx
import numpy as np
import pytest
from gemel.gluon.data import ArrayDataset, BatchSampler, DataLoader, SequentialSampler, SimpleDataset

COUNT = 23


class Samples:
    """Tuples of an array, an NDArray and a number."""

    def __len__(self):
        return COUNT

    def __getitem__(self, i):
        return np.full((2, 3), i, "float32"), mx.nd.full((2,), i, dtype="int32"), i


class Killed(Samples):
    def __getitem__(self, i):
        if i == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return i


class Failing(Samples):
    def __getitem__(self, i):
        if i == 9:
            raise KeyError("no such sample")
        return i


class Sleeping(Samples):
    def __getitem__(self, i):
        time.sleep(60)
        return i


def processes():
    return [one for one in multiprocessing.active_children() if one.name.startswith("DataLoader")]


@pytest.fixture(autouse=True)
def nothing_is_left():
    gc.collect()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    shared = sorted(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else []
    yield
    gc.collect()
    assert processes() == []
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before
        assert sorted(os.listdir("/dev/shm")) == shared


KINDS = [{"num_workers": 2}, {"num_workers": 3, "prefetch": 0}, {"num_workers": 1, "prefetch": 20},
         {"num_workers": 2, "thread_pool": True}]


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_those_of_one_process(kind):
    expected = list(DataLoader(Samples(), 4))
    loader = DataLoader(Samples(), 4, **kind)
    for _ in range(2):
        batches = list(loader)
        assert len(batches) == len(loader) == 6
        for batch, other in zip(batches, expected):
            for one, wanted in zip(batch, other):
                assert isinstance(one, mx.nd.NDArray) and one.dtype == wanted.dtype
                np.testing.assert_array_equal(one.asnumpy(), wanted.asnumpy())


def test_after_arrays_were_used_and_with_operators_in_workers():
    data = mx.nd.random.uniform(shape=(8, 64, 64))
    product = mx.nd.dot(data[0], data[1])

    def work(x):
        return mx.nd.dot(x, x) + product
    loader = DataLoader(SimpleDataset([data[i] for i in range(8)]).transform(work), 4,
                        num_workers=2)
    for i, batch in enumerate(loader):
        wanted = mx.nd.dot(data[4 * i], data[4 * i]) + product
        np.testing.assert_allclose(batch[0].asnumpy(), wanted.asnumpy(), rtol=1e-5)


def test_shuffled_order_follows_the_seed():
    orders = []
    for workers in (0, 2):
        np.random.seed(3)
        loader = DataLoader(SimpleDataset(list(range(COUNT))), 4, shuffle=True,
                            num_workers=workers)
        orders.append([one.asnumpy().tolist() for one in loader])
    assert orders[0] == orders[1] != sorted(orders[0])


def test_workers_draw_different_numbers_that_follow_the_seed():
    class Drawn(Samples):
        def __getitem__(self, i):
            return np.random.rand()
    rounds = []
    for _ in range(2):
        np.random.seed(5)
        rounds.append(np.concatenate([one.asnumpy() for one in
                                      DataLoader(Drawn(), 4, num_workers=2)]))
    np.testing.assert_array_equal(*rounds)
    assert len(set(rounds[0].tolist())) == COUNT


def test_own_batchify_and_batch_sampler():
    def batchify(samples):
        return {"sum": sum(samples), "array": np.array(samples), "nd": mx.nd.array(samples)}
    loader = DataLoader(SimpleDataset(list(range(6))), batchify_fn=batchify, num_workers=2,
                        batch_sampler=BatchSampler(SequentialSampler(6), 3))
    first, second = loader
    assert (first["sum"], second["sum"]) == (3, 12)
    assert type(first["array"]) is np.ndarray and first["array"].tolist() == [0, 1, 2]
    assert second["nd"].asnumpy().tolist() == [3, 4, 5]


def test_large_tasks_and_batches_do_not_block():
    data = SimpleDataset([np.zeros((50,), "float32")] * 60000)
    loader = DataLoader(data, 20000, num_workers=1, prefetch=8)
    assert [one.shape for one in loader] == [(20000, 50)] * 3


def test_two_rounds_at_once_and_one_given_up():
    loader = DataLoader(SimpleDataset(list(range(COUNT))), 4, num_workers=2)
    first, second = iter(loader), iter(loader)
    assert next(first).asnumpy().tolist() == next(second).asnumpy().tolist() == [0, 1, 2, 3]
    del first
    assert [one.asnumpy()[0] for one in second] == [4, 8, 12, 16, 20]
    for batch in loader:
        break
    assert batch.shape == (4,)


def test_killed_worker():
    loader = DataLoader(Killed(), 4, num_workers=2)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader worker 0 \(pid \d+\) was killed by SIGKILL"):
        list(loader)
    assert time.monotonic() - start < 5
    assert processes() == []
    assert next(iter(loader)).asnumpy().tolist() == [0, 1, 2, 3]  # the next round has new ones


def test_worker_killed_from_outside():
    loader = DataLoader(Sleeping(), 4, num_workers=2)
    victim = processes()[-1]
    rounds = iter(loader)
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=f"pid {victim.pid}\\) was killed"):
        next(rounds)


@pytest.mark.parametrize("kind", KINDS)
def test_error_in_a_worker(kind):
    with pytest.raises(KeyError, match="no such sample"):
        list(DataLoader(Failing(), 4, **kind))


def test_timeout():
    with pytest.raises(multiprocessing.TimeoutError, match="took longer than 1 seconds"):
        next(iter(DataLoader(Sleeping(), 4, num_workers=1, timeout=1)))
    with pytest.raises(AssertionError, match="timeout must be positive"):
        DataLoader(Samples(), 4, timeout=0)


def test_samples_that_make_no_array():
    with pytest.raises(TypeError, match="give a batchify_fn"):
        next(iter(DataLoader(SimpleDataset([{"a": 1}] * 4), 2, num_workers=1)))


def test_auto_reload():
    loader = DataLoader(ArrayDataset(np.arange(6)), 2, num_workers=1, auto_reload=True)
    for _ in range(3):
        assert [one.asnumpy().tolist() for one in loader] == [[0, 1], [2, 3], [4, 5]]
    loader.clean()
    assert loader._iter is None


def test_pinned_memory():
    batch, = DataLoader(ArrayDataset(np.arange(3)), 3, pin_memory=True, num_workers=1)
    assert batch.context.device_type == "cpu_pinned" and batch.asnumpy().tolist() == [0, 1, 2]


@pytest.mark.parametrize("ending", [
    "", "raise SystemExit(0)", "import os; os._exit(0)", "raise ValueError('mine')",
    "raise KeyboardInterrupt", "import os; os.kill(os.getpid(), 2)",
    "import os; os.kill(os.getpid(), 15)", "import os; os.kill(os.getpid(), 9)"])
def test_a_program_that_ends_in_the_middle_leaves_nothing(ending):
    shared = sorted(os.listdir("/dev/shm"))
    program = textwrap.dedent("""
        import multiprocessing, gemel as mx
        from gemel.gluon.data import DataLoader, SimpleDataset
        one = DataLoader(SimpleDataset(list(range(100))), 2, num_workers=2)
        other = DataLoader(SimpleDataset(list(range(100))), 2, num_workers=2)
        for x, y in zip(one, other):
            print(*[p.pid for p in multiprocessing.active_children()], flush=True)
            break
    """) + ending
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                            timeout=60)
    pids = [int(one) for one in result.stdout.split()]
    of_its_own = [line for line in result.stderr.splitlines() if line.startswith("Traceback")]
    assert len(pids) == 4
    assert len(of_its_own) == ("raise" in ending and "SystemExit" not in ending or ", 2)" in ending)
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") and
              "Z" not in open(f"/proc/{pid}/stat").read().split()[2] for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived its program"
        time.sleep(.05)
    assert sorted(os.listdir("/dev/shm")) == shared
