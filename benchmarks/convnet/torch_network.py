"""The networks in PyTorch, for the sides torch, torch_channels_last and torch_compile."""
import torch
import torch.nn.functional as F
from convnet import graph
from torch import nn

VERSION = torch.__version__
FORMATS = {"eager": torch.contiguous_format, "channels_last": torch.channels_last}


class Network(nn.Module):
    """The steps of a graph, one after the other."""

    def __init__(self, network):
        super().__init__()
        self.steps = network.steps
        for name, array in network.arrays.items():
            value = torch.from_numpy(array)
            if name.endswith(("mean", "var")):
                self.register_buffer(name, value)
            else:
                self.register_parameter(name, nn.Parameter(value))

    def forward(self, data):
        """Scores."""
        values = {"data": data}
        for step in self.steps:
            values[step.name] = self.run(step, *[values[name] for name in step.inputs])
        return values[self.steps[-1].name]

    def run(self, step, *inputs):
        """One step."""
        data, weights = inputs[0], [getattr(self, name) for name in step.weights]
        if step.op == "Convolution":
            return F.conv2d(data, *weights, **({} if len(weights) > 1 else {"bias": None}),
                            stride=step.get("stride", (1, 1)), padding=step.get("pad", (0, 0)))
        if step.op == "FullyConnected":
            return F.linear(data.flatten(1), *weights)
        if step.op == "Activation":
            return F.relu(data)
        if step.op == "BatchNorm":
            gamma, beta, mean, variance = weights
            return F.batch_norm(data, mean, variance, gamma, beta, self.training,
                                1 - step.get("momentum", 0.9), step.get("eps", 1e-3))
        if step.op == "Dropout":
            return F.dropout(data, step.get("p", 0.5), self.training)
        if step.op == "Flatten":
            return data.flatten(1)
        if step.op == "Concat":
            return torch.cat(inputs, 1)
        if step.op in ("elemwise_add", "_Plus"):
            return inputs[0] + inputs[1]
        if step.op == "Pooling":
            return self.pool(step, data)
        raise NotImplementedError(step.op)

    @staticmethod
    def pool(step, data):
        """A pooling."""
        if step.get("global_pool", False):
            return F.adaptive_avg_pool2d(data, 1)
        function = F.max_pool2d if step.get("pool_type") == "max" else F.avg_pool2d
        return function(data, step.get("kernel"), step.get("stride", (1, 1)),
                        step.get("pad", (0, 0)),
                        ceil_mode=step.get("pooling_convention", "valid") == "full")


def maker(layout, compiled=False):
    """The `make` of a side."""
    def make(network, mode, batch, threads):
        torch.set_num_threads(threads)
        data = torch.from_numpy(graph.images(batch)).contiguous(memory_format=FORMATS[layout])
        module = Network(network).to(memory_format=FORMATS[layout])
        module.train(mode == "training")
        run = torch.compile(module) if compiled else module
        if mode == "inference":
            def infer():
                with torch.inference_mode():
                    return run(data)[0].tolist()
            return graph.runs(infer)
        label = torch.from_numpy(graph.labels(batch))

        def train():
            module.zero_grad(set_to_none=True)
            F.cross_entropy(run(data), label).backward()
        return graph.runs(train)
    return make
