"""Writes the files beside it. Run with MXNet 1.9.1: `python write.py`."""
import json
import pickle
from pathlib import Path

import models
import mxnet as mx
import numpy as np

here = Path(__file__).resolve().parent
mx.random.seed(7)
np.random.seed(7)
images, _ = models.digits()
curves = {}
for name, make in models.MODELS.items():
    net = make(mx)
    net.initialize(mx.init.Xavier())
    net(mx.nd.array(images[:1]))
    net.save_parameters(str(here / f"{name}.params"))
    for optimizer in models.OPTIMIZERS:
        net = make(mx)
        net.load_parameters(str(here / f"{name}.params"))
        curves[f"{name}-{optimizer}"], trainer = models.train(mx, net, optimizer)
    if name == "cnn":
        # The last one, trained with Adam, is exported.
        net.hybridize()
        output = net(mx.nd.array(images[:4]))
        net.export(str(here / "exported"), epoch=3)
        trainer.save_states(str(here / "trainer.states"))

data = mx.nd.array(images[:models.BATCH])
shapes, _, auxiliary_shapes = models.symbol(mx).infer_shape(data=data.shape)
arguments = {name: mx.nd.random.normal(scale=0.2, shape=shape) for name, shape
             in zip(models.symbol(mx).list_arguments(), shapes) if name not in ("data", "softmax_label")}
auxiliary = {name: mx.nd.full(shape, float("var" in name)) for name, shape
             in zip(models.symbol(mx).list_auxiliary_states(), auxiliary_shapes)}
mx.model.save_checkpoint(str(here / "module"), 0, models.symbol(mx), arguments, auxiliary)
for optimizer in models.OPTIMIZERS:
    _, curves[f"module-{optimizer}"] = models.fit(mx, arguments, auxiliary, optimizer)

pickles = [pickle.dumps({"half": mx.nd.array([[1, 2.5], [-3, 4]], dtype="float16"),
                         "empty": mx.nd.NDArray(None)}, protocol=protocol) for protocol in (2, 4)]
(here / "arrays.pickles").write_bytes(b"".join(pickles))
(here / "expected.json").write_text(json.dumps({"curves": curves, "output": output.asnumpy().tolist()}))
