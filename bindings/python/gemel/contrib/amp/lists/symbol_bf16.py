"""Operators by the type that mixed precision with bfloat16 computes them in: told by how they differ from float16's."""
from . import symbol_fp16 as _float16

# In bfloat16.
BF16_FUNCS = ["Convolution", "FullyConnected"]

# In the type of what they are given.
BF16_FP32_FUNCS = """
    abs _add BatchNorm BatchNormWithReLU clip Concat concat LRN Pooling relu shuffle _shuffle sqrt square tanh
""".split()

# Inputs that stay float32 beside data in bfloat16.
BF16_USE_FP32_PARAMS = {
    "BatchNormWithReLU": ["", "gamma", "beta", "moving_mean", "moving_var"],
    "BatchNorm": ["", "gamma", "beta", "moving_mean", "moving_var"],
}

# In float32 where a parameter has one of these values.
CONDITIONAL_FP32_FUNCS = _float16.CONDITIONAL_FP32_FUNCS

_DETECTION = ["_contrib_MultiBoxDetection", "_contrib_MultiBoxPrior", "_contrib_MultiBoxTarget"]
_IN_NO_LIST = """
    amp_cast amp_multicast CuDNNBatchNorm _TensorRT
    _contrib_interleaved_matmul_encdec_qk _contrib_interleaved_matmul_encdec_valatt
    _contrib_interleaved_matmul_selfatt_qk _contrib_interleaved_matmul_selfatt_valatt
""".split()

# In float32: whatever is in no other list.
FP32_FUNCS = [name for name in _float16.FP16_FUNCS + _float16.FP16_FP32_FUNCS + ["broadcast_mul"] + _float16.FP32_FUNCS
              if name not in BF16_FUNCS + BF16_FP32_FUNCS + _DETECTION + _IN_NO_LIST]

# In the widest type among their inputs.
WIDEST_TYPE_CASTS = [name for name in _float16.WIDEST_TYPE_CASTS
                     if name not in BF16_FP32_FUNCS + FP32_FUNCS + _IN_NO_LIST]
_place = WIDEST_TYPE_CASTS.index("_contrib_MultiProposal")
WIDEST_TYPE_CASTS[_place:_place] = _DETECTION

# Losses, whose gradients are scaled.
LOSS_OUTPUT_FUNCTIONS = _float16.LOSS_OUTPUT_FUNCTIONS
