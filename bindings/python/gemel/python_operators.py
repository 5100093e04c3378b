"""The operators in Python that `CustomOp` has replaced: `mx.operator.NumpyOp` and `NDArrayOp`."""
import itertools
import warnings

from .custom_operators import CustomOp, CustomOpProp, _registered_objects

_count = itertools.count()


class PythonOp:
    """What both have in common; a subclass offers `forward`, `backward`, `infer_shape` and the names, which are
    given as for `CustomOpProp`, and `need_top_grad=False` if it is a loss."""

    def __init__(self, need_top_grad=True):
        self.need_top_grad_ = need_top_grad
        warnings.warn("PythonOp has been deprecated. Please use CustomOp")

    def __call__(self, *args, **kwargs):
        return self.get_symbol(*args, **kwargs)

    def get_symbol(self, *args, **kwargs):
        """A Symbol of this operator on input symbols."""
        raise NotImplementedError("Must override this")

    def forward(self, in_data, out_data):
        """Compute the outputs; by default the first is the first input."""
        out_data[0][:] = in_data[0]

    def backward(self, out_grad, in_data, out_data, in_grad):
        """Compute the gradients of the inputs; by default the first is 1."""
        in_grad[0][:] = 1.0

    def infer_shape(self, in_shape):
        """(input shapes, output shapes) from the inputs' shapes, as lists."""
        return in_shape, [in_shape[0]]

    list_outputs, list_arguments = CustomOpProp.list_outputs, CustomOpProp.list_arguments

    def need_top_grad(self):
        """Whether `backward` wants the gradients of the outputs."""
        return self.need_top_grad_

    def _symbol(self, run, hint, args, kwargs):
        """A Custom symbol that calls this object; `run(function, inputs, outputs)` gives it its arrays."""
        from . import symbol
        from .name import NameManager
        key = f"{hint}{next(_count)}"
        _registered_objects[key] = _Prop(self, run)
        name = NameManager.current.get(kwargs.pop("name", None), hint)
        return symbol.Custom(*args, op_type=key, name=name, **kwargs)


class _Op(CustomOp):
    def __init__(self, owner, run):
        self.owner, self.run = owner, run

    def forward(self, is_train, req, in_data, out_data, aux):
        self.run(lambda inputs, outputs: self.owner.forward(in_data=inputs[0], out_data=outputs),
                 [in_data], out_data)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.run(lambda inputs, outputs: self.owner.backward(
            out_grad=inputs[0], in_data=inputs[1], out_data=inputs[2], in_grad=outputs),
            [out_grad, in_data, out_data], in_grad)


class _Prop(CustomOpProp):
    def __init__(self, owner, run):
        super().__init__(owner.need_top_grad())
        self.owner, self.run = owner, run
        self.list_arguments, self.list_outputs = owner.list_arguments, owner.list_outputs
        if hasattr(owner, "declare_backward_dependency"):
            self.declare_backward_dependency = owner.declare_backward_dependency

    def __call__(self, **attributes):
        return self

    def infer_shape(self, in_shape):
        return (*self.owner.infer_shape(in_shape), [])

    def create_operator(self, ctx, in_shapes, in_dtypes):
        return _Op(self.owner, self.run)


def _on_numpy(function, inputs, outputs):
    values = [array.asnumpy() for array in outputs]
    function([[array.asnumpy() for array in arrays] for arrays in inputs], values)
    for array, value in zip(outputs, values):
        array[:] = value


class NumpyOp(PythonOp):
    """An operator on NumPy arrays in symbols; `forward` and `backward` write into those of `out_data` and `in_grad`."""

    def __init__(self, need_top_grad=True):
        super().__init__(need_top_grad)
        warnings.warn("NumpyOp has been deprecated. Please use CustomOp")

    def get_symbol(self, *args, **kwargs):
        """A Symbol of this operator on input symbols."""
        return self._symbol(_on_numpy, "_native", args, kwargs)


class NDArrayOp(PythonOp):
    """An operator on NDArrays in symbols; `forward` and `backward` write into those of `out_data` and `in_grad`."""

    def __init__(self, need_top_grad=True):
        super().__init__(need_top_grad)
        warnings.warn("NDArrayOp has been deprecated. Please use CustomOp")

    def get_symbol(self, *args, **kwargs):
        """A Symbol of this operator on input symbols."""
        return self._symbol(lambda function, inputs, outputs: function(inputs, outputs), "_ndarray", args, kwargs)

    declare_backward_dependency = CustomOpProp.declare_backward_dependency
