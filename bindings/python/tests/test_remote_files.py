"""Files of http:// and s3://: read by pieces, tried again, signed; and what goes wrong."""
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest
from gemel import recordio
from gemel.gluon import data as gdata

sys.path.insert(0, str(Path(__file__).parent / "servers"))
import file_server  # noqa: E402

pytestmark = pytest.mark.skipif(not mx._core.has_remote_files(), reason="a build without libcurl")


@pytest.fixture(name="files")
def _files(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with file_server.serve() as files:
        yield files


@pytest.fixture(name="settings", autouse=True)
def _settings():
    """Sets settings until the test ends."""
    names = ("http_timeout", "http_attempts")
    before = {name: mx.runtime.get_setting(name) for name in names}
    yield mx.runtime.set_setting
    for name, value in before.items():
        mx.runtime.set_setting(name, value)


def write(tmp_path, count=300, size=2000):
    path = tmp_path / "a.rec"
    with recordio.MXIndexedRecordIO(tmp_path / "a.idx", path, "w") as writer:
        for number in range(count):
            image = np.full((12, 12, 3), number % 256, np.uint8)
            content = recordio.pack_img((0, float(number), number, 0), image, img_fmt=".png")
            writer.write_idx(number, content + bytes(size - len(content)))
    return path.read_bytes(), (tmp_path / "a.idx").read_bytes()


def test_records_are_read_by_pieces(files, tmp_path):
    records, index = write(tmp_path)
    files.content = {"/a.rec": records, "/a.idx": index}
    local = list(iter(recordio.MXRecordIO(str(tmp_path / "a.rec"), "r").read, None))
    reader = recordio.MXRecordIO(files.url("a.rec"), "r")
    assert list(iter(reader.read, None)) == local
    spans = [span for _, span in files.requests]
    assert spans[0] == "bytes=0-65535" and 2 < len(spans) < 8  # pieces grow as reading goes on
    reader.reset()
    assert reader.read() == local[0]
    indexed = recordio.MXIndexedRecordIO(files.url("a.idx"), files.url("a.rec"), "r")
    files.requests.clear()
    for key in (250, 3, 120):
        assert indexed.read_idx(key) == local[key]
    assert all(int(b) - int(a) < 1 << 17 for a, b in
               (span[6:].split("-") for _, span in files.requests))
    dataset = gdata.RecordFileDataset(files.url("a.rec"))
    assert len(dataset) == 300 and dataset[17] == local[17]


def test_iterators_read_them(files, tmp_path):
    records, index = write(tmp_path, 40)
    files.content = {"/a.rec": records, "/a.idx": index, "/a.csv": b"1,2\n3,4\n", "/b.csv": b"5\n6\n"}
    batches = mx.io.ImageRecordIter(
        path_imgrec=files.url("a.rec"), path_imgidx=files.url("a.idx"), data_shape=(3, 12, 12),
        batch_size=10, shuffle=True, seed=1, verbose=False)
    seen = np.concatenate([batch.label[0].asnumpy() for batch in batches])
    assert sorted(seen) == list(range(40)) and list(seen) != list(range(40))
    rows = mx.io.CSVIter(data_csv=files.url("a.csv"), data_shape=(2,), label_csv=files.url("b.csv"),
                         batch_size=2).next()
    np.testing.assert_array_equal(rows.data[0].asnumpy(), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(rows.label[0].asnumpy(), [5, 6])
    mx.nd.save(str(tmp_path / "x.params"), {"x": mx.nd.arange(5)})
    files.content["/x.params"] = (tmp_path / "x.params").read_bytes()
    np.testing.assert_array_equal(mx.nd.load(files.url("x.params"))["x"].asnumpy(), np.arange(5))


def test_checkpoints(files, tmp_path):
    """Symbols and parameters, alone and as `load_checkpoint` and `SymbolBlock.imports` read them."""
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    params = {"fc_weight": mx.nd.ones((2, 3)), "fc_bias": mx.nd.zeros(2)}
    mx.model.save_checkpoint(str(tmp_path / "net"), 3, net, params, {})
    for name in ("net-symbol.json", "net-0003.params"):
        files.content[f"/{name}"] = (tmp_path / name).read_bytes()
    assert mx.sym.load(files.url("net-symbol.json")).tojson() == net.tojson()
    symbol, arguments, _ = mx.model.load_checkpoint(files.url("net"), 3)
    assert symbol.list_arguments() == net.list_arguments()
    np.testing.assert_array_equal(arguments["fc_weight"].asnumpy(), np.ones((2, 3)))
    block = mx.gluon.SymbolBlock.imports(files.url("net-symbol.json"), ["data"],
                                         files.url("net-0003.params"))
    np.testing.assert_array_equal(block(mx.nd.ones((1, 3))).asnumpy(), [[3, 3]])
    with pytest.raises(mx.MXNetError, match="none.json: the server replied 404"):
        mx.sym.load(files.url("none.json"))


def test_images_and_lists(files, tmp_path):
    """What `imread` and the iterators over single images and boxes open."""
    pictures = np.random.RandomState(0).randint(0, 256, (4, 20, 24, 3)).astype("uint8")
    lines = []
    for number, picture in enumerate(pictures):
        content = mx.image.codec.encode(picture, ".png", 3)
        files.content[f"/images/{number}.png"] = content
        (tmp_path / f"{number}.png").write_bytes(content)
        lines.append(f"{number}\t2\t5\t{number}\t0.1\t0.2\t0.8\t0.9\t{number}.png\n")
    files.content["/boxes.lst"] = "".join(lines).encode()
    files.content["/one.lst"] = "".join(f"{n}\t{n}\t{n}.png\n" for n in range(4)).encode()
    np.testing.assert_array_equal(mx.image.imread(files.url("images/2.png")).asnumpy(), pictures[2])
    local = mx.image.imread(f"file://{tmp_path}/1.png")
    np.testing.assert_array_equal(local.asnumpy(), pictures[1])
    with pytest.raises(mx.MXNetError, match="none.png: the server replied 404"):
        mx.image.imread(files.url("images/none.png"))
    one = mx.image.ImageIter(2, (3, 20, 24), path_imglist=files.url("one.lst"),
                             path_root=files.url("images"))
    batch = one.next()
    np.testing.assert_array_equal(batch.data[0].asnumpy().transpose(0, 2, 3, 1), pictures[:2])
    boxes = mx.image.ImageDetIter(2, (3, 20, 24), path_imglist=files.url("boxes.lst"),
                                  path_root=files.url("images"))
    assert boxes.next().label[0].asnumpy()[1, 0, 0] == 1


def test_a_server_without_ranges_sends_all_at_once(files, tmp_path):
    files.content["/a.rec"], _ = write(tmp_path)
    files.ranges = False
    reader = recordio.MXRecordIO(files.url("a.rec"), "r")
    assert len(list(iter(reader.read, None))) == 300
    assert len(files.requests) == 1


def test_an_empty_file(files):
    files.content["/empty.rec"] = b""
    assert recordio.MXRecordIO(files.url("empty.rec"), "r").read() is None


@pytest.mark.parametrize("failure", [503, 429, 500, "cut"])
def test_what_may_pass_is_tried_again(files, tmp_path, failure):
    files.content["/a.rec"], _ = write(tmp_path, 3)
    files.failures = [failure, failure]
    reader = recordio.MXRecordIO(files.url("a.rec"), "r")
    assert len(list(iter(reader.read, None))) == 3
    assert len(files.requests) == 3


def test_a_stalled_server_is_left(files, tmp_path, settings):
    files.content["/a.rec"], _ = write(tmp_path, 3)
    settings("http_timeout", 1)
    files.failures = ["stall"]
    reader = recordio.MXRecordIO(files.url("a.rec"), "r")
    assert len(list(iter(reader.read, None))) == 3
    assert len(files.requests) == 2


def test_failures_are_named(files, settings):
    with pytest.raises(mx.MXNetError, match="none.rec: the server replied 404"):
        recordio.MXRecordIO(files.url("none.rec"), "r")
    assert len(files.requests) == 1
    settings("http_attempts", 2)
    files.failures = [503] * 9
    with pytest.raises(mx.MXNetError, match="after 2 attempts: the server replied 503"):
        recordio.MXRecordIO(files.url("a.rec"), "r")
    with pytest.raises(mx.MXNetError, match="127.0.0.1"):
        recordio.MXRecordIO("http://127.0.0.1:9/a.rec", "r")
    with pytest.raises(mx.MXNetError, match="http_attempts: expected a whole number from 1"):
        settings("http_attempts", 0)
    with pytest.raises(mx.MXNetError, match="s3://"):
        recordio.MXRecordIO("s3://bucket/a.rec", "w")


def test_a_file_that_changes_is_an_error(files, tmp_path):
    records, _ = write(tmp_path)
    files.content["/a.rec"] = records
    reader = recordio.MXRecordIO(files.url("a.rec"), "r")
    reader.read()
    files.content["/a.rec"] = records[:-4] + b"else"
    with pytest.raises(mx.MXNetError, match="changed while it was read"):
        list(iter(reader.read, None))


@pytest.fixture(name="store")
def _store(files, monkeypatch, tmp_path):
    files.signed = True
    files.content["/bucket/some folder/a+b.rec"], _ = write(tmp_path, 200)
    for name, value in (("S3_ACCESS_KEY_ID", file_server.KEY), ("S3_SECRET_ACCESS_KEY", file_server.SECRET),
                        ("S3_REGION", file_server.REGION), ("S3_ENDPOINT", files.address)):
        monkeypatch.delenv(name.replace("S3_", "AWS_"), raising=False)
        monkeypatch.setenv(name, value)
    return files


def test_s3_requests_are_signed(store, monkeypatch):
    path = "s3://bucket/some folder/a+b.rec"
    assert len(list(iter(recordio.MXRecordIO(path, "r").read, None))) == 200
    store.token = "temporary/token=="
    with pytest.raises(mx.MXNetError, match="replied 403.*SignatureDoesNotMatch"):
        recordio.MXRecordIO(path, "r")
    monkeypatch.setenv("AWS_SESSION_TOKEN", store.token)
    assert recordio.MXRecordIO(path, "r").read() is not None
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(mx.MXNetError, match="replied 403"):
        recordio.MXRecordIO(path, "r")


def test_s3_accounts(store, monkeypatch):
    monkeypatch.delenv("S3_ACCESS_KEY_ID")
    with pytest.raises(mx.MXNetError, match="S3_SECRET_ACCESS_KEY"):
        recordio.MXRecordIO("s3://bucket/a.rec", "r")
    monkeypatch.delenv("S3_SECRET_ACCESS_KEY")
    store.signed = False
    store.content["/public/a.rec"] = store.content["/bucket/some folder/a+b.rec"]
    assert recordio.MXRecordIO("s3://public/a.rec", "r").read() is not None
    for path in ("s3://bucket", "s3://bucket/", "s3:///key"):
        with pytest.raises(mx.MXNetError, match="expected s3://bucket/key"):
            recordio.MXRecordIO(path, "r")
