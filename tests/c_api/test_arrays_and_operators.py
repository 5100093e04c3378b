"""Arrays, imperative calls and autograd through the C ABI."""

import ctypes
from pathlib import Path

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


def information(api, operator):
    """(name, the parameter that counts inputs, {argument: type})."""
    name, text, count = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_uint32()
    lists = [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    variadic, returned = ctypes.c_char_p(), ctypes.c_char_p()
    api.MXSymbolGetAtomicSymbolInfo(
        api.operator(operator), ctypes.byref(name), ctypes.byref(text), ctypes.byref(count),
        *map(ctypes.byref, lists), ctypes.byref(variadic), ctypes.byref(returned))
    types = {lists[0][i].decode(): lists[1][i].decode() for i in range(count.value)}
    return name.value.decode(), variadic.value.decode(), types


def describe(api, operator):
    return information(api, operator)[2]


def is_unavailable(api, operator):
    text = ctypes.c_char_p()
    api.MXSymbolGetAtomicSymbolInfo(api.operator(operator), None, ctypes.byref(text), *[None] * 6)
    return text.value == b"Not available yet."


def test_operator_description(api):
    name, _, convolution = information(api, "Convolution")
    assert name == "Convolution"
    assert convolution["data"] == convolution["weight"] == "NDArray-or-Symbol"
    assert convolution["kernel"] == "Shape(tuple), required"
    assert convolution["no_bias"] == "boolean, optional, default=0"
    _, variadic, concat = information(api, "Concat")
    assert (variadic, concat["data"]) == ("num_args", "NDArray-or-Symbol[]")
    assert list(describe(api, "RNN"))[:5] == ["data", "parameters", "state", "state_cell", "sequence_length"]
    assert describe(api, "BatchNorm")["momentum"] == "float, optional, default=0.899999976"


# What 1.9.1 describes by hand-written parsers, with types that only its own front end reads, or with
# another name of the input than its symbols have.
DESCRIBED_OTHERWISE = {"smooth_l1", "add_n", "Custom", "_cond", "_foreach", "_while_loop", "_histogram",
                       "BatchNorm_v1", "IdentityAttachKLSparseReg", "_linspace", "_set_value",
                       "_CrossDeviceCopy", "_cvimresize", "_cvcopyMakeBorder"}


def test_descriptions_are_those_of_1_9_1(api):
    """Names of all inputs and parameters, in order, and the texts of the types but for choices."""
    table = (Path(__file__).parents[1] / "ops/reference_operators.tsv").read_text().splitlines()
    available = {name for name in api.listed("MXListAllOpNames")}
    wrong, compared = [], 0
    for line in table[1:]:
        row = dict(zip(table[0].split("\t"), line.split("\t")))
        name = row["canonical_name"]
        if name.startswith("_backward") or name not in available or is_unavailable(api, name):
            continue
        inputs = [item.strip().split(":")[0] for item in row["declared_inputs"].split(",")]
        parameters = dict(item.split(" = ", 1) for item in row["params (name = type string incl default)"].split(" | ")
                          if " = " in item)
        found = describe(api, name)
        own = {key: kind for key, kind in found.items() if not kind.startswith("NDArray")}
        missing = [key for key in parameters if key not in own]
        types = [key for key, kind in parameters.items() if "{" not in kind and own.get(key) != kind]
        if "<variadic" not in row["declared_inputs"] and [key for key in found if key not in own] != [
                key for key in inputs if key]:
            wrong.append((name, "inputs", [key for key in found if key not in own]))
        if missing or types:
            wrong.append((name, missing, types))
        compared += 1
    assert compared > 150
    different = {name for name, *_ in wrong} - DESCRIBED_OTHERWISE
    assert not different, [item for item in wrong if item[0] in different]


def test_unavailable_operator_is_listed_and_refused(api):
    names = api.listed("MXListAllOpNames")
    assert "_np_sum" in names
    count, outputs = ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
    message = api.fails("MXImperativeInvoke", api.operator("_contrib_DeformableConvolution"), 0, None,
                        ctypes.byref(count), ctypes.byref(outputs), 0, None, None)
    assert "not available in this version" in message
