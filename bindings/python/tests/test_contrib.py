"""TensorBoard event files and the data loader as an iterator."""
import struct
from types import SimpleNamespace

import gemel as mx
import numpy as np
import pytest


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of a protocol buffer; bytes, integers or raw 4 or 8 bytes."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        else:
            size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else read_varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def events(path):
    data = path.read_bytes()
    at = 0
    while at < len(data):
        size, = struct.unpack_from("<Q", data, at)
        yield dict(fields(data[at + 12:at + 12 + size]))
        at += 16 + size


def summaries(folder):
    file, = folder.iterdir()
    assert file.name.startswith("events.out.tfevents.")
    first, *rest = events(file)
    assert first[3] == b"brain.Event:2"
    for event in rest:
        value = dict(fields(dict(fields(event[5]))[1]))
        yield value.pop(1).decode(), event.get(2), value


def test_checksum_of_a_known_text():
    from gemel.contrib import event_file
    # 0xE3069283 is the published CRC-32C of these digits; TFRecord rotates it and adds a constant.
    crc = 0xE3069283
    assert event_file._masked_crc(b"123456789") == \
        ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_scalars_of_a_metric(tmp_path):
    callback = mx.contrib.tensorboard.LogMetricsCallback(str(tmp_path), prefix="train")
    metric = mx.metric.create(["acc", "ce"])
    metric.update([mx.nd.array([0, 1])], [mx.nd.array([[.5, .5], [.25, .75]])])
    for _ in range(2):
        callback(SimpleNamespace(eval_metric=metric))
    callback(SimpleNamespace(eval_metric=None))
    found = [(name, step, struct.unpack("<f", value[2])[0])
             for name, step, value in summaries(tmp_path)]
    entropy = -(np.log(.5) + np.log(.75)) / 2
    assert found == [("train-accuracy", 1, 1.), ("train-cross-entropy", 1, pytest.approx(entropy)),
                     ("train-accuracy", 2, 1.), ("train-cross-entropy", 2, pytest.approx(entropy))]


def test_histogram(tmp_path):
    with mx.contrib.tensorboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_histogram("weight", mx.nd.arange(10), global_step=7, bins=5)
        writer.add_scalar("rate", mx.nd.array([.25]))
        with pytest.raises(ValueError, match="at least one value"):
            writer.add_histogram("nothing", np.zeros(0))
    (name, step, value), (_, _, rate) = summaries(tmp_path)
    histogram = dict(fields(value[5]))
    numbers = [struct.unpack("<d", histogram[i])[0] for i in range(1, 6)]
    assert (name, step, numbers) == ("weight", 7, [0, 9, 10, 45, 285])
    assert np.frombuffer(histogram[6]).tolist() == pytest.approx([1.8, 3.6, 5.4, 7.2, 9])
    assert np.frombuffer(histogram[7]).tolist() == [2, 2, 2, 2, 2]
    assert struct.unpack("<f", rate[2])[0] == .25


def test_two_writers_in_one_second(tmp_path):
    for _ in range(2):
        mx.contrib.tensorboard.SummaryWriter(str(tmp_path)).close()
    assert len(list(tmp_path.iterdir())) == 2


def test_loader_as_iterator():
    from gemel.gluon.data import ArrayDataset, DataLoader
    dataset = ArrayDataset(np.arange(10, dtype="float32").reshape(5, 2), np.arange(5))
    iterator = mx.contrib.io.DataLoaderIter(DataLoader(dataset, batch_size=2))
    assert iterator.provide_data == [("data", (2, 2))]
    for _ in range(2):
        batches = list(iterator)
        assert [batch.pad for batch in batches] == [0, 0, 1]
        assert batches[2].data[0].asnumpy().tolist() == [[8, 9], [0, 0]]
        assert batches[1].label[0].asnumpy().tolist() == [2, 3]
        iterator.reset()


def test_unknown_names():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mx.contrib.nothing
