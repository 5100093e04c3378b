"""The CUDA source that pointwise operators and reductions generate: it compiles for every generation
of devices (no GPU is needed), and, compiled for the host with a grid of one thread, it computes
what the CPU's programs compute."""
import ctypes
import re
import subprocess
from functools import lru_cache
from pathlib import Path

import gemel as mx
import numpy as np
import nvrtc
import pytest
from gemel import _core

ARCHITECTURES = ["sm_75", "sm_90", "sm_100"]
REDUCTIONS = ["sum", "mean", "prod", "max", "min", "nansum", "nanprod", "norm1", "norm2"]
SOURCE_FOLDER = Path(__file__).resolve().parents[2] / "src"

needs_nvrtc = pytest.mark.skipif(nvrtc.library_path() is None,
                                 reason=f"needs the PyPI package {nvrtc.PACKAGE}")


@lru_cache(maxsize=None)
def pointwise_operators():
    """(operator, number of its sample) -> (expressions, scalars, number of inputs)."""
    found = {}
    for op in _core.list_operators():
        for index, sample in enumerate(op["samples"]):
            program = _core.pointwise_expressions(op["name"], dict(sample["attributes"]))
            if program is not None:
                found[op["name"], index] = (*program, len(sample["shapes"]))
    return found


@lru_cache(maxsize=None)
def samples():
    return {op["name"]: op["samples"] for op in _core.list_operators()}


def body(source):
    return source.partition("\n")[2]  # one include serves all kernels of a file


def all_pointwise(dtype, layout=False):
    """One file with a kernel for every distinct program, and the programs' names."""
    kernels, names = {}, {}
    for key, (expressions, _, inputs) in pointwise_operators().items():
        program = (tuple(expressions), inputs)
        names[key] = kernels.setdefault(program, f"kernel{len(kernels)}")
    sources = [_core.cuda_pointwise_source(name, list(expressions), [dtype] * inputs,
                                           [dtype] * len(expressions), layout)
               for (expressions, inputs), name in kernels.items()]
    return sources[0].partition("\n")[0] + "".join(map(body, sources)), names


def reduction(kind, dtype, inputs=1, expression="x0"):
    return _core.cuda_reduce_source(f"reduce_{REDUCTIONS[kind]}_{dtype}", kind, [dtype] * inputs,
                                    dtype, expression)


def test_there_are_operators_to_compile():
    assert len(pointwise_operators()) > 100


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pointwise_operators_compile(architecture):
    source, names = all_pointwise("float32")
    cubin = nvrtc.compile_cubin(source, _core.cuda_headers(), architecture)
    assert cubin[:4] == b"\x7fELF"
    for name in set(names.values()):
        assert name.encode() in cubin


@needs_nvrtc
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32", "uint8", "bool"])
def test_types_compile(dtype):
    expressions = ["where(greater(x0,x1),add(mul(x0,x1),s0),exp(x0))", "round[float16](sub(x0,x1))"]
    try:
        source = _core.cuda_pointwise_source("kernel", expressions, [dtype] * 2, [dtype, "float32"], True)
    except mx.MXNetError:
        source = _core.cuda_pointwise_source("kernel", expressions[:1], [dtype] * 2, [dtype], True)
    assert nvrtc.compile_cubin(source, _core.cuda_headers(), "sm_90")[:4] == b"\x7fELF"


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_reductions_compile(architecture):
    sources = [reduction(kind, dtype) for kind in range(len(REDUCTIONS))
               for dtype in ("float32", "float16", "float64", "int32")]
    sources.append(reduction(0, "uint8", 2, "square(sub(x0,x1))"))
    heads = "\n".join(sources[0].split("\n")[:2])
    source = heads + "".join("\n".join(one.split("\n")[2:]) for one in sources)
    assert nvrtc.compile_cubin(source, _core.cuda_headers(), architecture)[:4] == b"\x7fELF"


@needs_nvrtc
def test_a_wrong_kernel_is_an_error():
    with pytest.raises(RuntimeError, match="nothing_of_the_kind"):
        nvrtc.compile_cubin("__global__ void f() { nothing_of_the_kind(); }", [], "sm_90")


# On the host: a grid of one thread, with the C++ library's own headers.
HOST = r"""
#include <cstddef>
#define __global__
#define __shared__ static
static struct { int x; } gridDim{1}, blockDim{1}, blockIdx{0}, threadIdx{0};
static inline void __syncthreads() {}
"""


def host_library(source, folder):
    (folder / "kernel.cpp").write_text(HOST + source)
    command = ["g++", "-std=c++20", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-w",
               f"-I{SOURCE_FOLDER}", str(folder / "kernel.cpp"), "-o", str(folder / "kernel.so")]
    subprocess.run(command, check=True, timeout=300)
    return ctypes.CDLL(str(folder / "kernel.so"))


def address(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def addresses(arrays):
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])


def scalar_count(expressions):
    """The kernel takes the scalars that occur in its expressions."""
    used = re.findall(r"\bs(\d+)\b", ";".join(expressions))
    return max(map(int, used), default=-1) + 1


def caller(name, inputs, expressions):
    """A C function over pointers that calls a float32 kernel, whose scalars are a struct by value."""
    arguments = [f"static_cast<const float*>(in[{i}])" for i in range(inputs)]
    arguments += [f"static_cast<float*>(out[{i}])" for i in range(len(expressions))]
    count, prepare = scalar_count(expressions), ""
    if count:
        prepare = f"gemel::cuda::Scalars<{count}> s; for (int i = 0; i < {count}; ++i) s.value[i] = scalars[i];"
        arguments.append("s")
    return (f'extern "C" void call_{name}(void** in, void** out, const double* scalars, long long size) '
            f"{{ {prepare} {name}({', '.join(arguments)}, size); }}\n")


@pytest.fixture(scope="module")
def pointwise_library(tmp_path_factory):
    source, names = all_pointwise("float32")
    callers = {names[key]: caller(names[key], inputs, expressions)
               for key, (expressions, _, inputs) in pointwise_operators().items()}
    source += "".join(callers.values())
    return host_library(source, tmp_path_factory.mktemp("pointwise")), names


def sample_arrays(name, index):
    sample = samples()[name][index]
    shape = np.broadcast_shapes(*[tuple(shape) for shape in sample["shapes"]])
    rng = np.random.RandomState(len(name) + index)
    ranges = [(low, high) for low, high in sample["ranges"]] or \
        [(sample["low"], sample["high"])] * len(sample["shapes"])
    arrays = [np.asarray(rng.uniform(low, high, shape), dtype="float32") for low, high in ranges]
    return arrays, dict(sample["attributes"])


@pytest.mark.parametrize("key", pointwise_operators(), ids=lambda key: f"{key[0]}-{key[1]}")
def test_pointwise_values_on_the_host(key, pointwise_library):
    library, names = pointwise_library
    _, scalars, _ = pointwise_operators()[key]
    arrays, attributes = sample_arrays(*key)
    inputs = [mx.nd.array(array) for array in arrays]
    expected = [one.asnumpy() for one in
                _core.invoke_reference(key[0], inputs, list(attributes.items()))]
    found = [np.full(one.shape, np.nan, dtype="float32") for one in expected]
    library[f"call_{names[key]}"](addresses(arrays), addresses(found),
                                  (ctypes.c_double * len(scalars))(*scalars),
                                  ctypes.c_longlong(found[0].size))
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


class Layout(ctypes.Structure):
    """gemel::cuda::Layout<1>."""
    _fields_ = [("axes", ctypes.c_int), ("size", ctypes.c_longlong * 32),
                ("stride", ctypes.c_longlong * 32)]

    @classmethod
    def of(cls, sizes, strides):
        layout = cls(axes=len(sizes))
        layout.size[:len(sizes)] = sizes
        layout.stride[:len(sizes)] = strides
        return layout


@pytest.mark.parametrize("kind", range(len(REDUCTIONS)), ids=REDUCTIONS)
def test_reduction_values_on_the_host(kind, tmp_path):
    """The middle axis of (3, 5, 4), of values some of which are nan where the reduction skips it."""
    library = host_library(reduction(kind, "float32"), tmp_path)
    data = np.random.RandomState(kind).uniform(.5, 2, (3, 5, 4)).astype("float32")
    name = REDUCTIONS[kind]
    if name.startswith("nan"):
        data[0, 1, 2] = np.nan
    found = np.full((3, 4), np.nan, dtype="float32")
    function = library[f"reduce_{name}_float32"]
    function(address(data), address(found), Layout.of([3, 4], [20, 1]), Layout.of([5], [4]),
             ctypes.c_longlong(12), ctypes.c_longlong(5))
    wide = data.astype("float64")
    expected = {"norm1": lambda a, axis: np.abs(a).sum(axis=axis),
                "norm2": lambda a, axis: np.sqrt((a * a).sum(axis=axis))}.get(
                    name, getattr(np, name, None))(wide, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_broadcast_layout_on_the_host(tmp_path):
    source = _core.cuda_pointwise_source("kernel", ["mul(x0,x0)"], ["int32"], ["float32"], True)
    library = host_library(source, tmp_path)
    data = np.arange(3, dtype="int32")
    found = np.zeros((3, 2), dtype="float32")
    library.kernel(address(data), address(found), Layout.of([3, 2], [1, 0]), ctypes.c_longlong(6))
    assert found.tolist() == [[0, 0], [1, 1], [4, 4]]
