"""Record files of more than 4 GiB. They are holes for the most part, which take no room on the disk."""
import io
import struct
from contextlib import redirect_stdout

import numpy as np
import pytest

import gemel as mx
import gemel_files
from gemel import commands, recordio

pytestmark = pytest.mark.slow

MAGIC = 0xCED7230A
LONGEST = (1 << 29) - 1  # bytes of a record without parts
WHOLE, HOLE, SMALL = 8, 64 << 20, 40


def small(number):
    """The content of a small record, an image without damage."""
    image = np.full((8, 9, 3), number, "uint8")
    return recordio.pack_img(recordio.IRHeader(0, float(number), number, 0), image, img_fmt=".png")


def put(file, content):
    """Append a record; the place where it begins."""
    place = file.tell()
    file.write(struct.pack("<II", MAGIC, len(content)) + content + b"\0" * (-len(content) % 4))
    return place


@pytest.fixture(scope="module", name="large")
def make_large(tmp_path_factory):
    """Eight records of zeros with 4 GiB, forty small ones, a hole, and as many small ones again."""
    path = tmp_path_factory.mktemp("large") / "large.rec"
    with open(path, "wb") as file:
        for number in range(WHOLE):
            file.seek(number * (LONGEST + 1 + 8))
            file.write(struct.pack("<II", MAGIC, LONGEST))
        file.seek(WHOLE * (LONGEST + 1 + 8))
        places = [put(file, small(number)) for number in range(SMALL)]
        damage = file.tell()
        file.seek(HOLE, 1)
        places += [put(file, small(number)) for number in range(SMALL, 2 * SMALL)]
    assert path.stat().st_blocks * 512 < 2 << 20 and places[0] > 1 << 32
    path.with_suffix(".idx").write_text("".join(f"{i}\t{at}\n" for i, at in enumerate(places)))
    return path, places, damage


def test_records_are_found_by_key(large):
    path, places, _ = large
    with recordio.MXIndexedRecordIO(path.with_suffix(".idx"), path, "r") as reader:
        assert reader.idx[5] == places[5]
        for key in (0, SMALL - 1, 2 * SMALL - 1, 3):
            assert reader.read_idx(key) == small(key)
        assert reader.read() == small(4)
    with gemel_files.RecordFile(str(path)) as reader:
        assert reader[2 * SMALL - 1] == small(2 * SMALL - 1)


def test_damage_is_named_and_skipped(large):
    path, places, damage = large
    reader = mx._core.RecordReader(str(path))
    reader.seek(places[SMALL - 1])
    assert reader.read() == small(SMALL - 1) and reader.tell() == damage
    with pytest.raises(mx.MXNetError, match=f"damaged at byte {damage}"):
        reader.read()
    reader = mx._core.RecordReader(str(path), skip_damaged=True)
    reader.seek(places[SMALL - 2])
    found = list(iter(reader.read, None))
    assert found == [small(number) for number in range(SMALL - 2, 2 * SMALL)]
    assert (reader.damaged, reader.skipped_bytes) == (1, HOLE)


def test_parts_hold_every_record_once(large):
    """The last of many parts, which begin inside of a long record and behind it."""
    path, _, _ = large
    count, found, by_one_file = 60, [], []
    for part in (58, 59):
        found += iter(mx._core.RecordReader(str(path), True, count, part).read, None)
        by_one_file += gemel_files.RecordFile(str(path), skip_damaged=True, num_parts=count,
                                              part_index=part)
    assert found == [small(number) for number in range(2 * SMALL)] == by_one_file


def test_iterators_read_them(large):
    path, _, _ = large
    batches = mx.io.ImageRecordIter(
        path_imgrec=str(path), path_imgidx=str(path.with_suffix(".idx")), data_shape=(3, 8, 9),
        batch_size=16, shuffle=True, verbose=False)
    labels = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    assert sorted(labels) == list(range(2 * SMALL))
    parts = mx.io.ImageRecordIter(
        path_imgrec=str(path), data_shape=(3, 8, 9), batch_size=16, on_damage="skip",
        num_parts=60, part_index=59, verbose=False)
    batch = parts.next()
    np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 0, 0, 0], batch.label[0].asnumpy())


def test_commands(tmp_path):
    """A file whose first 4 GiB are a hole: what `gemel rec` says of it."""
    path = tmp_path / "hole.rec"
    with open(path, "wb") as file:
        file.seek((1 << 32) + 4)
        for number in range(3):
            put(file, small(number))
    told = io.StringIO()
    for action in ("info", "verify"):
        with redirect_stdout(told):
            commands.main(["rec", action, str(path)])
    assert "records  3:" in told.getvalue()
    assert f"damaged  1 places, {(1 << 32) + 4:,} bytes" in told.getvalue()
    assert "3 records, 1 damaged places, 0 damaged images" in told.getvalue()
