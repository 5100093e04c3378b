"""Arrays, imperative calls and autograd through the C ABI."""

import ctypes

import numpy as np


def test_version(api):
    version = ctypes.c_int()
    api.MXGetVersion(ctypes.byref(version))
    assert version.value == 10901


def test_imperative_call(api):
    a, b = api.array([1, 2, 3]), api.array([10, 20, 30])
    (total,) = api.invoke("elemwise_add", [a, b])
    assert api.values(total) == [11, 22, 33]
    (scaled,) = api.invoke("_mul_scalar", [total], scalar=2)
    assert api.values(scaled) == [22, 44, 66]
    for handle in (a, b, total, scaled):
        api.MXNDArrayFree(handle)


def test_call_into_given_arrays(api):
    a, target = api.array([1, 2]), api.array([0, 0])
    count, outputs = ctypes.c_int(1), (ctypes.c_void_p * 1)(target.value)
    address = ctypes.cast(outputs, ctypes.POINTER(ctypes.c_void_p))
    api.MXImperativeInvoke(api.operator("exp"), 1, (ctypes.c_void_p * 1)(a.value), ctypes.byref(count),
                           ctypes.byref(address), 0, None, None)
    np.testing.assert_allclose(api.values(target), np.exp([1, 2]), rtol=1e-6)


def test_call_into_an_empty_array(api):
    a, empty = api.array([1, 2]), ctypes.c_void_p()
    api.MXNDArrayCreateNone(ctypes.byref(empty))
    storage = ctypes.c_int()
    api.MXNDArrayGetStorageType(empty, ctypes.byref(storage))
    assert storage.value == -1
    count, outputs = ctypes.c_int(1), (ctypes.c_void_p * 1)(empty.value)
    address = ctypes.cast(outputs, ctypes.POINTER(ctypes.c_void_p))
    api.MXImperativeInvoke(api.operator("square"), 1, (ctypes.c_void_p * 1)(a.value), ctypes.byref(count),
                           ctypes.byref(address), 0, None, None)
    assert api.values(empty) == [1, 4]


def test_errors_of_calls(api):
    a = api.array([1, 2])

    def fails(operator, inputs, keys=(), values=()):
        count, outputs = ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
        return api.fails("MXImperativeInvoke", operator, len(inputs), (ctypes.c_void_p * 4)(*inputs),
                         ctypes.byref(count), ctypes.byref(outputs), len(keys),
                         (ctypes.c_char_p * 4)(*keys), (ctypes.c_char_p * 4)(*values))

    assert "expected 2 inputs" in fails(api.operator("elemwise_add"), [a.value])
    assert "got null" in fails(api.operator("exp"), [None])
    assert "nonsense" in fails(api.operator("Activation"), [a.value], [b"act_type"], [b"nonsense"])
    assert "expected an operator handle, got null" in fails(None, [a.value])
    assert "exq" in api.fails("NNGetOpHandle", b"exq", ctypes.byref(ctypes.c_void_p()))


def test_views(api):
    a = api.array([0, 1, 2, 3, 4, 5])
    part, element, matrix = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    api.MXNDArraySlice(a, 1, 4, ctypes.byref(part))
    api.MXNDArrayAt(part, 2, ctypes.byref(element))
    api.MXNDArrayReshape64(a, 2, (ctypes.c_int64 * 2)(2, -1), False, ctypes.byref(matrix))
    assert api.values(part) == [1, 2, 3]
    assert api.values(element) == [3]
    ndim, axes = ctypes.c_int(), ctypes.POINTER(ctypes.c_int64)()
    api.MXNDArrayGetShapeEx64(matrix, ctypes.byref(ndim), ctypes.byref(axes))
    assert [axes[i] for i in range(ndim.value)] == [2, 3]
    assert "inside the first axis" in api.fails("MXNDArraySlice", a, 2, 9, ctypes.byref(part))
    assert "inside the first axis" in api.fails("MXNDArrayAt", a, 6, ctypes.byref(part))
    assert "expected 6 elements" in api.fails("MXNDArraySyncCopyFromCPU", a, (ctypes.c_float * 5)(),
                                             ctypes.c_size_t(5))


def test_bytes_round_trip(api):
    a, back = api.array([1, 2, 3]), ctypes.c_void_p()
    size, data = ctypes.c_size_t(), ctypes.c_void_p()
    api.MXNDArraySaveRawBytes(a, ctypes.byref(size), ctypes.byref(data))
    content = ctypes.string_at(data, size.value)
    assert content[:4] == b"\xc9\xfa\x93\xf9"
    api.MXNDArrayLoadFromRawBytes(content, ctypes.c_size_t(len(content)), ctypes.byref(back))
    assert api.values(back) == [1, 2, 3]
    api.fails("MXNDArrayLoadFromRawBytes", content, ctypes.c_size_t(9), ctypes.byref(back))


def test_files(api, tmp_path):
    path = str(tmp_path / "a.params").encode()
    arrays = [api.array([1]), api.array([2, 3])]
    api.MXNDArraySave(path, 2, (ctypes.c_void_p * 2)(*[a.value for a in arrays]),
                      (ctypes.c_char_p * 2)(b"one", b"two"))
    size, names_size = ctypes.c_uint32(), ctypes.c_uint32()
    loaded, names = ctypes.POINTER(ctypes.c_void_p)(), ctypes.POINTER(ctypes.c_char_p)()
    api.MXNDArrayLoad(path, ctypes.byref(size), ctypes.byref(loaded), ctypes.byref(names_size),
                      ctypes.byref(names))
    assert {names[i]: api.values(ctypes.c_void_p(loaded[i])) for i in range(size.value)} == {
        b"one": [1], b"two": [2, 3]}
    message = api.fails("MXNDArrayLoad", b"/nowhere/x", ctypes.byref(size), ctypes.byref(loaded),
                        ctypes.byref(names_size), ctypes.byref(names))
    assert "/nowhere/x" in message


def test_gradient(api):
    x, gradient = api.array([1, 2, 3]), api.array([0, 0, 0])
    state = ctypes.c_int()
    api.MXAutogradMarkVariables(1, (ctypes.c_void_p * 1)(x.value), (ctypes.c_uint32 * 1)(1),
                                (ctypes.c_void_p * 1)(gradient.value))
    api.MXNDArrayGetGradState(x, ctypes.byref(state))
    assert state.value == 0
    previous = ctypes.c_int()
    api.MXAutogradSetIsRecording(1, ctypes.byref(previous))
    assert previous.value == 0
    (y,) = api.invoke("square", [x])
    api.MXAutogradSetIsRecording(0, ctypes.byref(previous))
    assert previous.value == 1
    api.MXAutogradBackward(1, (ctypes.c_void_p * 1)(y.value), None, 0)
    assert api.values(gradient) == [2, 4, 6]
    api.MXNDArrayGetGradState(x, ctypes.byref(state))
    assert state.value == 1
    api.MXNDArraySetGradState(x, 0)
    api.MXNDArrayGetGradState(x, ctypes.byref(state))
    assert state.value == 0
    found = ctypes.c_void_p()
    api.MXNDArrayGetGrad(x, ctypes.byref(found))
    assert api.values(found) == [2, 4, 6]


def test_operator_description(api):
    name, text, count = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_uint32()
    lists = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    variadic, returned = ctypes.c_char_p(), ctypes.c_char_p()

    def describe(operator):
        api.MXSymbolGetAtomicSymbolInfo(
            api.operator(operator), ctypes.byref(name), ctypes.byref(text), ctypes.byref(count),
            *map(ctypes.byref, lists), ctypes.byref(variadic), ctypes.byref(returned))
        return {lists[0][i].decode(): lists[1][i].decode() for i in range(count.value)}

    convolution = describe("Convolution")
    assert name.value == b"Convolution"
    assert convolution["data"] == convolution["weight"] == "NDArray-or-Symbol"
    assert convolution["kernel"] == "Shape(tuple), required"
    assert convolution["no_bias"] == "boolean, optional, default=0"
    assert describe("Concat")["data"] == "NDArray-or-Symbol[]"
    assert variadic.value == b"num_args"
    assert describe("BatchNorm")["momentum"] == "float, optional, default=0.899999976"


def test_unavailable_operator_is_listed_and_refused(api):
    names = api.listed("MXListAllOpNames")
    assert "_np_sum" in names
    count, outputs = ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
    message = api.fails("MXImperativeInvoke", api.operator("_contrib_DeformableConvolution"), 0, None,
                        ctypes.byref(count), ctypes.byref(outputs), 0, None, None)
    assert "not available in this version" in message
