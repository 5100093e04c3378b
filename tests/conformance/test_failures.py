"""What goes wrong after the call returned: the reader gets an exception that says what happened."""

import gc
import weakref

import pytest

import gemel as mx


def poisoned(text):
    def fail():
        raise ValueError(text)

    array = mx.nd.ones((3, 3))
    mx.engine.push(fail, writes=[array])
    return array


def test_shape_errors_come_at_the_call():
    with pytest.raises(mx.base.MXNetError) as caught:
        mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((4, 5)))
    message = str(caught.value)
    assert "dot" in message and "3" in message and "4" in message


def test_an_index_out_of_range_reaches_the_reader():
    rows = mx.nd.take(mx.nd.ones((4, 2)), mx.nd.array([1, 9]), mode="raise")
    with pytest.raises((mx.base.MXNetError, IndexError)):
        rows.asnumpy()
    assert mx.nd.ones((2,)).asnumpy().tolist() == [1, 1]
    mx.nd.waitall()  # the reader has it already


def test_waitall_reports_a_failure_that_nobody_read_once():
    rows = mx.nd.take(mx.nd.ones((4, 2)), mx.nd.array([1, 9]), mode="raise")
    with pytest.raises(IndexError, match="index 9"):
        mx.nd.waitall()
    mx.nd.waitall()
    with pytest.raises(IndexError, match="index 9"):
        rows.asnumpy()


def test_an_executor_reports_a_poisoned_input():
    a = poisoned("broken input")
    executor = mx.sym.exp(mx.sym.var("a")).bind(mx.cpu(), {"a": a})
    outputs = executor.forward()
    with pytest.raises(Exception, match="broken input"):
        outputs[0].asnumpy()
    a[:] = 0
    assert executor.forward()[0].asnumpy()[0, 0] == 1


def test_backward_reports_a_poisoned_input():
    x = poisoned("broken value")
    x.attach_grad()
    with mx.autograd.record():
        y = (x * x).sum()
    y.backward()
    with pytest.raises(Exception, match="broken value"):
        x.grad.asnumpy()


def test_saving_a_poisoned_array(tmp_path):
    path = tmp_path / "a.params"
    mx.nd.save(str(path), [mx.nd.zeros((2,))])
    before = path.read_bytes()
    with pytest.raises(Exception, match="cannot be saved"):
        mx.nd.save(str(path), [poisoned("cannot be saved")])
    assert path.read_bytes() == before


def test_a_shape_error_inside_an_executor_names_the_node():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="the_layer")
    with pytest.raises(Exception) as caught:
        net.bind(mx.cpu(), [mx.nd.ones((2, 3)), mx.nd.ones((4, 7)), mx.nd.ones((4,))]).forward()
    assert "the_layer" in str(caught.value) or "FullyConnected" in str(caught.value)


def test_memory_that_is_not_there():
    with pytest.raises((MemoryError, mx.base.MXNetError)):
        mx.nd.zeros((1 << 40, 1 << 10)).wait_to_read()
    assert mx.nd.ones((2,)).asnumpy().tolist() == [1, 1]


def test_a_raised_failure_leaves_nothing_behind():
    class Marker:
        pass

    def planted():
        raise RuntimeError("planted")

    def once():
        marker = Marker()
        tag = mx.engine.tag()
        mx.engine.push(planted, writes=[tag])
        with pytest.raises(RuntimeError, match="planted") as caught:
            tag.wait_to_read()
        assert any(entry.name == "planted" for entry in caught.traceback)
        return weakref.ref(marker)

    seen = once()
    gc.collect()
    assert seen() is None
