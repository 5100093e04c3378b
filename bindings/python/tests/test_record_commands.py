"""`gemel im2rec` and `gemel rec`."""
import os

import gemel as mx
import numpy as np
import pytest
from gemel import commands, recordio
from gemel.image import codec


def picture(number, height=30, width=40):
    y, x = np.mgrid[0:height, 0:width]
    phase = np.stack([x / 9 + number, y / 7 - number, (x + y) / 11], axis=-1)
    return (128 + 100 * np.sin(phase)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            content = codec.encode(picture(3 * label + number), ".png", 3)
            (tmp_path / "images" / name / f"{number}.png").write_bytes(content)
    (tmp_path / "images" / "note.txt").write_text("no image")
    return tmp_path


def run(*arguments):
    return commands.main([str(argument) for argument in arguments])


def read(path):
    return [recordio.unpack(record) for record in iter(recordio.MXRecordIO(str(path), "r").read, None)]


def pack(folder, *options):
    assert run("im2rec", folder / "a", folder / "images", "--list", "--recursive") == 0
    assert run("im2rec", folder / "a", folder / "images", *options) == 0
    return read(folder / "a.rec")


def test_lists(folder, capsys):
    run("im2rec", folder / "a", folder / "images", "--list", "--recursive", "--no-shuffle")
    assert capsys.readouterr().out == "cat 0\ndog 1\n"
    lines = (folder / "a.lst").read_text().splitlines()
    assert lines[3] == f"3\t1.000000\t{os.path.join('dog', '0.png')}" and len(lines) == 6
    run("im2rec", folder / "b", folder / "images", "--list", "--recursive", "--train-ratio", "0.5",
        "--test-ratio", "0.25")
    sizes = {part: len((folder / f"b_{part}.lst").read_text().splitlines())
             for part in ("train", "test", "val")}
    assert sizes == {"train": 3, "test": 1, "val": 2}
    run("im2rec", folder / "c", folder / "images", "--list", "--recursive", "--chunks", "2")
    keys = [line.split("\t")[0] for chunk in (0, 1)
            for line in (folder / f"c_{chunk}.lst").read_text().splitlines()]
    assert sorted(keys) == list("012345")
    assert run("im2rec", folder / "d", folder / "images", "--list", "--exts", ".tif") == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_records(folder, threads):
    records = pack(folder, "--encoding", ".png", "--quality", "3", "--num-thread", threads)
    assert sorted(header.id for header, _ in records) == list(range(6))
    for header, content in records:
        assert header.label == header.id // 3
        np.testing.assert_array_equal(codec.decode(content).asnumpy(), picture(header.id))
    keys = [line.split("\t")[0] for line in (folder / "a.lst").read_text().splitlines()]
    assert [line.split("\t")[0] for line in (folder / "a.idx").read_text().splitlines()] == keys
    batch = mx.io.ImageRecordIter(path_imgrec=str(folder / "a.rec"), data_shape=(3, 30, 40),
                                  batch_size=6, verbose=False).next()
    assert batch.index.tolist() == [int(key) for key in keys]


def test_options(folder):
    content = pack(folder, "--resize", "15", "--center-crop")[0][1]
    assert codec.decode(content).shape == (15, 15, 3) and content[:3] == b"\xff\xd8\xff"
    assert codec.is_gray(pack(folder, "--color", "0")[0][1])
    header, content = pack(folder, "--pass-through")[0]
    name = {int(line.split("\t")[0]): line.split("\t")[2].strip() for line in open(folder / "a.lst")}
    assert content == (folder / "images" / name[header.id]).read_bytes()
    (folder / "a.lst").write_text("7\t1.5\t2.5\tcat/0.png\n")
    run("im2rec", folder / "a", folder / "images", "--pack-label")
    assert read(folder / "a.rec")[0][0].label.tolist() == [1.5, 2.5]


def test_images_that_cannot_be_read_are_left_out(folder, capsys):
    (folder / "images" / "cat" / "1.png").write_bytes(b"no image")
    run("im2rec", folder / "a", folder / "images", "--list", "--recursive")
    assert run("im2rec", folder / "a", folder / "images") == 1
    assert len(read(folder / "a.rec")) == 5
    assert "cat/1.png: left out" in "".join(capsys.readouterr())
    (folder / "a.lst").write_text("x\t1\tcat/0.png\n")
    assert run("im2rec", folder / "a", folder / "images") == 1
    assert "a.lst, line 1" in capsys.readouterr().err


def test_rec_info_and_verify(folder, capsys):
    pack(folder, "--pass-through")
    capsys.readouterr()
    path = folder / "a.rec"
    assert run("rec", "info", path) == 0
    text = capsys.readouterr().out
    assert "records  6:" in text and "images   6 png" in text
    assert "labels   1 in 6 records, 2 different" in text
    assert run("info", path) == 0 and capsys.readouterr().out == text
    assert run("rec", "verify", path) == 0
    assert "6 records, 0 damaged places, 0 damaged images" in capsys.readouterr().out
    index = recordio.MXIndexedRecordIO(str(folder / "a.idx"), str(path), "r")
    places = sorted(index.idx.values())
    content = bytearray(path.read_bytes())
    content[places[1]] ^= 1
    content[places[3] + 120] ^= 1
    path.write_bytes(content)
    assert run("rec", "verify", path) == 1
    assert "5 records, 1 damaged places, 1 damaged images" in capsys.readouterr().out
    run("rec", "info", path)
    assert "damaged  1 places" in capsys.readouterr().out


def test_rec_split_shuffle_extract(folder, capsys):
    records = pack(folder, "--pass-through")
    run("rec", "split", folder / "a.rec", "2")
    halves = [read(folder / f"a_{part}.rec") for part in (0, 1)]
    assert [one[1] for half in halves for one in half] == [one[1] for one in records]
    assert halves[0] and halves[1] and (folder / "a_1.idx").exists()
    run("rec", "shuffle", folder / "a.rec", folder / "s.rec", "--seed", "1")
    mixed = [header.id for header, _ in read(folder / "s.rec")]
    assert sorted(mixed) == list(range(6)) and mixed != [header.id for header, _ in records]
    capsys.readouterr()
    run("rec", "extract", folder / "a.rec", folder / "out")
    assert capsys.readouterr().out == "6 records\n"
    assert (folder / "out" / "00000002.png").read_bytes() == records[2][1]
    lines = (folder / "out" / "images.lst").read_text().splitlines()
    assert lines[2] == f"{records[2][0].id}\t{records[2][0].label:f}\t00000002.png"
    assert run("rec", "split", folder / "a.rec", "0") == 1
