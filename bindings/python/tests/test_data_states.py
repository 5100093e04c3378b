"""`state_dict` and `load_state_dict`: batches after a resumption are those of the run that went on."""
import json
import random

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.gluon.data import ArrayDataset, DataLoader


def seed(number):
    random.seed(number)
    np.random.seed(number)


def values(batch):
    return [one.asnumpy() for one in (*batch.data, *batch.label)] if hasattr(batch, "data") \
        else [one.asnumpy() for one in (batch if isinstance(batch, list) else [batch])]


def take(iterator, count):
    """Batches over the ends of epochs."""
    result = []
    while len(result) < count:
        for batch in iterator:
            result.append(values(batch))
            if len(result) == count:
                break
        else:
            if hasattr(iterator, "reset"):
                iterator.reset()
    return result


def check(make, before, after=9):
    """A second iterator that takes the first one's state gives what the first gives."""
    seed(1)
    first = make()
    take(first, before)
    state = first.state_dict()
    expected = take(first, after)
    seed(99)
    second = make()
    second.load_state_dict(state)
    for batch, same in zip(expected, take(second, after)):
        for one, other in zip(batch, same):
            np.testing.assert_array_equal(one, other)
    return state


DATA, LABEL = np.arange(46, dtype=np.float32).reshape(23, 2), np.arange(23, dtype=np.float32)


@pytest.mark.parametrize("last", ["pad", "discard", "roll_over"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("before", [0, 2, 5, 8])
def test_arrays(last, shuffle, before):
    check(lambda: mx.io.NDArrayIter(DATA, LABEL, 5, shuffle, last), before)


def test_iterators_around_others():
    def arrays():
        return mx.io.NDArrayIter(DATA, LABEL, 5, shuffle=True)
    check(lambda: mx.io.ResizeIter(arrays(), 3), 4)
    check(lambda: mx.io.PrefetchingIter(arrays()), 3)
    check(lambda: mx.io.PrefetchingIter([arrays()]), 6)


def test_files(tmp_path):
    (tmp_path / "a.csv").write_text("".join(f"{i},{i + 1}\n" for i in range(11)))
    (tmp_path / "a.svm").write_text("".join(f"{i} 0:{i} 2:{i + 1}\n" for i in range(11)))
    check(lambda: mx.io.CSVIter(data_csv=str(tmp_path / "a.csv"), data_shape=(2,), batch_size=3), 5)
    check(lambda: mx.io.LibSVMIter(data_libsvm=str(tmp_path / "a.svm"), data_shape=(3,),
                                   batch_size=3), 5)


@pytest.fixture(name="records")
def _records(tmp_path):
    path = str(tmp_path / "a")
    with recordio.MXIndexedRecordIO(path + ".idx", path + ".rec", "w") as writer:
        for number in range(11):
            image = np.random.RandomState(number).randint(0, 255, (30, 40, 3), dtype=np.uint8)
            label = [2, 5, number, .1, .2, .5, .6]
            writer.write_idx(number, recordio.pack_img((0, label, number, 0), image,
                                                       img_fmt=".png"))
    return path


@pytest.mark.parametrize("last", ["pad", "discard", "roll_over"])
@pytest.mark.parametrize("before", [1, 3, 6])
def test_images(records, last, before):
    def make(index=True):
        return mx.image.ImageDetIter(
            3, (3, 16, 16), path_imgrec=records + ".rec", last_batch_handle=last, rand_crop=.5,
            path_imgidx=records + ".idx" if index else None, shuffle=index, rand_mirror=True,
            brightness=.2, pca_noise=.1)
    check(make, before, 5)
    check(lambda: make(index=False), before, 5)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("before", [0, 2, 5])
def test_image_records(records, threads, before):
    state = check(lambda: mx.io.ImageRecordIter(
        path_imgrec=records + ".rec", data_shape=(3, 16, 16), batch_size=3, label_width=7,
        shuffle=True, rand_crop=True, rand_mirror=True, brightness=.3, seed=4, verbose=False,
        preprocess_threads=threads), before)
    assert json.loads(json.dumps(state)) == state


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"num_workers": 2, "thread_pool": True}])
@pytest.mark.parametrize("before", [0, 3, 7])
def test_loader(options, before):
    def make():
        return DataLoader(ArrayDataset(DATA, LABEL), 5, shuffle=True, **options)
    seed(1)
    first = make()
    taken = take(first, before % 5)
    rest = iter(first)
    taken += [values(next(rest)) for _ in range(2)]
    state = json.loads(json.dumps(first.state_dict()))
    expected = [values(batch) for batch in rest]
    following = take(first, 5)
    seed(99)
    second = make()
    second.load_state_dict(state)
    resumed = [values(batch) for batch in second]
    assert len(resumed) == len(expected) == 3
    for batch, same in zip(expected + following, resumed + take(second, 5)):
        for one, other in zip(batch, same):
            np.testing.assert_array_equal(one, other)


def test_iterators_of_another_kind_say_so():
    class Own(mx.io.DataIter):
        def next(self):
            raise StopIteration
    with pytest.raises(NotImplementedError, match="Own does not know its state"):
        Own().state_dict()
    iterator = mx.io.NDArrayIter(DATA, None, 5)
    state = iterator.state_dict()
    assert state == {"cursor": -5, "rolled": None}
