"""OpenVINO, in float32."""
import openvino
from convnet import onnx_model

VERSION = openvino.__version__


def _start(model, _, threads):
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    return lambda data: request.infer({"data": data}, share_inputs=True)["scores"]


CASES = onnx_model.inference_cases(_start)
