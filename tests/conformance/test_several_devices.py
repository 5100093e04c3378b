"""Arrays on several CPU devices: each keeps its context."""
import pytest

import gemel as mx

nd = mx.nd


def test_the_context_is_kept():
    array = nd.zeros((2, 3), ctx=mx.cpu(1))
    assert array.context == mx.cpu(1) and array.ctx.device_id == 1
    for derived in (array + 1, array[0], array.reshape((6,)), array.T, array.copy(), nd.exp(array), array[[0, 1]]):
        assert derived.context == mx.cpu(1)
    assert nd.array([1], ctx=mx.cpu(3)).context == mx.cpu(3)
    with mx.Context("cpu", 2):
        assert nd.ones((2,)).context == mx.cpu(2)
        assert nd.array([1]).context == mx.cpu(2)
        assert nd.random.uniform(shape=(2,)).context == mx.cpu(2)


def test_copies_between_contexts():
    array = nd.array([1, 2, 3])
    moved = array.as_in_context(mx.cpu(1))
    assert moved.context == mx.cpu(1) and moved is not array
    assert moved.as_in_context(mx.cpu(1)) is moved
    moved += 1
    assert array.asnumpy().tolist() == [1, 2, 3]
    target = nd.zeros((3,), ctx=mx.cpu(0))
    assert moved.copyto(target) is target
    assert target.asnumpy().tolist() == [2, 3, 4] and target.context == mx.cpu(0)
    assert moved.copyto(mx.cpu(2)).context == mx.cpu(2)
    target[:] = moved
    target[0:1] = moved[2:]
    assert target.asnumpy().tolist() == [4, 3, 4]


def test_arrays_of_several_cpus_may_meet():
    a, b = nd.ones((2,), ctx=mx.cpu(1)), nd.ones((2,))
    assert (a + b).context == mx.cpu(1)
    assert nd.concat(b, a, dim=0).context == mx.cpu(0)


def test_gradients_stay_where_their_variables_are():
    array = nd.array([1, 2], ctx=mx.cpu(1))
    array.attach_grad()
    with mx.autograd.record():
        loss = (array * array).sum()
    loss.backward()
    assert array.grad.context == mx.cpu(1)
    assert array.grad.asnumpy().tolist() == [2, 4]


def test_files_say_the_first_cpu(tmp_path):
    nd.save(str(tmp_path / "a.nd"), {"a": nd.ones((2,), ctx=mx.cpu(1))})
    assert nd.load(str(tmp_path / "a.nd"))["a"].context == mx.cpu(0)


def test_a_device_that_is_not_there():
    with pytest.raises(mx.MXNetError):
        nd.zeros((2,), ctx=mx.gpu(7)).wait_to_read()
