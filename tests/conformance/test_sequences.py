"""SequenceMask, SequenceLast and SequenceReverse where 1.9.1 reads or writes outside its arrays."""

import numpy as np
import pytest

import gemel as mx


def steps():
    return mx.nd.array(np.arange(12).reshape(4, 3))


def test_last_without_lengths():
    x = steps()
    x.attach_grad()
    with mx.autograd.record():
        y = mx.nd.SequenceLast(x)
    y.backward(mx.nd.array([1, 2, 3]))
    assert y.asnumpy().tolist() == [9, 10, 11]
    assert x.grad.asnumpy().tolist() == [[0, 0, 0]] * 3 + [[1, 2, 3]]


@pytest.mark.parametrize("length", [0, 5, -1])
def test_last_checks_lengths(length):
    with pytest.raises(mx.base.MXNetError, match=f"lengths of 1 to 4, got {length}"):
        lengths = mx.nd.array([1, length, 2])
        mx.nd.SequenceLast(steps(), lengths, use_sequence_length=True).wait_to_read()


def test_reverse_checks_lengths():
    with pytest.raises(mx.base.MXNetError, match="lengths of at most 4, got 5"):
        mx.nd.SequenceReverse(
            steps(), mx.nd.array([1, 5, 2]), use_sequence_length=True
        ).wait_to_read()


def test_mask_takes_any_length():
    masked = mx.nd.SequenceMask(
        steps(), mx.nd.array([-1, 9, 2]), use_sequence_length=True, value=-7
    ).asnumpy()
    assert masked[:, 0].tolist() == [-7] * 4
    assert masked[:, 1].tolist() == [1, 4, 7, 10]
    assert masked[:, 2].tolist() == [2, 5, -7, -7]


def test_lengths_need_the_flag():
    with pytest.raises(mx.base.MXNetError, match="SequenceMask"):
        mx.nd.SequenceMask(steps(), mx.nd.array([1, 2, 3]))
