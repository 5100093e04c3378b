"""Threads that share one model, and what they hold when it goes."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import gemel as mx

THREADS = 8


def on_threads(work):
    """Runs `work(number)` on eight threads; raises what one of them raised."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:  # re-raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def small_network():
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(6, 3, in_channels=1), mx.gluon.nn.BatchNorm(in_channels=6),
            mx.gluon.nn.Activation("relu"), mx.gluon.nn.Dense(10))
    mx.random.seed(1)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 1, 8, 8)))
    return net


@pytest.mark.parametrize("hybrid", [True, False])
def test_eight_threads_predict_with_one_model(hybrid):
    net = small_network()
    if hybrid:
        net.hybridize()
    data = [mx.nd.array(np.random.RandomState(n).rand(1 + n % 3, 1, 8, 8)) for n in range(THREADS)]
    expected = [net(x).asnumpy() for x in data]

    def predict(number):
        for _ in range(30):
            assert np.array_equal(net(data[number]).asnumpy(), expected[number])

    on_threads(predict)


def test_eight_threads_bind_one_symbol_and_share_its_parameters():
    net = small_network()
    net.hybridize()
    output = net(mx.sym.Variable("data"))
    arrays = {name: parameter.data() for name, parameter in net.collect_params().items()}
    auxiliary = {name: arrays.pop(name) for name in output.list_auxiliary_states()}
    data = [mx.nd.array(np.random.RandomState(n).rand(2, 1, 8, 8)) for n in range(THREADS)]
    expected = [net(x).asnumpy() for x in data]

    def predict(number):
        executor = output.bind(mx.cpu(), {**arrays, "data": data[number]}, aux_states=auxiliary, grad_req="null")
        for _ in range(20):
            assert np.array_equal(executor.forward()[0].asnumpy(), expected[number])

    on_threads(predict)


@pytest.mark.skipif(mx._core.engine_configuration()[0] != "threaded", reason="a task waits for this thread")
@pytest.mark.parametrize("kind", ["executor", "block"])
def test_what_is_dropped_while_it_is_queued_behind_a_python_task(kind):
    """Dropping it must not wait: the task needs the interpreter that the dropping thread holds."""
    program = f"""
import gemel as mx, time
x = mx.nd.ones((600, 600))
mx.engine.push(lambda: time.sleep(0.1), writes=[x])
if {kind!r} == "executor":
    owner = mx.sym.dot(mx.sym.Variable("x"), mx.sym.Variable("x")).bind(mx.cpu(), {{"x": x}})
    y = owner.forward()[0]
else:
    owner = mx.gluon.nn.Dense(5, in_units=600)
    owner.initialize(mx.init.One())
    owner.hybridize()
    y = owner(x)
del owner
print(y.asnumpy()[0, 0])
"""
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "600.0\n", "")


def test_threads_come_and_go():
    def work(number):
        x = mx.nd.ones((50, 50)) * number
        with mx.autograd.record():
            pass
        assert (x + 1).asnumpy()[0, 0] == number + 1

    for _ in range(10):
        on_threads(work)
    gc.collect()
    mx.nd.waitall()
