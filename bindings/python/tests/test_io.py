"""NDArrayIter: batches, padding, rolling over, names, as MXNet 1.9.1 gives them."""
import gemel as mx
import numpy as np
import pytest

DATA = np.arange(14).reshape(7, 2).astype("float64")
LABEL = np.arange(7)


def firsts(iterator):
    return [(batch.label[0].asnumpy().tolist(), batch.pad) for batch in iterator]


def epochs(iterator, count):
    result = []
    for _ in range(count):
        result.append(firsts(iterator))
        iterator.reset()
    return result


def test_pad():
    iterator = mx.io.NDArrayIter(DATA, LABEL, 3)
    epoch = [([0, 1, 2], 0), ([3, 4, 5], 0), ([6, 0, 1], 2)]
    assert epochs(iterator, 2) == [epoch, epoch]
    batch = next(iterator)
    assert batch.data[0].asnumpy().tolist() == [[0, 1], [2, 3], [4, 5]]
    assert batch.data[0].dtype == np.float32


def test_discard():
    iterator = mx.io.NDArrayIter(DATA, LABEL, 3, last_batch_handle="discard")
    assert epochs(iterator, 1) == [[([0, 1, 2], 0), ([3, 4, 5], 0)]]


def test_roll_over():
    iterator = mx.io.NDArrayIter(DATA, LABEL, 3, last_batch_handle="roll_over")
    assert epochs(iterator, 3) == [
        [([0, 1, 2], 0), ([3, 4, 5], 0)],
        [([6, 0, 1], 1), ([2, 3, 4], 0)],
        [([5, 6, 0], 2), ([1, 2, 3], 0), ([4, 5, 6], 0)]]
    iterator.hard_reset()
    assert firsts(iterator)[0] == ([0, 1, 2], 0)


def test_shuffle_draws_with_numpy():
    np.random.seed(0)
    iterator = mx.io.NDArrayIter(DATA, LABEL, 3, shuffle=True)
    assert epochs(iterator, 2) == [
        [([6, 2, 1], 0), ([3, 0, 5], 0), ([4, 6, 2], 2)],
        [([1, 4, 0], 0), ([3, 6, 2], 0), ([5, 1, 4], 2)]]


def test_batch_larger_than_data_goes_around():
    iterator = mx.io.NDArrayIter(DATA, LABEL, 16)
    (labels, pad), = firsts(iterator)
    assert labels == (list(range(7)) * 3)[:16] and pad == 9


def test_names_and_descriptions():
    iterator = mx.io.NDArrayIter({"b": DATA, "a": DATA}, {"l": LABEL}, 3)
    assert iterator.provide_data == [("a", (3, 2)), ("b", (3, 2))]
    assert iterator.provide_label == [("l", (3,))]
    iterator = mx.io.NDArrayIter([DATA, DATA], LABEL, 3)
    assert [one.name for one in iterator.provide_data] == ["_0_data", "_1_data"]
    assert iterator.provide_label[0].name == "softmax_label"
    assert mx.io.NDArrayIter(DATA, None, 3).provide_label == []
    with pytest.raises(TypeError):
        mx.io.NDArrayIter("no data")


def test_data_desc_and_batch():
    description = mx.io.DataDesc("data", (2, 3))
    assert repr(description) == "DataDesc[data,(2, 3),<class 'numpy.float32'>,NCHW]"
    assert description == ("data", (2, 3))
    assert mx.io.DataDesc.get_batch_axis("TNC") == 1
    batch = mx.io.DataBatch([mx.nd.ones((2, 3))], [mx.nd.ones((2,))])
    assert str(batch) == "DataBatch: data shapes: [(2, 3)] label shapes: [(2,)]"
    with pytest.raises(AssertionError, match="must be list"):
        mx.io.DataBatch(mx.nd.ones((2, 3)))


def test_resize_and_prefetch():
    resized = mx.io.ResizeIter(mx.io.NDArrayIter(DATA, LABEL, 3), 5)
    assert [labels[0] for labels, _ in firsts(resized)] == [0, 3, 6, 0, 3]
    prefetched = mx.io.PrefetchingIter(mx.io.NDArrayIter(DATA, LABEL, 3))
    assert epochs(prefetched, 2) == epochs(mx.io.NDArrayIter(DATA, LABEL, 3), 2)
