"""The integer types that 1.9.1 knows only in files: every array function takes them like the others."""
import numpy as np
import pytest

import gemel as mx

nd = mx.nd
INTEGERS = ["int16", "uint16", "uint32", "uint64"]
VALUES = [[3, 1], [200, 7]]


def arrays(dtype):
    return nd.array(VALUES, dtype=dtype), nd.array([[1, 2], [3, 4]], dtype=dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_creation(dtype):
    made = [nd.array(VALUES, dtype=dtype), nd.zeros((2,), dtype=dtype), nd.ones((2,), dtype=dtype),
            nd.full((2,), 7, dtype=dtype), nd.arange(4, dtype=dtype), nd.empty((3,), dtype=dtype),
            nd.eye(2, dtype=dtype), nd.array(VALUES, dtype=dtype).copy()]
    assert all(array.dtype == np.dtype(dtype).type for array in made)
    assert made[4].asnumpy().tolist() == [0, 1, 2, 3]
    assert made[3].asnumpy().tolist() == [7, 7]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("other", [*INTEGERS, "int8", "uint8", "int32", "int64", "bool", "float16", "float32",
                                   "float64"])
def test_casts_agree_with_numpy(dtype, other):
    values = np.array([0, 1, 100, 7])
    array = nd.array(values, dtype=dtype).astype(other)
    assert array.dtype == np.dtype(other).type
    np.testing.assert_array_equal(array.asnumpy(), values.astype(dtype).astype(other))
    np.testing.assert_array_equal(nd.array(values, dtype=other).astype(dtype).asnumpy(),
                                  values.astype(other).astype(dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name, function", [
    ("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply), ("modulo", np.mod),
    ("divide", np.floor_divide), ("maximum", np.maximum), ("minimum", np.minimum), ("equal", np.equal),
    ("not_equal", np.not_equal), ("greater", np.greater), ("greater_equal", np.greater_equal),
    ("lesser", np.less), ("lesser_equal", np.less_equal), ("logical_and", np.logical_and)])
def test_arithmetic_wraps_like_numpy(dtype, name, function):
    a, b = arrays(dtype)
    result = getattr(nd, name)(a, b)
    assert result.dtype == np.dtype(dtype).type
    np.testing.assert_array_equal(result.asnumpy(), function(a.asnumpy(), b.asnumpy()).astype(dtype))
    np.testing.assert_array_equal((a + 1).asnumpy(), a.asnumpy() + np.array(1, dtype))
    b += a
    assert b.asnumpy().tolist() == [[4, 3], [203, 11]]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_reductions_indexing_and_files(dtype, tmp_path):
    a, _ = arrays(dtype)
    assert [int(f(a).asscalar()) for f in (nd.sum, nd.min, nd.max, nd.prod)] == [211, 1, 200, 4200]
    assert nd.sum(a, axis=1).asnumpy().tolist() == [4, 207]
    assert a[:, 1].asnumpy().tolist() == [1, 7]
    assert nd.take(nd.array([5, 6, 7]), nd.array([2, 0], dtype=dtype)).asnumpy().tolist() == [7, 5]
    a[0] = 9
    a[:, 1] = nd.array([4, 5], dtype=dtype)
    assert a.asnumpy().tolist() == [[9, 4], [200, 5]]
    nd.save(str(tmp_path / "a.nd"), [a])
    loaded = nd.load(str(tmp_path / "a.nd"))[0]
    assert loaded.dtype == a.dtype and loaded.asnumpy().tolist() == a.asnumpy().tolist()


def test_unsigned_64_bits_are_all_there():
    values = np.array([2**64 - 1, 2**63, 5, 2**63 + 7], dtype="uint64")
    a, b = nd.array(values, dtype="uint64"), nd.array(values[::-1].copy(), dtype="uint64")
    assert int(a[0].asscalar()) == 2**64 - 1
    assert int(nd.max(a).asscalar()) == 2**64 - 1 and int(nd.min(a).asscalar()) == 5
    np.testing.assert_array_equal(nd.maximum(a, b).asnumpy(), np.maximum(values, values[::-1]))
    np.testing.assert_array_equal((a > b).asnumpy(), values > values[::-1])
    np.testing.assert_array_equal((a / 3).asnumpy(), values // np.uint64(3))
    np.testing.assert_array_equal((a % 10).asnumpy(), values % np.uint64(10))
    np.testing.assert_array_equal(a.sort().asnumpy(), np.sort(values))
    np.testing.assert_array_equal(a.astype("float64").asnumpy(), values.astype("float64"))
    assert int(nd.array([1e19], dtype="float64").astype("uint64").asscalar()) == 10**19


def test_an_unknown_dtype_names_the_known_ones():
    with pytest.raises(ValueError, match="uint64"):
        nd.zeros((2,), dtype="complex64")


SPELLINGS = [("f", "float32"), ("d", "float64"), ("e", "float16"), ("i", "int32"), ("b", "int8"), ("B", "uint8"),
             ("?", "bool"), ("<f4", "float32"), (">f4", "float32"), ("f8", "float64"), ("|b1", "bool"),
             ("float", "float64"), ("int", "int64"), ("half", "float16"), ("bool_", "bool"),
             (np.float32, "float32"), (float, "float64"), (int, "int64"), (bool, "bool"),
             (np.dtype("f"), "float32")]


@pytest.mark.parametrize(("spelling", "name"), SPELLINGS)
def test_every_spelling_of_a_dtype(spelling, name):
    expected = np.dtype(name).type
    array = nd.array([1, 2], dtype=spelling)
    made = [array, nd.zeros((2,), dtype=spelling), nd.ones(2, dtype=spelling), nd.full(2, 3, dtype=spelling),
            nd.ones(2).astype(spelling), nd.cast(nd.ones(2), dtype=spelling)]
    assert [a.dtype for a in made] == [expected] * len(made)
    assert array.astype(spelling, copy=False) is array
    x = mx.sym.var("x")
    assert x.astype(spelling).infer_type(x="f")[1] == [expected]
    assert mx.sym.identity(mx.sym.var("y", dtype=spelling)).infer_type()[1] == [expected]


def test_what_names_no_dtype_is_refused():
    for call in (nd.ones(2).astype, lambda t: nd.array([1], dtype=t), lambda t: nd.cast(nd.ones(2), dtype=t)):
        with pytest.raises(TypeError):
            call("no such dtype")
    assert nd.ones(2, dtype="int8").astype(None).dtype == np.float32
