"""The `gemel` command: predict, info, env."""

import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

import gemel as mx
from gemel import commands
from gemel.commands import images
from gemel.image import codec


def png(pixels, method=0, color=None):
    """A PNG file whose lines are all stored with one filter method (0 to 4)."""
    height, width = pixels.shape[:2]
    step = 1 if pixels.ndim == 2 else pixels.shape[2]
    lines = pixels.reshape(height, width * step).astype(int)
    left = np.pad(lines, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(lines, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    estimate = left + up - corner
    distances = np.stack([abs(estimate - left), abs(estimate - up), abs(estimate - corner)])
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    guess = [0 * lines, left, up, (left + up) // 2, paeth][method]
    packed = (
        np.pad((lines - guess) & 255, ((0, 0), (1, 0)), constant_values=method)
        .astype(np.uint8)
        .tobytes()
    )

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    kind = {1: 0, 2: 4, 3: 2, 4: 6}[step] if color is None else color
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(packed))
        + chunk(b"IEND", b"")
    )


PIXELS = np.random.RandomState(0).randint(0, 256, (7, 5, 4)).astype(np.uint8)


@pytest.mark.parametrize("method", range(5))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_filters(tmp_path, method, channels):
    stored = PIXELS[:, :, 0] if channels == 1 else PIXELS[:, :, :channels]
    (tmp_path / "a.png").write_bytes(png(stored, method))
    [(name, read)] = images.read_images(tmp_path / "a.png")
    assert name.endswith("a.png")
    expected = PIXELS[:, :, :3] if channels >= 3 else PIXELS[:, :, 0]
    np.testing.assert_array_equal(read, expected)


def test_jpeg(tmp_path):
    for pixels in (np.full((7, 5, 3), 90, "uint8"), np.full((7, 5), 90, "uint8")):
        content = codec.encode(pixels if pixels.ndim == 3 else pixels[..., None], ".jpg", 95)
        (tmp_path / "a.jpg").write_bytes(content)
        [(_, read)] = images.read_images(tmp_path / "a.jpg")
        assert read.shape == pixels.shape and abs(read.astype(int) - pixels).max() <= 2


def test_pgm_ppm_npy_idx(tmp_path):
    grey, color = PIXELS[:, :, 0], PIXELS[:, :, :3]
    (tmp_path / "a.pgm").write_bytes(b"P5\n# a remark\n5 7\n255\n" + grey.tobytes())
    (tmp_path / "a.ppm").write_bytes(b"P6 5 7 255\n" + color.tobytes())
    np.save(tmp_path / "a.npy", grey)
    (tmp_path / "a-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + struct.pack(">3I", 2, 7, 5) + 2 * grey.tobytes()
    )
    for name, expected in [("a.pgm", grey), ("a.ppm", color), ("a.npy", grey)]:
        np.testing.assert_array_equal(images.read_images(tmp_path / name)[0][1], expected)
    rows = images.read_images(tmp_path / "a-idx3-ubyte")
    assert [name[-3:] for name, _ in rows] == ["[0]", "[1]"]
    np.testing.assert_array_equal(rows[1][1], grey)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        png(PIXELS)[:60],
        b"P5\n5 7\n255\nabc",
        b"P5 5",
        b"\0\0\x08\x03\0\0\0\x02",
        b"\x93NUMPY\x01",
    ],
)
def test_a_damaged_image_is_a_value_error(tmp_path, content):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match="bad"):
        images.read_images(tmp_path / "bad")


@pytest.fixture
def checkpoint(tmp_path):
    """A linear classifier of 2x2 images that names the brightest pixel, in two epochs."""
    net = mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.Variable("data")), num_hidden=4, name="fc")
    net = mx.sym.SoftmaxOutput(net, name="softmax")
    prefix = str(tmp_path / "model")
    bias = mx.nd.zeros((4,))
    mx.model.save_checkpoint(
        prefix, 3, net, {"fc_weight": mx.nd.zeros((4, 4)), "fc_bias": bias}, {}
    )
    weight = mx.nd.array(np.eye(4) / 10)
    mx.model.save_checkpoint(prefix, 12, net, {"fc_weight": weight, "fc_bias": bias}, {})
    return prefix


def brightest(index):
    pixels = np.zeros(4, np.uint8)
    pixels[index] = 200
    return pixels.reshape(2, 2)


def test_predict_takes_the_newest_epoch(checkpoint, tmp_path, capsys):
    np.save(tmp_path / "a.npy", brightest(2))
    (tmp_path / "b.png").write_bytes(png(brightest(1)))
    files = [str(tmp_path / "a.npy"), str(tmp_path / "b.png")]
    assert commands.main(["predict", checkpoint, *files]) == 0
    assert capsys.readouterr().out == f"{files[0]}\t2\t1.0000\n{files[1]}\t1\t1.0000\n"


def test_predict_with_an_epoch_and_names(checkpoint, tmp_path, capsys):
    np.save(tmp_path / "a.npy", brightest(3))
    (tmp_path / "names").write_text("zero\none\n")
    file = str(tmp_path / "a.npy")
    assert (
        commands.main(
            ["predict", checkpoint, file, "--epoch", "3", "--labels", str(tmp_path / "names")]
        )
        == 0
    )
    assert capsys.readouterr().out == f"{file}\tzero\t0.2500\n"


def test_predict_applies_softmax_to_scores(checkpoint, tmp_path, capsys):
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=4, name="fc")
    net.save(f"{checkpoint}-symbol.json")
    np.save(tmp_path / "a.npy", brightest(0))
    assert commands.main(["predict", checkpoint, str(tmp_path / "a.npy")]) == 0
    assert capsys.readouterr().out.endswith("\t0\t1.0000\n")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["predict", "{}-missing", "{}.npy"], "no file"),
        (["predict", "{}", "{}.npy"], "model.npy"),
        (["predict", "{}", "{}-symbol.json"], "expected a PNG"),
        (["predict", "{}", "{}-3x3.npy"], "3x3 pixels"),
        (["predict", "{}", "{}.npy", "--epoch", "7"], "model-0007.params"),
        (["info", "{}.none"], "model.none"),
        (["info", "{}-3x3.npy"], ""),
    ],
)
def test_bad_input_is_one_line_and_status_1(checkpoint, capsys, arguments, expected):
    np.save(f"{checkpoint}-3x3.npy", np.zeros((3, 3), np.uint8))
    assert commands.main([argument.replace("{}", checkpoint) for argument in arguments]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"gemel {arguments[0]}: error: ")
    assert output.err.count("\n") == 1 and expected in output.err


def test_info_of_parameters(checkpoint, capsys):
    assert commands.main(["info", f"{checkpoint}-0012.params"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["arg:fc_weight", "4x4", "float32", "64", "bytes"] or lines[
        1
    ].split() == ["arg:fc_weight", "4x4", "float32", "64", "bytes"]
    assert lines[-1] == "2 arrays, 20 numbers, 80 bytes"


def test_info_of_a_list(tmp_path, capsys):
    mx.nd.save(str(tmp_path / "list.params"), [mx.nd.zeros((2, 3), dtype="int32")])
    assert commands.main(["info", str(tmp_path / "list.params")]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["[0]", "2x3", "int32", "24", "bytes"]


def test_info_of_a_symbol(checkpoint, capsys):
    assert commands.main(["info", f"{checkpoint}-symbol.json"]) == 0
    output = capsys.readouterr().out
    assert "operators  3: " in output and "SoftmaxOutput 1" in output
    assert "inputs     data fc_weight fc_bias softmax_label\n" in output
    assert "outputs    softmax_output\n" in output
    assert "version    1.9.1" in output


def test_env(capsys):
    assert commands.main(["env", "--docs"]) == 0
    output = capsys.readouterr().out
    assert all(
        f"\n{title}\n" in f"\n{output}" for title in ("versions", "devices", "features", "settings")
    )
    assert mx.__version__ in output and "memory_plan" in output


def test_version_and_usage(capsys):
    with pytest.raises(SystemExit) as end:
        commands.main(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out == f"gemel {mx.__version__}\n"
    with pytest.raises(SystemExit) as end:
        commands.main([])
    assert end.value.code == 2
    assert "usage: gemel" in capsys.readouterr().err


def test_the_package_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "gemel", "env"], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and "versions" in done.stdout
