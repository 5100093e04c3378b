"""`mx.recordio`: bytes of the files, keys, pickles, forks, damage, headers of images."""
import hashlib
import multiprocessing
import os
import pickle
import random
import struct

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.recordio import IRHeader, MXIndexedRecordIO, MXRecordIO

MAGIC = struct.pack("<I", 0xCED7230A)


def payloads():
    generator = random.Random(6)
    result = [b"", b"a", b"abcd", MAGIC, MAGIC * 2, b"x" + MAGIC, b"abcd" + MAGIC + b"ef"]
    for number in range(100):
        content = bytearray(generator.randbytes(generator.randrange(400)))
        for _ in range(number % 4):
            place = generator.randrange(len(content) + 1)
            content[place:place + 4] = MAGIC
        result.append(bytes(content))
    return result


@pytest.fixture
def paths(tmp_path):
    return str(tmp_path / "a.idx"), str(tmp_path / "a.rec")


def write(paths, records):
    with MXIndexedRecordIO(*paths, "w") as writer:
        for number, record in enumerate(records):
            writer.write_idx(number * 3, record)


def read_all(reader):
    return list(iter(reader.read, None))


def test_files_are_those_of_the_original(paths):
    write(paths, payloads())
    digests = [hashlib.sha256(open(path, "rb").read()).hexdigest() for path in paths]
    assert digests == ["ebc2a71856e7c7e7f0b2486ddfe6a6a0bd45881bf47c0f19a4c490268586296d", "b10d9c0eec75a52720f0cfe1f3c2db1c400e71e33860e7cb6cdf4d9b01958851"]


def test_records_in_order_and_by_key(paths):
    write(paths, payloads())
    assert read_all(MXRecordIO(paths[1], "r")) == payloads()
    reader = MXIndexedRecordIO(*paths, "r")
    assert reader.keys == [3 * i for i in range(len(payloads()))]
    assert reader.idx[3] == 8
    for key in reversed(reader.keys):
        assert reader.read_idx(key) == payloads()[key // 3]
    reader.seek(6)
    assert [reader.read(), reader.read()] == payloads()[2:4]
    reader.reset()
    assert reader.read() == b""
    with pytest.raises(KeyError):
        reader.read_idx(1)


def test_keys_of_another_type(paths):
    with MXIndexedRecordIO(*paths, "w", key_type=str) as writer:
        writer.write_idx("k1", b"abc")
    assert open(paths[0], encoding="utf-8").read() == "k1\t0\n"
    assert MXIndexedRecordIO(*paths, "r", key_type=str).read_idx("k1") == b"abc"


def test_what_does_not_fit_the_flag(paths):
    with pytest.raises(ValueError, match="Invalid flag x"):
        MXRecordIO(paths[1], "x")
    with pytest.raises(mx.MXNetError, match="a.rec"):
        MXRecordIO(paths[1], "r")
    writer = MXIndexedRecordIO(*paths, "w")
    for call in (writer.read, lambda: writer.seek(0), lambda: writer.read_idx(0)):
        with pytest.raises(AssertionError):
            call()
    with pytest.raises(TypeError):
        writer.write("text")
    writer.close()
    with pytest.raises(RuntimeError):
        writer.write(b"closed")
    reader = MXIndexedRecordIO(*paths, "r")
    for call in (lambda: reader.write(b""), reader.tell, lambda: reader.write_idx(0, b"")):
        with pytest.raises(AssertionError):
            call()


def test_file_appears_when_it_is_closed(paths):
    write(paths, [b"old"])
    writer = MXIndexedRecordIO(*paths, "w")
    writer.write_idx(7, b"new")
    assert MXIndexedRecordIO(*paths, "r").read_idx(0) == b"old"
    writer.close()
    assert MXIndexedRecordIO(*paths, "r").read_idx(7) == b"new"
    assert sorted(os.listdir(os.path.dirname(paths[0]))) == ["a.idx", "a.rec"]


def test_pickle(paths):
    write(paths, payloads())
    reader = MXIndexedRecordIO(*paths, "r")
    reader.read_idx(9)
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.read() == b"" and copy.read_idx(6) == b"abcd"
    assert reader.read() == payloads()[4]  # where it was
    reader.close()
    assert not pickle.loads(pickle.dumps(reader)).is_open


def _in_child(reader, writer, results):
    def outcome(call):
        try:
            return call()
        except RuntimeError as error:
            return str(error)
    results.put([outcome(reader.read), outcome(lambda: reader.read_idx(6)), outcome(reader.read),
                 outcome(lambda: writer.write(b"from the child"))])
    writer.close()


def test_fork(paths, tmp_path):
    write(paths, payloads())
    reader = MXIndexedRecordIO(*paths, "r")
    writer = MXRecordIO(str(tmp_path / "b.rec"), "w")
    writer.write(b"one")
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_in_child, args=(reader, writer, results))
    child.start()
    forbidden = "Forbidden operation in multiple processes"
    assert results.get(timeout=30) == [forbidden, b"abcd", MAGIC, forbidden]
    child.join(30)
    assert child.exitcode == 0
    writer.write(b"two")
    writer.close()
    assert read_all(MXRecordIO(str(tmp_path / "b.rec"), "r")) == [b"one", b"two"]


def test_damage(paths):
    write(paths, [b"first", b"second", b"third"])
    content = bytearray(open(paths[1], "rb").read())
    content[16] ^= 1
    with open(paths[1], "wb") as file:
        file.write(content)
    reader = MXRecordIO(paths[1], "r")
    assert reader.read() == b"first"
    with pytest.raises(mx.MXNetError, match="a.rec: truncated or damaged at byte 16"):
        reader.read()
    assert reader.read() is None
    reader = MXRecordIO(paths[1], "r", skip_damaged=True)
    assert read_all(reader) == [b"first", b"third"]
    assert reader.damaged == 1


@pytest.mark.parametrize("line", ["1", "x\t0", "1\ty"])
def test_damaged_index(paths, line):
    write(paths, [b"first"])
    with open(paths[0], "a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(mx.MXNetError, match="a.idx, line 2"):
        MXIndexedRecordIO(*paths, "r")


@pytest.mark.parametrize("label, packed", [
    (1, "000000000000803f"), (1.5, "000000000000c03f"), (np.float32(3), "0000000000004040"),
    ([4, 5], "0200000000000000"), ((1,), "0100000000000000"), (np.arange(3.0), "0300000000000000")])
def test_headers(label, packed):
    record = recordio.pack(IRHeader(9, label, 7, 8), b"rest")
    assert record[:8].hex() == packed
    header, rest = recordio.unpack(record)
    assert (header.id, header.id2, rest) == (7, 8, b"rest")
    np.testing.assert_array_equal(header.label, np.asarray(label, np.float32))
    assert header.flag == (0 if np.ndim(label) == 0 else len(label))
    assert header.flag == 0 or header.label.dtype == np.float32


def test_headers_that_are_too_short():
    with pytest.raises(struct.error):
        recordio.unpack(b"short")
    with pytest.raises(ValueError):
        recordio.unpack(struct.pack("<IfQQ", 5, 0, 1, 1) + b"1234")
    with pytest.raises(struct.error):
        recordio.pack(IRHeader(0, 1.0, -1, 0), b"")
