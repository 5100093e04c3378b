"""Local stores: sums, updaters, keys; as in MXNet 1.9.1."""
import gemel as mx
import pytest


def value_of(store, key, shape):
    out = mx.nd.zeros(shape)
    store.pull(key, out=out)
    return out.asnumpy().tolist()


def test_init_push_pull():
    store = mx.kv.create("local")
    assert (store.type, store.rank, store.num_workers) == ("local", 0, 1)
    store.init(3, mx.nd.ones((2,)))
    assert value_of(store, 3, (2,)) == [1, 1]
    store.push(3, [mx.nd.ones((2,)) * 2, mx.nd.ones((2,)) * 3])
    assert value_of(store, 3, (2,)) == [5, 5]
    store.push(3, mx.nd.ones((2,)) * 8)
    outputs = [mx.nd.zeros((2,)), mx.nd.zeros((2,))]
    store.pull(3, out=outputs)
    assert outputs[1].asnumpy().tolist() == [8, 8]


def test_several_keys():
    store = mx.kv.create("device")
    store.init([4, 5], [mx.nd.ones((2,)), mx.nd.ones((3,))])
    store.push([4, 5], [[mx.nd.ones((2,))] * 2, [mx.nd.ones((3,))]])
    assert value_of(store, 4, (2,)) == [2, 2] and value_of(store, 5, (3,)) == [1, 1, 1]


def test_a_push_is_a_snapshot():
    store = mx.kv.create()
    store.init("a", mx.nd.zeros((2,)))
    array = mx.nd.ones((2,))
    store.push("a", array)
    array[:] = 9
    assert value_of(store, "a", (2,)) == [1, 1]


def test_updater_optimizer_and_states(tmp_path):
    store = mx.kv.create()
    store.init("w", mx.nd.ones((2,)))

    def add_twice(key, pushed, stored):
        stored += pushed * 2
    store._set_updater(add_twice)
    out = mx.nd.zeros((2,))
    store.pushpull("w", mx.nd.ones((2,)), out=out)
    assert out.asnumpy().tolist() == [3, 3]
    store.set_optimizer(mx.optimizer.SGD(learning_rate=.1, momentum=.9))
    store.push("w", mx.nd.ones((2,)))
    assert value_of(store, "w", (2,)) == pytest.approx([2.9, 2.9])
    path = str(tmp_path / "states")
    store.save_optimizer_states(path)
    store.load_optimizer_states(path)
    assert store._updater.states["w"].asnumpy().tolist() == pytest.approx([-.1, -.1])


def test_broadcast():
    store = mx.kv.create()
    out = mx.nd.zeros((2,))
    store.broadcast("q", mx.nd.ones((2,)) * 4, out=out)
    assert out.asnumpy().tolist() == [4, 4]


def test_refusals():
    store = mx.kv.create()
    store.init(1, mx.nd.ones((2,)))
    with pytest.raises(mx.MXNetError, match="Mixed key types"):
        store.init("a", mx.nd.ones((2,)))
    with pytest.raises(mx.MXNetError, match="duplicate init"):
        store.init(1, mx.nd.ones((2,)))
    with pytest.raises(mx.MXNetError, match="not been inited"):
        store.push(9, mx.nd.ones((2,)))
    with pytest.raises(mx.MXNetError, match="expected shape"):
        store.push(1, mx.nd.ones((5,)))
    with pytest.raises(TypeError):
        mx.kv.create(3)
    with pytest.raises(mx.MXNetError, match="unknown type"):
        mx.kv.create("no_such_type")
