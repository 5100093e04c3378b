"""c_predict_api: a checkpoint is used from C, and from several threads."""

import ctypes
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

import gemel as mx

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "data/digits"


def images(kind):
    content = (DIGITS / f"{kind}-images-idx3-ubyte").read_bytes()
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 64).astype("float32") / 255


def labels(kind):
    content = (DIGITS / f"{kind}-labels-idx1-ubyte").read_bytes()
    return np.frombuffer(content, np.uint8, offset=8).astype("float32")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """(prefix, epoch, module) of a network trained on the digits."""
    mx.random.seed(1)
    np.random.seed(1)
    hidden = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="hidden")
    scores = mx.sym.FullyConnected(mx.sym.Activation(hidden, act_type="relu"), num_hidden=10, name="scores")
    module = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name="softmax"))
    batches = mx.io.NDArrayIter(images("train"), labels("train"), batch_size=32, shuffle=True)
    module.fit(batches, num_epoch=8, optimizer="adam", optimizer_params={"learning_rate": 0.01},
               initializer=mx.init.Xavier())
    prefix = str(tmp_path_factory.mktemp("checkpoint") / "digits")
    module.save_checkpoint(prefix, 8)
    return prefix, module


def create(api, prefix, shape, name="MXPredCreate", extra=()):
    json, params = Path(f"{prefix}-symbol.json").read_bytes(), Path(f"{prefix}-0008.params").read_bytes()
    handle = ctypes.c_void_p()
    getattr(api, name)(
        json, params, len(params), 1, 0, 1, (ctypes.c_char_p * 1)(b"data"), (ctypes.c_uint32 * 2)(0, len(shape)),
        (ctypes.c_uint32 * len(shape))(*shape), *extra, ctypes.byref(handle))
    return handle


def predict(api, handle, data):
    flat = np.ascontiguousarray(data, "float32")
    api.MXPredSetInput(handle, b"data", flat.ctypes.data_as(ctypes.c_void_p), flat.size)
    api.MXPredForward(handle)
    shape, ndim = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_uint32()
    api.MXPredGetOutputShape(handle, 0, ctypes.byref(shape), ctypes.byref(ndim))
    result = np.empty([shape[i] for i in range(ndim.value)], "float32")
    api.MXPredGetOutput(handle, 0, result.ctypes.data_as(ctypes.c_void_p), result.size)
    return result


def test_c_program_predicts_digits(library_path, checkpoint, tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    prefix, module = checkpoint
    library = Path(library_path)
    program = tmp_path / "predict"
    subprocess.run(
        [compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-o", program,
         ROOT / "tests/c_api/predict.c", library, f"-Wl,-rpath,{library.parent}", "-Wl,--allow-shlib-undefined"],
        check=True)
    output = subprocess.run(
        [program, f"{prefix}-symbol.json", f"{prefix}-0008.params", DIGITS / "test-images-idx3-ubyte"],
        check=True, capture_output=True, text=True).stdout
    classes = np.array(output.split(), int)
    expected = module.predict(mx.io.NDArrayIter(images("test"), batch_size=40)).asnumpy().argmax(1)
    np.testing.assert_array_equal(classes, expected)
    assert (classes == labels("test")).mean() > 0.9


def test_partial_output_and_reshape(api, checkpoint):
    prefix, module = checkpoint
    data = images("test")[:5]
    handle = create(api, prefix, (5, 64), "MXPredCreatePartialOut",
                    (ctypes.c_uint32(1), (ctypes.c_char_p * 1)(b"hidden")))
    weights, _ = module.get_params()
    expected = data @ weights["hidden_weight"].asnumpy().T + weights["hidden_bias"].asnumpy()
    np.testing.assert_allclose(predict(api, handle, data), expected, rtol=1e-4, atol=1e-5)
    smaller = ctypes.c_void_p()
    api.MXPredReshape(1, (ctypes.c_char_p * 1)(b"data"), (ctypes.c_uint32 * 2)(0, 2), (ctypes.c_uint32 * 2)(2, 64),
                      handle, ctypes.byref(smaller))
    np.testing.assert_allclose(predict(api, smaller, data[:2]), expected[:2], rtol=1e-4, atol=1e-5)
    api.MXPredFree(handle)
    api.MXPredFree(smaller)


def test_steps(api, checkpoint):
    handle = create(api, checkpoint[0], (2, 64))
    whole = predict(api, handle, images("test")[:2])
    data = np.ascontiguousarray(images("test")[2:4])
    api.MXPredSetInput(handle, b"data", data.ctypes.data_as(ctypes.c_void_p), data.size)
    left, step = ctypes.c_int(1), 0
    while left.value:
        api.MXPredPartialForward(handle, step, ctypes.byref(left))
        step += 1
    assert step == 4
    after = np.empty((2, 10), "float32")
    api.MXPredGetOutput(handle, 0, after.ctypes.data_as(ctypes.c_void_p), after.size)
    assert np.abs(after - whole).max() > 0.01


def test_errors(api, checkpoint):
    handle = create(api, checkpoint[0], (2, 64))
    data = (ctypes.c_float * 64)()
    assert "no input 'picture'" in api.fails("MXPredSetInput", handle, b"picture", data, 64)
    assert "expected 128 elements" in api.fails("MXPredSetInput", handle, b"data", data, 64)
    assert "expected an output below 1" in api.fails("MXPredGetOutput", handle, 1, data, 20)
    assert "expected room for 20" in api.fails("MXPredGetOutput", handle, 0, data, 19)
    api.MXPredFree(handle)
    assert "freed" in api.fails("MXPredForward", handle)
    assert "damaged at byte 0" in api.fails("MXNDListCreate", b"xx", 2, ctypes.byref(ctypes.c_void_p()),
                                             ctypes.byref(ctypes.c_uint32()))


def test_predictors_of_several_threads_share_a_model(api, checkpoint):
    json = Path(f"{checkpoint[0]}-symbol.json").read_bytes()
    params = Path(f"{checkpoint[0]}-0008.params").read_bytes()
    handles = (ctypes.c_void_p * 8)()
    api.MXPredCreateMultiThread(
        json, params, len(params), 1, 0, 1, (ctypes.c_char_p * 1)(b"data"), (ctypes.c_uint32 * 2)(0, 2),
        (ctypes.c_uint32 * 2)(20, 64), 8, handles)
    data = images("test")
    results = [None] * 8

    def work(i):
        for _ in range(10):
            results[i] = predict(api, ctypes.c_void_p(handles[i]), data[20 * i:20 * i + 20])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = checkpoint[1].predict(mx.io.NDArrayIter(data[:160], batch_size=20)).asnumpy()
    np.testing.assert_array_equal(np.concatenate(results), expected)


def test_array_list(api, tmp_path):
    path = str(tmp_path / "mean.nd")
    mx.nd.save(path, {"mean_img": mx.nd.array([[1, 2], [3, 4]], dtype="int32")})
    content = Path(path).read_bytes()
    handle, length = ctypes.c_void_p(), ctypes.c_uint32()
    api.MXNDListCreate(content, len(content), ctypes.byref(handle), ctypes.byref(length))
    assert length.value == 1
    key, data = ctypes.c_char_p(), ctypes.POINTER(ctypes.c_float)()
    shape, ndim = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_uint32()
    api.MXNDListGet(handle, 0, ctypes.byref(key), ctypes.byref(data), ctypes.byref(shape), ctypes.byref(ndim))
    assert (key.value, data[:4], shape[:2], ndim.value) == (b"mean_img", [1, 2, 3, 4], [2, 2], 2)
    api.MXNDListFree(handle)
