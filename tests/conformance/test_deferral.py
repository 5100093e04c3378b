"""Pointwise calls on large arrays are held back and run together: nothing but the time may differ."""
import gc
import os
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import gemel as mx

ROWS, COLUMNS = 280, 250   # 70,000 elements: enough to be held back


@pytest.fixture(autouse=True)
def _defer_again():
    before = mx.engine.set_defer(True)
    yield
    mx.engine.set_defer(before)


class Program:
    """A random program of imperative calls on a few large arrays; `run` gives everything it can see."""

    DTYPES = ("float32", "float32", "float32", "float64", "float16", "int32")

    def __init__(self, seed, fails=False):
        self.seed, self.fails = seed, fails

    def run(self):
        choose = random.Random(self.seed)
        numbers = np.random.default_rng(self.seed)
        arrays, seen = [], []
        for i in range(4):
            dtype = choose.choice(self.DTYPES)
            values = numbers.uniform(-2, 2, (ROWS, COLUMNS)) * (10 if dtype == "int32" else 1)
            arrays.append(mx.nd.array(values, dtype=dtype))
        row = mx.nd.array(numbers.uniform(-1, 1, (1, COLUMNS)))
        for _ in range(choose.randrange(5, 45)):
            self.step(choose, arrays, row, seen)
        return seen + [self.value(array) for array in arrays]

    @staticmethod
    def value(array):
        try:
            return array.asnumpy()
        except (mx.MXNetError, ValueError) as error:
            return str(error)

    def step(self, choose, arrays, row, seen):
        a, b = choose.choice(arrays), choose.choice(arrays)
        kind = choose.randrange(16 if self.fails else 14)
        place = choose.randrange(len(arrays))
        if kind < 5:
            same = [array for array in arrays if array.dtype == a.dtype]
            b = choose.choice(same)
            arrays[place] = choose.choice([lambda: a + b, lambda: a * b, lambda: a - b, lambda: mx.nd.maximum(a, b),
                                           lambda: a < b, lambda: a * b + a])()
        elif kind < 7:
            arrays[place] = choose.choice([lambda: mx.nd.relu(a), lambda: a * 0.5, lambda: 1 - a,
                                           lambda: mx.nd.abs(a), lambda: mx.nd.clip(a, -1, 1),
                                           lambda: mx.nd.tanh(a) if a.dtype != np.int32 else -a])()
        elif kind == 7:
            b = choose.choice([array for array in arrays if array.dtype == a.dtype])
            if choose.randrange(2):
                a += b
            else:
                a *= 0.75 if a.dtype != np.int32 else 3
        elif kind == 8:      # views: read, then write
            rows = choose.randrange(1, ROWS)
            seen.append(a[rows - 1:rows].asnumpy() if not self.fails else 0)
            if choose.randrange(2):
                a[rows - 1] = 0.25
        elif kind == 9:
            arrays[place] = a.reshape((COLUMNS, ROWS)).reshape((ROWS, COLUMNS)) * 2
        elif kind == 10:
            arrays[place] = mx.nd.broadcast_add(a.astype("float32"), row)
        elif kind == 11:
            arrays[place] = a.astype(choose.choice(self.DTYPES))
        elif kind == 12:
            total = a.astype("float32").sum()
            if not self.fails:
                seen.append(total.asnumpy())
        elif kind == 13:
            target = mx.nd.empty(a.shape, dtype=a.dtype)
            mx.nd.abs(a, out=target)
            arrays[place] = target
        elif kind == 14:
            def fail():
                raise ValueError("spoilt")
            mx.engine.push(fail, reads=[b], writes=[a], name="spoil")
        else:
            mx.nd.abs(b.astype(a.dtype), out=a)   # a complete write heals

    def outcome(self, defer):
        mx.engine.set_defer(defer)
        result = self.run()
        try:
            mx.nd.waitall()
        except (mx.MXNetError, ValueError):
            assert self.fails
        return result


def same(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right):
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize("block", range(10))
def test_random_programs_give_the_same_bits(block):
    for seed in range(block * 10, block * 10 + 10):
        program = Program(seed)
        same(program.outcome(True), program.outcome(False))


@pytest.mark.parametrize("block", range(10))
def test_failures_reach_the_same_arrays(block):
    failed = 0
    for seed in range(block * 10, block * 10 + 10):
        program = Program(seed, fails=True)
        outcome = program.outcome(True)
        failed += sum(isinstance(value, str) for value in outcome)
        same(outcome, program.outcome(False))
    assert failed > 0


def large(value=1.0, **kwargs):
    return mx.nd.full((ROWS, COLUMNS), value, **kwargs)


def test_a_chain_is_one_task_and_dead_results_have_no_memory():
    a, b = large(2), large(3)
    mx.nd.waitall()
    gc.collect()
    mx.memory.reset_peaks()
    before = mx.memory.stats()["array"]["current"]
    y = mx.nd.relu(a * b + a) * 0.5 - b
    assert mx.memory.stats()["array"]["current"] == before   # nothing ran yet
    y.wait_to_read()
    assert mx.memory.stats()["array"]["peak"] - before < 2 * ROWS * COLUMNS * 4
    assert y.asnumpy()[0, 0] == 1


def test_errors_of_shape_and_type_come_at_the_call():
    a = large()
    kept = a + 1
    with pytest.raises(ValueError):
        mx.nd.elemwise_add(a, mx.nd.ones((COLUMNS, ROWS)))
    assert kept.asnumpy()[-1, -1] == 2


def test_use_from_another_thread():
    a, got = large(2), {}
    b = a * 3
    thread = threading.Thread(target=lambda: got.update(value=b.asnumpy()[3, 3]))
    thread.start()
    thread.join()
    assert got["value"] == 6


def test_a_write_from_another_thread_comes_after_what_was_called_before():
    a = large(2)
    b = a * 3

    def write():
        nonlocal a
        a += 5
        a[0] = 0
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert b.asnumpy()[0, 0] == 6 and a.asnumpy()[1, 1] == 7 and a.asnumpy()[0, 0] == 0


def test_what_a_thread_left_when_it_ended():
    results = []

    def work():
        x = large(4)
        results.append(x * 2 - 1)
        x += 1
        results.append(x)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [array.asnumpy()[5, 5] for array in results] == [7, 5] * 4


def test_threads_share_arrays():
    shared, errors = large(1), []

    def work(number):
        try:
            for step in range(20):
                mine = shared * number + step
                mine += shared
                if not np.all(mine.asnumpy() == number + step + 1):
                    errors.append((number, step))
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_pushed_functions_see_what_was_called_before():
    a, seen = large(2), []
    b = a * 5
    mx.engine.push(lambda: seen.append(b.shape), reads=[b])
    mx.engine.push(lambda: seen.append(0), writes=[a])   # a write of what a held call reads
    mx.nd.waitall()
    assert seen == [(ROWS, COLUMNS), 0] and b.asnumpy()[0, 0] == 10


@pytest.mark.parametrize("defer", [True, False])
def test_gradients(defer):
    mx.engine.set_defer(defer)
    x, w = large(0.5), large(3)
    x.attach_grad()
    w.attach_grad(grad_req="add")
    for _ in range(2):
        with mx.autograd.record():
            y = mx.nd.sigmoid(x * w + 1) * x
        y.backward()
    s = 1 / (1 + np.exp(-np.float32(2.5)))
    np.testing.assert_allclose(x.grad.asnumpy(), s + 0.5 * s * (1 - s) * 3, rtol=1e-5)
    np.testing.assert_allclose(w.grad.asnumpy(), 2 * 0.5 * s * (1 - s) * 0.5, rtol=1e-5)


def test_gradients_have_the_same_bits():
    results = []
    for defer in (True, False):
        mx.engine.set_defer(defer)
        mx.random.seed(3)
        x = mx.nd.random.uniform(-1, 1, shape=(ROWS, COLUMNS))
        row = mx.nd.random.uniform(-1, 1, shape=(1, COLUMNS))
        for array in (x, row):
            array.attach_grad()
        with mx.autograd.record():
            hidden = mx.nd.tanh(mx.nd.broadcast_mul(x, row)) * x + mx.nd.exp(-x)
            loss = (hidden * hidden).sum() + hidden.mean()
        loss.backward()
        results.append([x.grad.asnumpy(), row.grad.asnumpy(), hidden.asnumpy()])
    same(*results)


def test_a_long_chain_in_place():
    a, b = large(1), large(0.5)
    for _ in range(100):
        a += b
    a *= 2
    assert np.all(a.asnumpy() == 102)


def test_more_inputs_than_one_pass_takes():
    arrays = [large(i) for i in range(40)]
    total = arrays[0] * 1
    for array in arrays[1:]:
        total = total + array
    assert np.all(total.asnumpy() == sum(range(40)))


def test_the_setting_is_read_from_the_environment():
    program = "import gemel as mx; print(mx.engine.set_defer(True))"
    out = subprocess.run([sys.executable, "-c", program], env={**os.environ, "GEMEL_DEFER": "off"},
                         capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
