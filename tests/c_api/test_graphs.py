"""Symbols, executors and cached ops through the C ABI."""

import ctypes

import numpy as np
import pytest


def pointer():
    return ctypes.c_void_p()


@pytest.fixture
def network(api):
    """relu(x . weight^T + bias) with two outputs of 3 features, made as a binding makes it."""
    x, dense, out = pointer(), pointer(), pointer()
    api.MXSymbolCreateVariable(b"x", ctypes.byref(x))
    api.MXSymbolCreateAtomicSymbol(api.operator("FullyConnected"), 1, (ctypes.c_char_p * 1)(b"num_hidden"),
                                   (ctypes.c_char_p * 1)(b"3"), ctypes.byref(dense))
    api.MXSymbolCompose(dense, b"fc", 1, (ctypes.c_char_p * 1)(b"data"), (ctypes.c_void_p * 1)(x.value))
    api.MXSymbolCreateAtomicSymbol(api.operator("Activation"), 1, (ctypes.c_char_p * 1)(b"act_type"),
                                   (ctypes.c_char_p * 1)(b"relu"), ctypes.byref(out))
    api.MXSymbolCompose(out, b"act", 1, None, (ctypes.c_void_p * 1)(dense.value))
    return out


def text(api, name, *arguments):
    value = ctypes.c_char_p()
    getattr(api, name)(*arguments, ctypes.byref(value))
    return value.value.decode()


def attribute(api, symbol, key):
    value, success = ctypes.c_char_p(), ctypes.c_int()
    api.MXSymbolGetAttr(symbol, key, ctypes.byref(value), ctypes.byref(success))
    return value.value if success.value else None


def test_lists(api, network):
    assert api.listed("MXSymbolListArguments", network) == ["x", "fc_weight", "fc_bias"]
    assert api.listed("MXSymbolListOutputs", network) == ["act_output"]
    assert api.listed("MXSymbolListAuxiliaryStates", network) == []
    assert api.listed("NNSymbolListInputNames", network, 0) == ["x", "fc_weight", "fc_bias"]
    internals, inner, children = pointer(), pointer(), pointer()
    api.MXSymbolGetInternals(network, ctypes.byref(internals))
    assert api.listed("MXSymbolListOutputs", internals) == ["x", "fc_weight", "fc_bias", "fc_output", "act_output"]
    api.MXSymbolGetOutput(internals, 3, ctypes.byref(inner))
    assert api.listed("MXSymbolListOutputs", inner) == ["fc_output"]
    api.MXSymbolGetChildren(inner, ctypes.byref(children))
    assert api.listed("MXSymbolListOutputs", children) == ["x", "fc_weight", "fc_bias"]
    assert "out of range" in api.fails("MXSymbolGetOutput", internals, 9, ctypes.byref(inner))


def test_attributes(api, network):
    assert attribute(api, network, b"act_type") == b"relu"
    assert attribute(api, network, b"nothing") is None
    api.MXSymbolSetAttr(network, b"__mood__", b"good")
    assert attribute(api, network, b"__mood__") == b"good"
    size, pairs = ctypes.c_uint32(), ctypes.POINTER(ctypes.c_char_p)()
    api.MXSymbolListAttr(network, ctypes.byref(size), ctypes.byref(pairs))
    found = {pairs[2 * i]: pairs[2 * i + 1] for i in range(size.value)}
    assert found[b"fc$num_hidden"] == b"3" and found[b"act$__mood__"] == b"good"


def test_json_round_trip(api, network, tmp_path):
    json = text(api, "MXSymbolSaveToJSON", network)
    again = pointer()
    api.MXSymbolCreateFromJSON(json.encode(), ctypes.byref(again))
    assert text(api, "MXSymbolSaveToJSON", again) == json
    path = str(tmp_path / "a-symbol.json").encode()
    api.MXSymbolSaveToFile(network, path)
    api.MXSymbolCreateFromFile(path, ctypes.byref(again))
    assert text(api, "MXSymbolSaveToJSON", again) == json
    api.fails("MXSymbolCreateFromJSON", b"{", ctypes.byref(again))


def infer(api, symbol, known, name="MXSymbolInferShapeEx"):
    """(arguments, outputs, complete)."""
    keys = (ctypes.c_char_p * len(known))(*[key.encode() for key in known])
    flat, first = [], [0]
    for shape in known.values():
        flat += shape
        first.append(len(flat))
    lists = [(ctypes.c_uint32(), ctypes.POINTER(ctypes.c_int)(), ctypes.POINTER(ctypes.POINTER(ctypes.c_int))())
             for _ in range(3)]
    complete = ctypes.c_int()
    getattr(api, name)(symbol, len(known), keys, (ctypes.c_uint32 * len(first))(*first),
                       (ctypes.c_int * max(1, len(flat)))(*flat),
                       *[ctypes.byref(item) for part in lists for item in part], ctypes.byref(complete))

    def shapes(size, ndim, data):
        return [tuple(data[i][k] for k in range(ndim[i])) for i in range(size.value)]

    return shapes(*lists[0]), shapes(*lists[1]), complete.value


def test_shapes(api, network):
    assert infer(api, network, {"x": (4, 5)}) == ([(4, 5), (3, 5), (3,)], [(4, 3)], 1)
    arguments, outputs, complete = infer(api, network, {})
    assert (arguments[0], outputs, complete) == ((), [()], 0)
    assert infer(api, network, {}, "MXSymbolInferShapePartialEx")[2] == 1
    with pytest.raises(AssertionError, match="no argument 'y'"):
        infer(api, network, {"y": (1,)})
    with pytest.raises(AssertionError, match="fc"):
        infer(api, network, {"x": (4, 5), "fc_weight": (3, 6)})


def test_simple_bind_runs_forward_and_backward(api, network):
    executor = pointer()
    counts = ctypes.c_uint32(), ctypes.c_uint32()
    arrays = [ctypes.POINTER(ctypes.c_void_p)() for _ in range(3)]
    none, buffer_length = None, ctypes.c_int(-1)
    api.MXExecutorSimpleBindEx(
        network, 1, 0, 0, none, none, none,
        0, none, (ctypes.c_char_p * 1)(b"write"),
        1, (ctypes.c_char_p * 1)(b"x"), (ctypes.c_int * 2)(2, 5), (ctypes.c_uint32 * 2)(0, 2),
        0, none, none, 0, none, none, 0, none, ctypes.byref(buffer_length), none, none, none, none,
        ctypes.byref(counts[0]), ctypes.byref(arrays[0]), ctypes.byref(arrays[1]), ctypes.byref(counts[1]),
        ctypes.byref(arrays[2]), none, ctypes.byref(executor))
    assert (counts[0].value, counts[1].value) == (3, 0)
    x, weight, bias = (ctypes.c_void_p(arrays[0][i]) for i in range(3))
    gradients = [ctypes.c_void_p(arrays[1][i]) for i in range(3)]
    values = np.random.RandomState(0).randn(2, 5).astype("float32")
    weights = np.random.RandomState(1).randn(3, 5).astype("float32")
    for handle, data in ((x, values), (weight, weights), (bias, np.ones(3, "float32"))):
        api.MXNDArraySyncCopyFromCPU(handle, data.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(data.size))
    api.MXExecutorForward(executor, 1)
    size, outputs = ctypes.c_uint32(), ctypes.POINTER(ctypes.c_void_p)()
    api.MXExecutorOutputs(executor, ctypes.byref(size), ctypes.byref(outputs))
    expected = np.maximum(values @ weights.T + 1, 0)
    np.testing.assert_allclose(api.values(ctypes.c_void_p(outputs[0])), expected.ravel(), rtol=1e-5)
    api.MXExecutorBackwardEx(executor, 0, None, 1)
    np.testing.assert_allclose(api.values(gradients[2]), (expected > 0).sum(0), rtol=1e-5)
    assert "fc" in text(api, "MXExecutorPrint", executor)
    api.MXExecutorFree(executor)
    assert "freed" in api.fails("MXExecutorForward", executor, 0)


def test_bind_and_monitor(api, network):
    executor = pointer()
    arguments = [api.invoke("reshape", [api.array(range(6))], shape="(2,3)")[0],
                 api.invoke("reshape", [api.array([1] * 9)], shape="(3,3)")[0], api.array([0, 0, 0])]
    handles = (ctypes.c_void_p * 3)(*[a.value for a in arguments])
    api.MXExecutorBind(network, 1, 0, 3, handles, None, None, 0, None, ctypes.byref(executor))
    seen = {}
    kind = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)

    @kind
    def monitor(name, array, state):
        seen[name.decode()] = api.values(ctypes.c_void_p(array))
        api.MXNDArrayFree(ctypes.c_void_p(array))

    api.MXExecutorSetMonitorCallbackEX(executor, monitor, None, ctypes.c_bool(False))
    api.MXExecutorForward(executor, 0)
    assert seen == {"fc_output": [3, 3, 3, 12, 12, 12], "act_output": [3, 3, 3, 12, 12, 12]}
    missing = (ctypes.c_void_p * 3)(arguments[0].value, None, None)
    assert "got null" in api.fails("MXExecutorBind", network, 1, 0, 3, missing, None, None, 0, None,
                                   ctypes.byref(executor))


def test_cached_op(api, network):
    op = pointer()
    api.MXCreateCachedOp(network, ctypes.byref(op))
    inputs = [api.invoke("reshape", [api.array([1, -2])], shape="(1,2)")[0],
              api.invoke("reshape", [api.array([1, 0, 0, 1, 1, 1])], shape="(3,2)")[0], api.array([0, 0, 5])]
    count, outputs = ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
    api.MXInvokeCachedOp(op, 3, (ctypes.c_void_p * 3)(*[i.value for i in inputs]), ctypes.byref(count),
                         ctypes.byref(outputs))
    assert count.value == 1
    assert api.values(ctypes.c_void_p(outputs[0])) == [1, 0, 4]
    assert api.fails("MXInvokeCachedOp", op, 1, (ctypes.c_void_p * 1)(inputs[0].value), ctypes.byref(count),
                     ctypes.byref(outputs))
    api.MXFreeCachedOp(op)


def test_gradient_symbol(api):
    x, square, gradient = pointer(), pointer(), pointer()
    api.MXSymbolCreateVariable(b"x", ctypes.byref(x))
    api.MXSymbolCreateAtomicSymbol(api.operator("square"), 0, None, None, ctypes.byref(square))
    api.MXSymbolCompose(square, b"y", 1, None, (ctypes.c_void_p * 1)(x.value))
    api.MXSymbolGrad(square, 1, (ctypes.c_char_p * 1)(b"x"), ctypes.byref(gradient))
    op, count, outputs = pointer(), ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
    api.MXCreateCachedOp(gradient, ctypes.byref(op))
    api.MXInvokeCachedOp(op, 1, (ctypes.c_void_p * 1)(api.array([3, -1]).value), ctypes.byref(count),
                         ctypes.byref(outputs))
    assert api.values(ctypes.c_void_p(outputs[0])) == [6, -2]


def test_reduce_precision(api, network):
    def names(*texts):
        return len(texts), (ctypes.c_char_p * max(len(texts), 1))(*texts)

    def reduced(target, cast, conditions=((), (), ())):
        counted = [names(b"FullyConnected"), names(b"exp"), names(b"elemwise_add"), names(*conditions[0]),
                   names(b"nothing"), names(b"fc_weight", b"fc_bias")]
        result, kind = pointer(), ctypes.c_int(target)
        arguments = (network, ctypes.byref(result), 0, None, 0, None, ctypes.byref(kind), cast,
                     *(count for count, _ in counted), *(texts for _, texts in counted[:5]),
                     names(*conditions[1])[1], names(*conditions[2])[1], counted[5][1], None)
        return arguments, result

    arguments, result = reduced(2, 0)
    api.MXReducePrecisionSymbol(*arguments)
    assert api.listed("MXSymbolListOutputs", result) == ["act_output_amp_cast_float32_output"]
    assert api.listed("MXSymbolListArguments", result) == ["x", "fc_weight", "fc_bias"]
    json = text(api, "MXSymbolSaveToJSON", result)
    assert json.count('"op": "amp_cast"') == 4 and json.count('"__dtype__": "0"') == 2
    arguments, result = reduced(12, 1, ((b"Activation",), (b"act_type",), (b"relu",)))
    api.MXReducePrecisionSymbol(*arguments)
    json = text(api, "MXSymbolSaveToJSON", result)
    assert json.count('"op": "amp_cast"') == 2 and json.count('"__dtype__": "12"') == 2
    assert "fc_output_amp_cast_float32" in json
    assert "float16 or bfloat16" in api.fails("MXReducePrecisionSymbol", *reduced(4, 0)[0])
