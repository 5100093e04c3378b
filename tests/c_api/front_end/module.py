"""Symbols, executors and Module from MXNet's own front end."""

import os
import sys

import mxnet as mx
import numpy as np

mx.random.seed(1)
np.random.seed(1)
X = np.random.randn(400, 10).astype("float32")
Y = (X @ np.random.randn(10, 3)).argmax(1).astype("float32")

# Symbols.
hidden = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=32, name="fc1"), act_type="relu")
network = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, num_hidden=3, name="fc2"), name="softmax")
assert network.list_arguments() == ["data", "fc1_weight", "fc1_bias", "fc2_weight", "fc2_bias", "softmax_label"]
assert network.list_outputs() == ["softmax_output"] and network.list_auxiliary_states() == []
shapes, outputs, _ = network.infer_shape(data=(4, 10))
assert shapes[1] == (32, 10) and shapes[5] == (4,) and outputs == [(4, 3)]
assert network.infer_shape_partial()[1] == [()]
assert network.infer_type(data="float64")[1] == [np.float64]
assert mx.sym.load_json(network.tojson()).tojson() == network.tojson()
internals = network.get_internals()
assert "fc1_output" in internals.list_outputs()
assert internals["fc1_output"].list_arguments() == ["data", "fc1_weight", "fc1_bias"]
assert network.attr_dict()["fc1"]["num_hidden"] == "32"
assert len(mx.sym.Group([hidden, network])) == 2
composed = mx.sym.FullyConnected(num_hidden=2, name="outer")(outer_data=mx.sym.Variable("x") * 2, name="outer")
assert "x" in composed.list_arguments()
with mx.AttrScope(ctx_group="dev1"):
    assert mx.sym.Variable("v").attr("__ctx_group__") == "dev1"

# Executors.
executor = network.simple_bind(mx.cpu(), data=(4, 10))
executor.arg_dict["data"][:] = X[:4]
executor.arg_dict["softmax_label"][:] = Y[:4]
executor.forward(is_train=True)
np.testing.assert_allclose(executor.outputs[0].asnumpy(), np.full((4, 3), 1 / 3), rtol=1e-5)
executor.backward()
expected = (np.full((4, 3), 1 / 3) - np.eye(3)[Y[:4].astype(int)]).sum(0)
np.testing.assert_allclose(executor.grad_dict["fc2_bias"].asnumpy(), expected, rtol=1e-4, atol=1e-6)
seen = []
executor.set_monitor_callback(lambda name, array: seen.append((name, array)), monitor_all=False)
executor.forward()
assert "fc1_output" in [name if isinstance(name, str) else name.decode() for name, _ in seen]
assert executor.reshape(data=(2, 10), partial_shaping=True).forward()[0].shape == (2, 3)
assert "fc1" in executor.debug_str()

# Modules.
batches = mx.io.NDArrayIter(X, Y, batch_size=40, shuffle=True)
for optimizer, rate in (("sgd", 0.5), ("adam", 0.01), ("nag", 0.1)):
    module = mx.mod.Module(network)
    batches.reset()
    module.fit(batches, num_epoch=8, optimizer=optimizer, optimizer_params={"learning_rate": rate},
               initializer=mx.init.Xavier())
    accuracy = module.score(batches, "acc")[0][1]
    assert accuracy > 0.85, (optimizer, accuracy)
prefix = os.path.join(sys.argv[1], "network")
module.save_checkpoint(prefix, 1, save_optimizer_states=True)
again = mx.mod.Module.load(prefix, 1, load_optimizer_states=True)
again.bind(batches.provide_data, batches.provide_label)
again.init_optimizer(optimizer="nag")
assert abs(again.score(batches, "acc")[0][1] - accuracy) < 1e-6

# Two contexts and the key-value store.
module = mx.mod.Module(network, context=[mx.cpu(0), mx.cpu(1)])
batches.reset()
module.fit(batches, num_epoch=8, kvstore="local", optimizer="adam", optimizer_params={"learning_rate": 0.01},
           initializer=mx.init.Xavier())
assert module.score(batches, "acc")[0][1] > 0.85

# Files of other formats.
rows = os.path.join(sys.argv[1], "rows.csv")
np.savetxt(rows, X[:8], delimiter=",")
csv = mx.io.CSVIter(data_csv=rows, data_shape=(10,), batch_size=4)
np.testing.assert_allclose(next(csv).data[0].asnumpy(), X[:4], rtol=1e-5)

# Groups with devices of their own, monitors, executors that share.
with mx.AttrScope(ctx_group="first"):
    lower = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=4, name="lower")
with mx.AttrScope(ctx_group="second"):
    upper = mx.sym.FullyConnected(lower, num_hidden=2, name="upper")
groups = {"first": mx.cpu(0), "second": mx.cpu(1)}
executor = upper.simple_bind(mx.cpu(0), group2ctx=groups, data=(3, 5))
assert executor.arg_dict["lower_weight"].context == mx.cpu(0)
assert executor.arg_dict["upper_weight"].context == mx.cpu(1)
for array in executor.arg_arrays:
    array[:] = 0.5
assert executor.forward()[0].context == mx.cpu(1)
np.testing.assert_allclose(executor.outputs[0].asnumpy(), np.full((3, 2), 4 * 0.5 * (5 * 0.25 + 0.5) + 0.5))
seen = []
executor.set_monitor_callback(lambda name, array: seen.append(name), monitor_all=True)
executor.forward(is_train=True)
names = [name if isinstance(name, str) else name.decode() for name in seen]
assert "lower_output" in names and "lower_weight" in names and "data" in names, names
monitored = mx.mod.Module(network)
monitor = mx.mon.Monitor(1, pattern=".*weight|.*output")
batches.reset()
monitored.fit(batches, num_epoch=1, monitor=monitor)
