"""ONNX Runtime."""
import onnxruntime
from convnet import onnx_model

VERSION = onnxruntime.__version__


def _start(model, _, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda data: session.run(["scores"], {"data": data})[0]


CASES = onnx_model.inference_cases(_start)
