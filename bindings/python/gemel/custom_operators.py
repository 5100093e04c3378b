"""Operators written in Python: `mx.operator.CustomOp`, used as `mx.nd.Custom` and `mx.sym.Custom`."""
__all__ = ["CustomOp", "CustomOpProp", "register", "get_all_registered"]

_registered = {}
_registered_objects = {}  # by keys that no user gives: objects of PythonOp


class CustomOp:
    """What a custom operator computes; a subclass offers `forward` and `backward`.

    An object belongs to one binding, or to one imperative call, so that `forward` may leave what
    `backward` needs in it. Both run on a thread of their own, and may call any operator and wait.
    The arrays they get are the graph's memory, good until the call returns: keep a copy, not them.
    """

    def forward(self, is_train, req, in_data, out_data, aux):
        """Compute the outputs: `self.assign(out_data[i], req[i], value)` for each of them."""

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        """Compute the gradients of the inputs: `self.assign(in_grad[i], req[i], value)`."""

    def assign(self, dst, req, src):
        """Put `src` into `dst`, as the request `req` says: "null", "write", "inplace" or "add"."""
        if req == "null":
            return
        if req in ("write", "inplace"):
            dst[:] = src
        elif req == "add":
            dst[:] += src


class CustomOpProp:
    """What a custom operator is: its names, shapes and types; made from the call's attributes as texts.

    Parameters
    ----------
    need_top_grad : bool
        Whether `backward` wants the gradients of the outputs; false for a loss.
    """

    def __init__(self, need_top_grad=True):
        self.need_top_grad_ = need_top_grad

    def infer_shape(self, in_shape):
        """(input shapes, output shapes[, state shapes]) from the inputs' shapes, as lists."""
        return in_shape, (in_shape[0],) * len(self.list_outputs()), ()

    def infer_type(self, in_type):
        """(input types, output types, state types) from the inputs' types."""
        return (in_type, [in_type[0]] * len(self.list_outputs()),
                [in_type[0]] * len(self.list_auxiliary_states()))

    def infer_storage_type(self, in_stype):
        """Storage types; all "default", since a custom operator gets dense arrays."""
        for kind in in_stype:
            assert kind == "default", \
                f"Default infer_storage_type implementation does not allow non-default stypes: found {kind}"
        return (in_stype, ["default"] * len(self.list_outputs()),
                ["default"] * len(self.list_auxiliary_states()))

    def infer_storage_type_backward(self, ograd_stype, in_stype, out_stype, igrad_stype, aux_stype):
        """Storage types of the backward pass; all "default"."""
        return tuple(["default"] * len(part)
                     for part in (ograd_stype, in_stype, out_stype, igrad_stype, aux_stype))

    def list_outputs(self):
        """Names of the outputs."""
        return ["output"]

    def list_arguments(self):
        """Names of the inputs."""
        return ["data"]

    def list_auxiliary_states(self):
        """Names of the states."""
        return []

    def declare_backward_dependency(self, out_grad, in_data, out_data):
        """The entries that `backward` reads, of those given."""
        needed = list(out_grad) if self.need_top_grad_ else []
        return needed + list(in_data) + list(out_data)

    def create_operator(self, ctx, in_shapes, in_dtypes):
        """A `CustomOp` for inputs of these shapes and dtypes (as numbers), on one context."""
        return CustomOp()

    def _needs_head_gradient(self):
        outputs = list(range(len(self.list_outputs())))
        inputs = [len(outputs) + i for i in range(len(self.list_arguments()))]
        results = [len(outputs) + len(inputs) + i for i in outputs]
        needed = self.declare_backward_dependency(list(outputs), inputs, results)
        return bool(set(needed) & set(outputs))

    def _infer_shapes(self, shapes):
        if shapes and (not shapes[0] or -1 in shapes[0]):
            return None
        shapes = [[max(axis, 0) for axis in shape] for shape in shapes]
        result = tuple(self.infer_shape(shapes))
        states = self.list_auxiliary_states()
        if len(result) == 2:
            result += ([],)
        if len(result) != 3:
            raise AssertionError(f"infer_shape must return 2 or 3 lists, got {len(result)}")
        names = (self.list_arguments(), self.list_outputs(), states)
        for part, expected, what in zip(result, names, ("input", "output", "aux state")):
            if len(part) != len(expected):
                raise AssertionError(f"InferShape Error: expecting {len(expected)} entries in returned {what} "
                                     f"shapes, got {len(part)}.")
        return tuple([tuple(shape) for shape in part] for part in result)

    def _infer_types(self, types):
        if types and types[0] is None:
            return None
        types = [types[0] if one is None else one for one in types]
        result = tuple(self.infer_type(types))
        if len(result) == 2:
            result += ([],)
        if len(result) != 3:
            raise AssertionError(f"infer_type must return 2 or 3 lists, got {len(result)}")
        return result


def register(reg_name):
    """A class decorator that makes a `CustomOpProp` known as `op_type=reg_name`; the newest counts."""
    def do_register(prop_cls):
        _registered[reg_name] = prop_cls
        return prop_cls
    return do_register


def get_all_registered():
    """Names of the registered custom operators."""
    return sorted(_registered)


def _make_kind(op_type, attributes):
    kind = _registered.get(op_type) or _registered_objects.get(op_type)
    return kind(**attributes) if kind else None


def _run(function, outputs):
    from . import autograd
    was_recording = autograd.set_recording(False)
    try:
        function()
        for array in outputs:  # what the operator's calls have pushed is part of its work
            array.wait_to_read()
    finally:
        autograd.set_recording(was_recording)


def _run_forward(operator, training, in_data, out_data, aux):
    from . import autograd
    was_training = autograd.set_training(training)
    try:
        _run(lambda: operator.forward(is_train=training, req=["write"] * len(out_data), in_data=in_data,
                                      out_data=out_data, aux=aux), out_data + aux + in_data)
    finally:
        autograd.set_training(was_training)


def _run_backward(operator, out_grad, in_data, out_data, in_grad, aux):
    from . import autograd
    was_training = autograd.set_training(True)
    try:
        _run(lambda: operator.backward(req=["write"] * len(in_grad), out_grad=out_grad, in_data=in_data,
                                       out_data=out_data, in_grad=in_grad, aux=aux), in_grad + aux + in_data)
    finally:
        autograd.set_training(was_training)
