"""The networks as ONNX, for the sides that read it: inference, normalizations folded by the reader."""
import onnx
from convnet import graph
from onnx import TensorProto, helper, numpy_helper


def _node(step):
    """The operator of a step and its attributes."""
    if step.op == "Convolution":
        return "Conv", {"strides": step.get("stride", (1, 1)),
                        "pads": step.get("pad", (0, 0)) * 2, "kernel_shape": step.get("kernel")}
    if step.op == "FullyConnected":
        return "Gemm", {"transB": 1}
    if step.op == "Activation":
        return "Relu", {}
    if step.op == "BatchNorm":
        return "BatchNormalization", {"epsilon": step.get("eps", 1e-3)}
    if step.op == "Flatten":
        return "Flatten", {}
    if step.op == "Concat":
        return "Concat", {"axis": 1}
    if step.op in ("elemwise_add", "_Plus"):
        return "Add", {}
    if step.op == "Pooling" and step.get("global_pool", False):
        return "GlobalAveragePool", {}
    if step.op == "Pooling":
        kind = "MaxPool" if step.get("pool_type") == "max" else "AveragePool"
        return kind, {"kernel_shape": step.get("kernel"), "strides": step.get("stride", (1, 1)),
                      "pads": step.get("pad", (0, 0)) * 2,
                      "ceil_mode": int(step.get("pooling_convention", "valid") == "full")}
    raise NotImplementedError(step.op)


def model(network, batch):
    """The file's content; input "data", output "scores"."""
    nodes, renamed = [], {}
    for step in network.steps:
        inputs = [renamed.get(name, name) for name in step.inputs]
        if step.op == "Dropout":
            renamed[step.name] = inputs[0]
            continue
        kind, attributes = _node(step)
        if kind == "Gemm":
            nodes.append(helper.make_node("Flatten", inputs, [step.name + "_flat"]))
            inputs = [step.name + "_flat"]
        nodes.append(helper.make_node(kind, inputs + step.weights, [step.name], **attributes))
    nodes[-1].output[0] = "scores"
    tensor = helper.make_tensor_value_info
    graph_proto = helper.make_graph(
        nodes, "network", [tensor("data", TensorProto.FLOAT, (batch, 3, 224, 224))],
        [tensor("scores", TensorProto.FLOAT, (batch, 1000))],
        [numpy_helper.from_array(array, name) for name, array in network.arrays.items()])
    made = helper.make_model(graph_proto, opset_imports=[helper.make_opsetid("", 13)],
                             ir_version=8)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def inference_cases(start):
    """The CASES of a side without training; `start(model, batch, threads)` gives a function of images
    that gives scores."""
    def make(network, _, batch, threads):
        run, data = start(model(network, batch), batch, threads), graph.images(batch)
        return graph.runs(lambda: run(data)[0])
    return graph.cases(make) if graph.settings()[2] == "inference" else {}
