"""Records how MXNet 1.9.1 lists each operator's arguments, states and outputs.

Run with a Python that has mxnet 1.9.1: `python tools/record_symbol_outputs.py`. Every
operator is asked in a process of its own, since some crash without their inputs' shapes. Writes
tests/conformance/expected/symbol_outputs.json, which tests/conformance/test_symbol_outputs.py reads.
"""
import ctypes
import json
import os
import pathlib

# Calls beside each operator's plain one, whose parameters change what is listed.
VARIANTS = {
    "BatchNorm": [{"output_mean_var": "True"}, {"use_global_stats": "True", "fix_gamma": "False"}],
    "Convolution": [{"kernel": "(3, 3)", "num_filter": "2", "no_bias": "True"}],
    "Deconvolution": [{"kernel": "(3, 3)", "num_filter": "2", "no_bias": "False"}],
    "Dropout": [{"mode": "always"}],
    "FullyConnected": [{"num_hidden": "4", "no_bias": "True"}],
    "GroupNorm": [{"output_mean_var": "True"}],
    "LayerNorm": [{"output_mean_var": "True"}],
    "LeakyReLU": [{"act_type": "prelu"}, {"act_type": "gelu"}],
    "Pooling": [{"kernel": "(2, 2)", "pool_type": "avg"}, {"global_pool": "True"},
                {"kernel": "(2,)", "pool_type": "max"}],
    "RNN": [{"state_size": "3", "num_layers": "2", "mode": mode, "state_outputs": outputs}
            for mode in ("lstm", "gru") for outputs in ("True", "False")],
    "SequenceMask": [{"use_sequence_length": "True"}],
    "SliceChannel": [{"num_outputs": "3"}],
    "amp_multicast": [{"num_outputs": "2"}],
    "split_v2": [{"indices": "(0, 1)", "sections": "0"}],
    "topk": [{"ret_typ": kind} for kind in ("value", "both", "mask")],
}


def required_parameters(creator):
    """A value for each parameter of an operator that has no default; inputs are left out."""
    from mxnet.base import _LIB, check_call
    texts = [ctypes.c_char_p() for _ in range(4)]
    count, arrays = ctypes.c_uint(), [ctypes.POINTER(ctypes.c_char_p)() for _ in range(3)]
    check_call(_LIB.MXSymbolGetAtomicSymbolInfo(
        ctypes.c_void_p(creator), ctypes.byref(texts[0]), ctypes.byref(texts[1]), ctypes.byref(count),
        *(ctypes.byref(array) for array in arrays), ctypes.byref(texts[2]), ctypes.byref(texts[3])))
    values = {}
    for i in range(count.value):
        name, kind = arrays[0][i].decode(), arrays[1][i].decode()
        if "required" not in kind or "NDArray" in kind:
            continue
        if kind.startswith("{"):
            values[name] = kind.split("'")[1]
        elif "uple" in kind:
            values[name] = "(2, 2)"
        else:
            values[name] = "2" if kind.startswith(("int", "long")) else "1"
    return values


def describe(creator, attributes):
    """What 1.9.1 lists for one operator called without inputs."""
    from mxnet.base import _LIB, SymbolHandle, c_str, c_str_array, check_call
    from mxnet.symbol import Symbol
    handle = SymbolHandle()
    check_call(_LIB.MXSymbolCreateAtomicSymbol(
        ctypes.c_void_p(creator), len(attributes), c_str_array(list(attributes)),
        c_str_array(list(attributes.values())), ctypes.byref(handle)))
    check_call(_LIB.MXSymbolCompose(handle, c_str("node"), 0, None, None))
    symbol = Symbol(handle)
    graph = json.loads(symbol.tojson())
    index = [node["name"] for node in graph["nodes"]].index("node")
    rows = graph["node_row_ptr"]
    return {"stored": rows[index + 1] - rows[index], "outputs": symbol.list_outputs(),
            "arguments": symbol.list_arguments(), "states": symbol.list_auxiliary_states()}


def in_child(function, *args):
    """The JSON value of `function(*args)` computed in a forked process; None where it fails."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            os.write(write, json.dumps(function(*args)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def creators():
    """Handles of 1.9.1's operators by name."""
    from mxnet.base import _LIB, check_call
    count, handles, found = ctypes.c_uint(), ctypes.POINTER(ctypes.c_void_p)(), {}
    check_call(_LIB.MXSymbolListAtomicSymbolCreators(ctypes.byref(count), ctypes.byref(handles)))
    for i in range(count.value):
        name = ctypes.c_char_p()
        check_call(_LIB.MXSymbolGetAtomicSymbolName(ctypes.c_void_p(handles[i]), ctypes.byref(name)))
        found[name.value.decode()] = handles[i]
    return found


def main():
    rows = []
    for name, creator in sorted(creators().items()):
        if name.startswith("_backward"):
            continue
        for attributes in [required_parameters(creator), *VARIANTS.get(name, [])]:
            row = in_child(describe, creator, attributes)
            if row:
                rows.append({"operator": name, "attributes": attributes, **row})
    target = pathlib.Path(__file__).parent.parent / "tests/conformance/expected/symbol_outputs.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(f"{len(rows)} rows")


if __name__ == "__main__":
    main()
