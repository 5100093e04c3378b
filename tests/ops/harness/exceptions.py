"""What the registry's properties cannot say: (check, operator or "operator/sample") -> the reason
why it is left out."""

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
    ("gradient", "batch_take"): "1.9.1 has no gradient for it",
    ("gradient", "_slice_assign"): "1.9.1 has no gradient for it",
    ("gradient", "_slice_assign_scalar"): "1.9.1 has no gradient for it",
    ("shape", "BatchNorm"): "1.9.1 does not look at the shapes of gamma, beta and the statistics",
    ("shape input0-axis", "broadcast_like"): "fewer axes are fine too: gradients need it",
    ("shape input0-axis", "reverse"): "1.9.1 does not check the axis",
    ("shape", "stack"): "1.9.1 does not compare the inputs' shapes",
    ("shape input0+axis", "where"): "1.9.1 does not compare the condition's shape",
    ("shape input0+1", "where"): "1.9.1 does not compare the condition's shape",
    ("shape 1->5", "broadcast_like/1"): "1.9.1 takes no axis that has the length already",
    ("value", "log_softmax/3"): "1.9.1's logarithm of exactly 1 is 1e-6",
    ("gradient", "log_softmax/3"): "1.9.1's logarithm of exactly 1 is 1e-6",
    ("dtype float64", "mp_sgd_update"): "the second copy of the weight is float32",
    ("dtype float64", "mp_sgd_mom_update"): "the second copy of the weight is float32",
    ("shape", "InstanceNorm"): "1.9.1 does not look at the shapes of gamma and beta",
    ("size", "GroupNorm/0"): "1.9.1 infers shapes for gammas that do not fit the groups",
    ("size", "SequenceLast"): "the drawn lengths point behind a shorter sequence",
    ("size", "SequenceReverse/1"): "the drawn lengths are longer than a shorter sequence",
    ("gradient", "RNN/6"): "1.9.1 has no training with projection on CPUs",
    ("shape", "GroupNorm"): "1.9.1 does not look at the shapes of gamma and beta",
    ("shape", "LeakyReLU/0"): "1.9.1 does not look at the shape of gamma",
    ("gradient", "LeakyReLU/3"): "1.9.1's gradient of selu is not the derivative of its value",
    ("value", "_scatter_set_nd"): "1.9.1 runs it only in place",
    ("size", "softmax_cross_entropy"): "the drawn labels are outside of fewer classes",
}


def excused(check, case):
    return EXCEPTIONS.get((check, case.name)) or EXCEPTIONS.get((check, case.key))
