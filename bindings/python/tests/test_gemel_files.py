"""The one-file reader against files that MXNet 1.9.1 wrote, whole and damaged."""
import importlib.util
import json
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / "tests/data"
SOURCE = ROOT / "bindings/python/gemel_files.py"
_spec = importlib.util.spec_from_file_location("gemel_files", SOURCE)
files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(files)


def test_params_of_every_version():
    named = files.read_params(DATA / "params/dict.params")
    assert list(named) == ["arg:weight", "aux:mean", "é"]
    assert named["arg:weight"].shape == (2, 2) and named["arg:weight"][0, 1] == -2
    dtypes = files.read_params(DATA / "params/dtypes.nd")
    assert [str(a.dtype) for a in dtypes] == ["float32", "float64", "float16", "uint8", "int32", "int8", "int64",
                                              "bool", "float32"]
    assert all(a.ravel()[5] == (1 if a.dtype == bool else 100) for a in dtypes)
    for old in ("v1.nd", "oldest.nd"):
        assert files.read_params(DATA / "params" / old)[0].tolist() == [1.5, -2]
    assert files.read_params(DATA / "params/empty.nd") == []
    assert files.read_params(DATA / "params/zero_size.nd")[0].shape == (3, 0)
    scalar = files.read_params(DATA / "params/np_shape.nd")[1]
    assert scalar.shape == () and scalar == 4
    assert files.read_array((DATA / "params/one_array.bin").read_bytes()) is not None


def test_sparse_params():
    arrays = files.read_params(DATA / "params/sparse.nd")
    csr, rows = arrays["csr"], arrays["row_sparse"]
    assert csr.stype == "csr" and csr.indptr.tolist() == [0, 1, 3, 3, 4]
    assert csr.todense().tolist() == [[0, 1, 0], [2, 0, 3], [0, 0, 0], [4, 0, 0]]
    assert rows.todense().tolist() == [[0, 0], [1, 2], [0, 0], [3, 4], [0, 0]] and rows.dtype == np.float64
    assert arrays["empty"].todense().tolist() == [[0] * 3] * 2 and arrays["dense"].tolist() == [1, 2]


# Beside the symbols lie the values that MXNet computed with them.
SYMBOLS = [path for path in sorted((DATA / "symbol").glob("*.json")) if ".values." not in path.name]


def test_symbols():
    mlp = files.read_symbol(DATA / "symbol/mlp.json")
    assert mlp.version == 10901 and mlp.arguments[0] == "data" and mlp.outputs == ["softmax_output"]
    assert {node["op"] for node in mlp.nodes} > {"null", "FullyConnected"}
    norm = files.read_symbol(DATA / "symbol/batch_norm_shared.json")
    assert norm.auxiliary == ["mm", "b1_moving_var", "b2_moving_var"]
    assert not set(norm.auxiliary) & set(norm.arguments)
    for path in SYMBOLS:
        assert files.read_symbol(path).outputs


def test_symbols_of_the_first_form():
    text = json.dumps({"nodes": [
        {"op": "null", "param": {}, "name": "data", "inputs": [], "backward_source_id": -1},
        {"op": "BatchNorm", "param": {"eps": "1e-3"}, "name": "bn", "attr": {"ctx_group": "a"},
         "inputs": [[0, 0]], "backward_source_id": -1}], "arg_nodes": [0], "heads": [[1, 0]]})
    graph = files.read_symbol(text)
    assert graph.version == 800 and graph.arguments == ["data"] and graph.auxiliary == []
    assert graph.nodes[1]["attrs"] == {"eps": "1e-3", "ctx_group": "a"} and graph.outputs == ["bn_output"]


MAGIC = struct.pack("<I", 0xCED7230A)
RECORDS = [b"first", b"", b"abcd" + MAGIC + b"efgh", MAGIC, b"x" + MAGIC + b"yz"]


def test_records():
    with files.RecordFile(DATA / "records/images.rec") as records:
        headers, payloads = zip(*map(files.unpack, records))
        assert list(payloads) == [*RECORDS, b"labels"]
        assert [header.id for header in headers] == list(range(6)) and headers[3].label == 3
        assert headers[5].flag == 3 and headers[5].label.tolist() == [1, 2, 3] and headers[5].id2 == 7
        assert records.keys() == list(range(6)) and len(records) == 6
        for key in (4, 0, 5, 2):
            assert files.unpack(records[key])[1] == payloads[key]


def test_optimizer_states():
    states = files.read_states(DATA / "states/sgd.states")
    assert set(states) == {0, "fc_weight"}
    np.testing.assert_allclose(states[0], [-0.05, -0.05], rtol=1e-6)
    half = files.read_states(DATA / "states/sgd_half.states")
    momentum, master = half[0]
    assert {momentum.dtype.name, master.dtype.name} == {"float32"} and master.shape == (2,)
    assert files.read_states(DATA / "states/sgd_plain.states") == {0: None, "fc_weight": None}
    adam, optimizer = files.read_states(DATA / "states/adam_with_optimizer.states")
    assert [array.shape for array in adam[0]] == [(2,), (2,)]
    assert type(optimizer).__name__ == "Adam" and optimizer.attributes["beta1"] == 0.9
    assert optimizer.attributes["lr_scheduler"].attributes["factor"] == 0.5


class Attack:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("call", [(os.system, ("true",)), (eval, ("1",)), (bytearray, (10**13,)), (getattr, ("a", "b")),
                                  (np.zeros, (3,)), (open, ("x", "w")), (subprocess.Popen, ("true",))])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_is_executed(call, protocol):
    with pytest.raises(files.FileError):
        files.read_states(pickle.dumps({0: Attack(*call)}, protocol))


def read(path, data):
    """Reads damaged content; returns whether it still was a file."""
    try:
        if path.suffix == ".json":
            files.read_symbol(data.decode("latin1") if data[:1] == b"{" else data)
        elif path.suffix == ".states":
            files.read_states(data)
        elif path.suffix == ".bin":
            files.read_array(data)
        else:
            files.read_params(data)
    except files.FileError:
        return False
    return True


WHOLE = [path for folder in ("params", "states") for path in sorted((DATA / folder).iterdir())] + SYMBOLS


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.name)
def test_damaged_files_are_errors(path):
    whole = path.read_bytes()
    assert read(path, whole)
    if path.suffix != ".json":
        assert not any(read(path, whole[:length]) for length in range(len(whole)))
    chance = random.Random(path.name)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice([0, 0xFF, 0x80, chance.randrange(256)])
        read(path, bytes(data))
    for bit in range(0, len(whole) * 8, 1 if len(whole) < 600 else 7):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        read(path, bytes(data))


def test_damaged_records_are_errors(tmp_path):
    whole = (DATA / "records/images.rec").read_bytes()
    path = tmp_path / "a.rec"

    def survive(data):
        path.write_bytes(data)
        with files.RecordFile(path) as records:
            try:
                return [files.unpack(record) for record in records]
            except files.FileError as error:
                assert "byte" in str(error)
    for length in range(len(whole) - 1):
        survive(whole[:length])
    for bit in range(0, len(whole) * 8, 3):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        survive(bytes(data))
    (tmp_path / "a.idx").write_text("0\tx\n")
    with pytest.raises(files.FileError, match="line 1"):
        files.RecordFile(path)


def test_damaged_records_are_skipped_and_parts_hold_all(tmp_path):
    magic = struct.pack("<I", files.RECORD_MAGIC)
    content = b"".join(magic + struct.pack("<I", size) + bytes([size % 251]) * size + b"\0" * (-size % 4)
                       for size in range(0, 70000, 613))
    path = tmp_path / "a.rec"
    path.write_bytes(content)
    with files.RecordFile(path) as records:
        whole = list(records)
    for parts in (1, 2, 5, 400):
        joined = []
        for part in range(parts):
            with files.RecordFile(path, num_parts=parts, part_index=part) as records:
                joined += records
        assert joined == whole
    damaged = bytearray(content)
    for number in (3, 4, 50):
        damaged[sum(8 + (size + 3) // 4 * 4 for size in range(0, 613 * number, 613))] ^= 1
    path.write_bytes(damaged + b"more")
    with files.RecordFile(path, skip_damaged=True) as records:
        assert list(records) == [record for number, record in enumerate(whole) if number not in (3, 4, 50)]
        assert records.damaged == 3  # two beside each other are one place; what follows the last record
    with pytest.raises(ValueError, match="part_index"):
        files.RecordFile(path, num_parts=2, part_index=2)


def test_a_length_is_checked_before_memory_is_taken():
    blob = struct.pack("<IiiqqiiI", 0xF993FAC9, 0, 2, 2**40, 2**40, 1, 0, 0)
    with pytest.raises(files.FileError, match="are left"):
        files.read_array(blob)


def test_conversion(tmp_path):
    npz, safe = tmp_path / "a.npz", tmp_path / "a.safetensors"
    assert files.main(["convert", str(DATA / "params/sparse.nd"), str(npz)]) == 0
    assert files.main(["convert", str(DATA / "params/dict.params"), str(safe)]) == 0
    assert np.load(npz)["csr"].tolist() == [[0, 1, 0], [2, 0, 3], [0, 0, 0], [4, 0, 0]]
    raw = safe.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    expected = files.read_params(DATA / "params/dict.params")
    assert list(header) == list(expected) and size % 8 == 0
    begin, end = header["arg:weight"]["data_offsets"]
    values = np.frombuffer(raw[8 + size:][begin:end], "<f4").reshape(header["arg:weight"]["shape"])
    np.testing.assert_array_equal(values, expected["arg:weight"])
    assert header["aux:mean"]["dtype"] == "I64" and header["é"]["dtype"] == "F16"


def test_the_command_line_needs_numpy_only(tmp_path):
    alone = tmp_path / "gemel_files.py"
    alone.write_text(SOURCE.read_text())
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import gemel_files; " \
           "sys.exit(gemel_files.main(sys.argv[1:]) or any(m.startswith(('gemel.', 'mxnet')) for m in sys.modules))"
    paths = [DATA / "params/sparse.nd", DATA / "symbol/mlp.json", DATA / "records/images.rec",
             DATA / "states/adam_with_optimizer.states"]
    done = subprocess.run([sys.executable, "-S", "-c", "import site; site.main(); " + code, "info", *map(str, paths)],
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("csr: <SparseArray csr (4, 3)", "outputs: softmax_output", "6 records", "<Adam"):
        assert text in done.stdout
    broken = tmp_path / "broken.params"
    broken.write_bytes((DATA / "params/dict.params").read_bytes()[:50])
    done = subprocess.run([sys.executable, str(alone), "info", str(broken)], capture_output=True, text=True)
    assert done.returncode == 1 and "truncated" in done.stderr and "Traceback" not in done.stderr
