"""The helpers that users' tests import."""
import os
import sys

import gemel as mx
import numpy as np
import pytest
from gemel import test_utils as tu


def test_checks_of_generators():
    rng = np.random.RandomState(0)
    assert tu.mean_check(lambda n: rng.normal(2, 3, n), 2, 3, 100000)
    assert not tu.mean_check(lambda n: rng.normal(2.2, 3, n), 2, 3, 100000)
    assert tu.var_check(lambda n: rng.normal(2, 3, n), 3, 100000)
    assert not tu.var_check(lambda n: rng.normal(2, 3.3, n), 3, 100000)
    buckets, probs = tu.gen_buckets_probs_with_ppf(lambda p: p, 5)
    assert buckets[1] == (.2, .4) and probs == [.2] * 5
    values = tu.verify_generator(rng.rand, buckets, probs, nsamples=20000)
    assert len(values) == 5
    with pytest.raises(AssertionError, match="Generator test fails"):
        tu.verify_generator(lambda n: rng.rand(n) ** 1.2, buckets, probs, nsamples=20000)
    coins = [0, 1]
    p, found, expected = tu.chi_square_check(lambda n: rng.randint(0, 2, n), coins, [.5, .5], 10000)
    assert sum(found) == 10000 and expected == [5000, 5000] and p > 1e-4


def test_probability_of_a_chi_square():
    """Published quantiles: 3.841 with one degree of freedom, 18.307 with ten, both 5 %."""
    from gemel.generator_checks import _upper_tail
    assert _upper_tail(3.841458820694124, 1) == pytest.approx(.05)
    assert _upper_tail(18.307038053275146, 10) == pytest.approx(.05)
    assert _upper_tail(0, 3) == 1


def test_environment_is_restored():
    os.environ.pop("GEMEL_NO_SUCH", None)
    with pytest.raises(KeyError):
        with tu.environment({"GEMEL_NO_SUCH": "1"}):
            assert tu.getenv("GEMEL_NO_SUCH") == "1"
            with tu.environment("GEMEL_NO_SUCH", None):
                assert "GEMEL_NO_SUCH" not in os.environ
            raise KeyError
    assert "GEMEL_NO_SUCH" not in os.environ
    with pytest.raises(TypeError):
        with tu.environment():
            pass


def test_standard_error_is_discarded_and_back(capfd):
    with tu.discard_stderr():
        os.write(2, b"lost")
    print("kept", file=sys.stderr)
    assert capfd.readouterr().err == "kept\n"


def test_consistency_over_types():
    sym = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="fc")
    runs = [{"ctx": mx.cpu(), "data": (2, 4), "type_dict": {"data": dtype}}
            for dtype in ("float64", "float32")]
    truth = tu.check_consistency(sym, runs)
    assert truth["fc_output"].dtype == np.float64
    assert "gradient of fc_weight" in truth
    wrong = {**truth, "fc_output": truth["fc_output"] + 1}
    with pytest.raises(AssertionError):
        tu.check_consistency(sym, runs, ground_truth=wrong,
                             arg_params={"data": np.zeros((2, 4))})


def test_comparisons():
    nan = float("nan")
    tu.assert_almost_equal_ignore_nan(np.array([1, nan, 3]), np.array([1, 2, nan]))
    with pytest.raises(AssertionError):
        tu.assert_almost_equal_ignore_nan(np.array([1, nan]), np.array([2, 2]))
    tu.assert_almost_equal_with_err(np.array([1., 2, 3, 4]), np.array([1., 2, 3, 5]), etol=.25)
    with pytest.raises(AssertionError, match="50.00%"):
        tu.assert_almost_equal_with_err(np.array([1., 2, 3, 4]), np.array([1., 2, 4, 5]), etol=.25)
    tu.compare_optimizer(mx.optimizer.SGD(learning_rate=.1), mx.optimizer.NAG(learning_rate=.1),
                         (3, 4), "float32")
    with pytest.raises(AssertionError):
        tu.compare_optimizer(mx.optimizer.SGD(learning_rate=.1), mx.optimizer.SGD(learning_rate=.2),
                             (3, 4), "float32")
    a, b = mx.sym.var("a"), mx.sym.var("b")
    assert tu.same_symbol_structure(mx.sym.exp(a) + a, mx.sym.exp(b) + b)
    assert not tu.same_symbol_structure(mx.sym.exp(a) + a, mx.sym.log(b) + b)


def test_blocks_hybridized_and_not():
    tu.check_gluon_hybridize_consistency(
        lambda **kwargs: mx.gluon.nn.Dense(3, in_units=4, prefix="d_", **kwargs),
        [mx.nd.array(np.random.RandomState(0).rand(2, 4))])


def test_arrays():
    assert tu.create_2d_tensor(3, 2).asnumpy().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert tu.create_vector(3).asnumpy().tolist() == [0, 1, 2]
    data = np.arange(24.).reshape(2, 3, 4)
    assert np.array_equal(tu.collapse_sum_like(data, (3, 1)), data.sum(axis=(0, 2)).reshape(3, 1))
    assert np.array_equal(tu.np_reduce(data, (0, 2), True, np.sum), data.sum(axis=(0, 2), keepdims=True))
    assert tu.assign_each([1, 2], lambda x: x * 2).tolist() == [2, 4]
    first, second = tu.random_uniform_arrays((2, 3), (4,), low=5, high=6)
    assert first.shape == (2, 3) and 5 <= second.min() <= second.max() < 6
    iterator = tu.DummyIter(mx.io.NDArrayIter(np.arange(4), batch_size=2))
    assert next(iterator) is next(iterator)
    assert tu.check_speed(mx.sym.exp(mx.sym.var("x")), {"x": np.ones(3)}, N=2) > 0


def test_random_sparse_arrays():
    array, (values, rows) = tu.rand_sparse_ndarray((4, 3), "row_sparse", rsp_indices=[1, 2])
    assert array.stype == "row_sparse" and rows.tolist() == [1, 2] and values.shape == (2, 3)
    array, (indptr, columns, values) = tu.rand_sparse_ndarray((4, 3), "csr", density=1.)
    assert array.stype == "csr" and indptr.asnumpy()[-1] == columns.shape[0] == values.shape[0] == 12
    filled = tu.create_sparse_array((4, 3), "csr", data_init=2., density=1.)
    assert (filled.asnumpy() == 2).all()
    assert tu.rand_sparse_ndarray((4, 3), "row_sparse", density=0.)[1][1].shape == (0,)
    changed = tu.create_sparse_array((2, 2), "csr", data_init=2., density=1., modifier_func=lambda x: -x)
    assert (changed.asnumpy() == -2).all()
