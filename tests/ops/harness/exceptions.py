"""What the registry's properties cannot say: (check, operator) -> the reason why it is left out."""

EXCEPTIONS = {
    ("value", "amp_cast"): "1.9.1 cannot cast this sample to float64 on a CPU (oneDNN)",
    ("gradient", "amp_cast"): "1.9.1 cannot cast this sample to float64 on a CPU (oneDNN)",
    ("gradient", "_grad_add"): "1.9.1 has no gradient for it",
    ("gradient", "softmax_cross_entropy"): "1.9.1 refuses a gradient for the label",
    ("dtype int8", "Convolution"): "1.9.1 runs it through a quantised kernel with other results",
    ("size", "argmax"): "1.9.1 infers a shape, but no index can point into nothing",
    ("size", "argmin"): "1.9.1 infers a shape, but no index can point into nothing",
    ("size", "argmax_channel"): "1.9.1 infers a shape, but no index can point into nothing",
    ("size", "take"): "no index points into an empty axis",
    ("size", "pick"): "no index points into an empty axis",
    ("size", "gather_nd"): "no index points into an empty axis",
    ("gradient", "Embedding"): "1.9.1 refuses a gradient for the indices",
    ("gradient", "_slice_assign"): "1.9.1 has no gradient for it",
    ("gradient", "_slice_assign_scalar"): "1.9.1 has no gradient for it",
    ("size", "softmax_cross_entropy"): "the drawn labels are outside of fewer classes",
}


def excused(check, operator):
    return EXCEPTIONS.get((check, operator))
