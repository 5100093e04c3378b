"""mx.amp: graphs as 1.9.1 converts them, models, and training with a dynamic loss scale."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gemel as mx
from gemel.contrib import amp

S = mx.sym
EXPECTED = json.loads((Path(__file__).parent / "expected/amp_graphs.json").read_text())


def convnet():
    net = S.Convolution(S.var("data"), kernel=(3, 3), num_filter=4, name="conv")
    net = S.Activation(S.BatchNorm(net, name="bn"), act_type="relu", name="act")
    net = S.Pooling(net, kernel=(2, 2), pool_type="max", name="pool")
    return S.SoftmaxOutput(S.FullyConnected(net, num_hidden=3, name="fc"), name="softmax")


def residual():
    x = S.Convolution(S.var("data"), kernel=(3, 3), pad=(1, 1), num_filter=4, name="c0")
    y = S.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=4, name="c1")
    z = S.elemwise_add(x, S.Activation(y, act_type="relu", name="a1"), name="sum")
    z = S.Dropout(S.concat(z, x, name="cat"), name="drop")
    return S.softmax(S.FullyConnected(S.Flatten(z, name="flat"), num_hidden=5, name="fc"), name="sm")


def mixed():
    x = S.var("data")
    e, h = S.exp(x, name="e"), S.FullyConnected(x, num_hidden=3, name="h")
    s = S.split(h, num_outputs=3, name="sp")
    return S.Group(
        [
            S.elemwise_add(e, h, name="w1"),
            S.concat(e, h, S.var("y"), name="w2"),
            S.exp(s[1], name="e2"),
            S.FullyConnected(s[2], num_hidden=2, name="f2"),
            S.relu(S.var("v"), name="r"),
            S.Cast(h, dtype="float32", name="cast"),
            S.LeakyReLU(h, act_type="elu", name="lr"),
            S.LeakyReLU(h, act_type="leaky", name="lr2"),
        ]
    )


def rnn():
    parameters, state = S.var("p"), S.var("s")
    net = S.RNN(S.var("data"), parameters, state, mode="rnn_tanh", state_size=2, num_layers=1, name="rnn")
    return S.log_softmax(S.FullyConnected(net, num_hidden=2, name="fc"), name="ls")


def shared():
    w = S.var("w")
    return S.Group(
        [
            S.FullyConnected(S.var("data"), weight=w, num_hidden=3, no_bias=True, name="a"),
            S.exp(w, name="ew"),
            S.relu(w, name="rw"),
            S.elemwise_add(w, S.var("z"), name="ad"),
        ]
    )


def embed():
    net = S.Embedding(S.var("data"), input_dim=5, output_dim=3, name="emb")
    h = S.FullyConnected(S.transpose(net, name="tr"), num_hidden=2, name="fc")
    return S.broadcast_mul(h, S.mean(h, name="mean"), name="bm")


def attention():
    q = S.FullyConnected(S.var("data"), num_hidden=4, name="q")
    k = S.FullyConnected(S.var("data"), num_hidden=4, name="k")
    a = S.softmax(S.dot(q, k, transpose_b=True, name="dot") / 2.0, name="att")
    return S.FullyConnected(S.LayerNorm(S.dot(a, q, name="av"), name="ln"), num_hidden=2, name="o")


NETWORKS = {f.__name__: f for f in (convnet, residual, mixed, rnn, shared, embed, attention)}
OPTIONS = {
    "plain": {},
    "bf16": {"target_dtype": "bfloat16"},
    "names": {"data_names": ["data"]},
    "optional": {"data_names": ["data"], "cast_optional_params": True},
    "excluded": {"excluded_sym_names": ["fc", "c1", "h"]},
    "lists": {
        "target_dtype_ops": ["FullyConnected", "exp"],
        "fp32_ops": ["Convolution", "Pooling"],
        "conditional_fp32_ops": [("Activation", "act_type", ["relu"])],
    },
}


@pytest.mark.parametrize("case", EXPECTED)
def test_graphs_are_those_of_the_original(case):
    network, options = case.split()
    with mx.name.NameManager():
        converted = amp.convert_symbol(NETWORKS[network](), **OPTIONS[options])
    graph = json.loads(converted.tojson(remove_amp_cast=False))
    rows = [
        [node["op"], node["name"], node.get("attrs") or {}, [entry[:2] for entry in node["inputs"]]]
        for node in graph["nodes"]
    ]
    nodes, heads = EXPECTED[case]
    strip = [row if not row[1].startswith("_divscalar") else [row[0], "", *row[2:]] for row in rows]
    want = [row if not row[1].startswith("_divscalar") else [row[0], "", *row[2:]] for row in nodes]
    assert strip == want
    assert [head[:2] for head in graph["heads"]] == heads


def model(seed=0):
    sym = convnet()
    shapes, _, states = sym.infer_shape(data=(2, 3, 8, 8))
    rng = np.random.RandomState(seed)
    arguments = {
        name: mx.nd.array(rng.uniform(0.1, 0.5, shape))
        for name, shape in zip(sym.list_arguments(), shapes)
        if name not in ("data", "softmax_label")
    }
    auxiliary = {
        name: mx.nd.array(rng.uniform(0.5, 1, shape))
        for name, shape in zip(sym.list_auxiliary_states(), states)
    }
    return sym, arguments, auxiliary


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("optional", [False, True])
def test_convert_model(dtype, optional):
    sym, arguments, auxiliary = model()
    data = mx.nd.array(np.random.RandomState(1).uniform(-1, 1, (2, 3, 8, 8)))

    def scores(symbol, arg, aux):
        types = {name: array.dtype for name, array in arg.items()}
        executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=data.shape, type_dict=types)
        executor.copy_params_from(arg, aux)
        return executor.forward(data=data)[0]

    converted, arg, aux = amp.convert_model(
        sym, arguments, auxiliary, target_dtype=dtype, cast_optional_params=optional
    )
    half = np.float16 if dtype == "float16" else "bfloat16"
    for name in arguments:
        small = optional and not name.startswith("bn")
        assert arg[name].dtype == (half if small else np.float32), name
    assert all(array.dtype == np.float32 for array in aux.values())
    got = scores(converted, arg, aux)
    assert got.dtype == np.float32
    np.testing.assert_allclose(
        got.asnumpy(), scores(sym, arguments, auxiliary).asnumpy(), atol=2e-2 if dtype != "float16" else 2e-3
    )


@pytest.mark.parametrize("optional", [False, True])
def test_convert_hybrid_block(optional):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(3), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dense(2))
    net.initialize()
    x = mx.nd.random.uniform(shape=(2, 4))
    with pytest.raises(RuntimeError, match="hybridize"):
        amp.convert_hybrid_block(net, ctx=mx.cpu())
    net.hybridize()
    want = net(x).asnumpy()
    converted = amp.convert_hybrid_block(net, ctx=mx.cpu(), cast_optional_params=optional)
    assert isinstance(converted, mx.gluon.SymbolBlock)
    for name, one in converted.collect_params().items():
        half = optional and "dense" in name
        assert np.dtype(one.dtype) == (np.float16 if half else np.float32)
        assert one.data().dtype == (np.float16 if half else np.float32)
    got = converted(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got.asnumpy(), want, atol=2e-3)


def test_convert_bucketing_module():
    def sym_gen(length):
        net = S.FullyConnected(S.var("data"), num_hidden=3, name="fc", flatten=False)
        return S.SoftmaxOutput(S.mean(net, axis=1), name="softmax"), ("data",), ("softmax_label",)

    module = mx.mod.BucketingModule(sym_gen, default_bucket_key=4)
    module.bind([("data", (2, 4, 5))], [("softmax_label", (2,))], for_training=False)
    module.init_params()
    converted = amp.amp.convert_bucketing_module(module)
    batch = mx.io.DataBatch([mx.nd.ones((2, 4, 5))], [mx.nd.zeros(2)], bucket_key=4)
    batch.provide_data, batch.provide_label = [("data", (2, 4, 5))], [("softmax_label", (2,))]
    results = []
    for one in (module, converted):
        one.forward(batch, is_train=False)
        results.append(one.get_outputs()[0].asnumpy())
    np.testing.assert_allclose(*results, atol=2e-3)


def test_what_convert_refuses():
    sym, arguments, auxiliary = model()
    for call, said in (
        (lambda: amp.convert_symbol(3), "First argument to convert_symbol should be Symbol"),
        (lambda: amp.convert_symbol(sym, "float64"), "Only target_dtype float16 and bfloat16"),
        (lambda: amp.convert_symbol(sym, np.float16), "Only target_dtype float16 and bfloat16"),
        (lambda: amp.convert_symbol(sym, target_dtype_ops="a"), "target_dtype_ops should be a list of strs"),
        (lambda: amp.convert_symbol(sym, fp32_ops="a"), "fp32_ops should be a list of strs"),
        (lambda: amp.convert_symbol(sym, fp32_ops=["nope"]), "Can only choose ops from"),
        (lambda: amp.convert_symbol(sym, target_dtype_ops=["exp"]), "Common ops in target_dtype_ops and fp32_ops"),
        (lambda: amp.convert_symbol(sym, conditional_fp32_ops=[("Activation", "act_type", "relu")]),
         "conditional_fp32_ops should be a list of"),
        (lambda: amp.convert_model(3, arguments, auxiliary), "First argument"),
        (lambda: amp.convert_model(sym, 3, auxiliary), "Second argument"),
        (lambda: amp.convert_model(sym, arguments, 3), "Third argument"),
        (lambda: amp.convert_model(sym, arguments, auxiliary, excluded_sym_names="b"), "excluded_sym_names"),
        (lambda: amp.convert_hybrid_block(3), "block input should be a HybridBlock"),
    ):
        with pytest.raises(AssertionError, match=said):
            call()
    with pytest.raises(mx.MXNetError, match="no parameter 'kind'"):
        amp.convert_symbol(sym, conditional_fp32_ops=[("Activation", "kind", ["relu"])])
    with pytest.raises(ValueError, match="there is no input 'q'"):
        amp.convert_symbol(sym, data_names=["q"])


def test_lists():
    assert mx.amp is amp and mx.contrib.amp is amp
    assert amp.list_lp16_ops("float16") == ["Convolution", "Deconvolution", "FullyConnected", "RNN"]
    assert amp.list_lp16_ops("bfloat16") == ["Convolution", "FullyConnected"]
    assert [len(f(np.float16)) for f in (amp.list_fp32_ops, amp.list_lp16_fp32_ops, amp.list_widest_type_cast)] \
        == [136, 318, 113]
    assert [len(f("bfloat16")) for f in (amp.list_fp32_ops, amp.list_lp16_fp32_ops, amp.list_widest_type_cast)] \
        == [438, 15, 109]
    in_one_list = [*amp.list_lp16_ops("bfloat16"), *amp.list_fp32_ops("bfloat16"),
                   *amp.list_lp16_fp32_ops("bfloat16"), *amp.list_widest_type_cast("bfloat16")]
    assert len(in_one_list) == len(set(in_one_list))
    assert amp.list_widest_type_cast("bfloat16")[62:67] == [
        "_Minimum", "_contrib_MultiBoxDetection", "_contrib_MultiBoxPrior", "_contrib_MultiBoxTarget",
        "_contrib_MultiProposal"]
    assert amp.list_conditional_fp32_ops("float16")[0] == ("Activation", "act_type", ["softrelu"])
    assert amp.list_loss_output_functions("bfloat16")[0] == "SoftmaxOutput"
    assert amp.list_lp16_use_fp32_params("float16") is None
    assert "BatchNorm" in amp.list_lp16_use_fp32_params("bfloat16")
    with pytest.raises(AssertionError, match="not supported type"):
        amp.list_lp16_ops("int8")


def run(code):
    """Runs a program of its own, since amp.init() is for the whole process."""
    done = subprocess.run(
        [sys.executable, "-c", "import gemel as mx, numpy as np, json\namp = mx.contrib.amp\n" + code],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr


def test_init_casts_calls():
    run("""
amp.init()
amp.init()  # changes nothing
a = mx.nd.ones((2, 3)); h = a.astype('float16')
assert mx.nd.FullyConnected(a, a, no_bias=True, num_hidden=2).dtype == np.float16
assert mx.nd.Convolution(mx.nd.ones((1, 2, 3, 3)), mx.nd.ones((2, 2, 1, 1)), kernel=(1, 1), num_filter=2,
                         no_bias=True).dtype == np.float16
for f in (lambda: mx.nd.elemwise_add(a, h), lambda: a + h, lambda: mx.nd.concat(a, h), lambda: h * a):
    assert f().dtype == np.float32
assert mx.nd.elemwise_add(h, h).dtype == np.float16 and mx.nd.exp(h).dtype == np.float16
assert mx.nd.dot(a, a.T).dtype == np.float32
def nodes(s):
    return [n['op'] + ' ' + n['name'] for n in json.loads(s.tojson(remove_amp_cast=False))['nodes'] if n['op'] != 'null']
x, y = mx.sym.var('x'), mx.sym.var('y')
assert nodes(mx.sym.FullyConnected(x, num_hidden=3, name='fc')) == [
    'amp_cast amp_cast0', 'amp_cast amp_cast1', 'amp_cast amp_cast2', 'FullyConnected fc']
assert nodes(mx.sym.exp(x, name='e')) == ['amp_cast amp_cast3', 'exp e']
assert nodes(mx.sym.elemwise_add(x, y, name='q')) == ['amp_multicast amp_multicast0', 'elemwise_add q']
assert nodes(mx.sym.Activation(x, act_type='tanh', name='a')) == ['Activation a']
assert nodes(mx.sym.Activation(x, act_type='softrelu', name='a')) == ['amp_cast amp_cast4', 'Activation a']
net = mx.gluon.nn.Dense(3, prefix='dense0_'); net.initialize(); net.hybridize()
assert net(a).dtype == np.float16
assert nodes(net._cached_graph[1])[-1] == 'FullyConnected dense0_fwd'
x = mx.nd.ones((2, 3)); w = mx.nd.ones((4, 3)); w.attach_grad()
with mx.autograd.record():
    mx.nd.FullyConnected(x, w, no_bias=True, num_hidden=4).backward()
assert w.grad.dtype == np.float32 and (w.grad.asnumpy() == 2).all()
""")


def test_loss_scale():
    run("""
trainer = lambda p: mx.gluon.Trainer({'w': p}, 'sgd', {'learning_rate': 1.0})
p = mx.gluon.Parameter('w', shape=(2,)); p.initialize(mx.init.One())
def refused(kind, f):
    try: f()
    except kind as error: return str(error)
    raise SystemExit('nothing was raised')
assert 'amp.init()' in refused(AssertionError, lambda: amp.init_trainer(trainer(p)))
assert 'float16 or bfloat16' in refused(AssertionError, lambda: amp.init('float64'))
amp.init()
t = trainer(p)
assert amp.init_trainer(t) is None
scaler = t._amp_loss_scaler
def step(factor):
    with mx.autograd.record():
        with amp.scale_loss(p.data() * factor, t) as scaled:
            mx.autograd.backward(scaled)
    gradient = p.grad().asnumpy()[0]
    t.step(1)
    return gradient, p.data().asnumpy()[0], scaler.loss_scale
assert step(3) == (3 * 65536, -2, 65536)
assert step(float('inf')) == (float('inf'), -2, 65536)  # left out
assert step(3) == (3 * 65536, -5, 32768)
with mx.autograd.record():
    with amp.scale_loss([p.data() * 3, p.data() * 2], t) as scaled:
        assert isinstance(scaled, list)
        mx.autograd.backward(scaled)
amp.unscale(t)
assert p.grad().asnumpy()[0] == 5
t.step(1)
assert p.data().asnumpy()[0] == -10
scaler._scale_seq_len, scaler._unskipped = 2, 0
assert [step(0)[2] for _ in range(5)] == [32768, 32768, 65536, 65536, 131072]
scaler._loss_scale = scaler._next_loss_scale = 0.25
scaler.tell_loss_outputs()
x = mx.nd.array([[1., 2.]]); x.attach_grad()
with mx.autograd.record():
    out = mx.nd.SoftmaxOutput(x, mx.nd.array([0.]), grad_scale=2)
out.backward()
assert np.allclose(x.grad.asnumpy(), [[-0.3655293, 0.3655293]])
assert amp.unscale(trainer(p)) is None
assert 'optimizer' in refused(TypeError, lambda: amp.unscale(3))
assert 'only compatible' in refused(TypeError, lambda: amp.init_trainer(mx.optimizer.SGD()))
refused(AttributeError, lambda: amp.scale_loss(x, trainer(p)).__enter__())
""")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("hybridize", [False, True])
def test_training_converges(dtype, hybridize):
    run(f"""
amp.init('{dtype}')
mx.random.seed(0); np.random.seed(0)
net = mx.gluon.nn.HybridSequential()
net.add(mx.gluon.nn.Conv2D(8, 3, activation='relu'), mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(2))
net.initialize(mx.init.Xavier())
if {hybridize}: net.hybridize()
trainer = mx.gluon.Trainer(net.collect_params(), 'sgd', {{'learning_rate': 0.1, 'momentum': 0.9}})
amp.init_trainer(trainer)
data = np.random.randn(64, 1, 6, 6).astype('f')
label = (data.sum((1, 2, 3)) > 0).astype('f')
x, y = mx.nd.array(data), mx.nd.array(label)
loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
values = []
for _ in range(40):
    with mx.autograd.record():
        one = loss(net(x), y)
        with amp.scale_loss(one, trainer) as scaled:
            mx.autograd.backward(scaled)
    trainer.step(64)
    values.append(float(one.mean().asscalar()))
assert all(np.dtype(p.dtype) == np.float32 for p in net.collect_params().values())
assert values[-1] < 0.2 * values[0], values
""")
