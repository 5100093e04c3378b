"""`init` for training; `convert_model` and its kin for models that were trained in float32."""
import contextlib
import logging

import numpy as np

from ... import _core
from ... import optimizer as opt
from ...context import gpu
from ...gluon import HybridBlock, SymbolBlock, Trainer
from ...ndarray import NDArray
from ...symbol import Symbol
from . import lists
from .loss_scaler import LossScaler

__all__ = ["convert_bucketing_module", "convert_hybrid_block", "convert_model", "convert_symbol", "init",
           "init_trainer", "list_conditional_fp32_ops", "list_fp32_ops", "list_loss_output_functions",
           "list_lp16_fp32_ops", "list_lp16_ops", "list_lp16_use_fp32_params", "list_widest_type_cast",
           "scale_loss", "unscale"]

_state = {"initialized": False, "scaler": None}
# The type's number in a variable's `__dtype__`.
_DTYPE_NUMBERS = {"0": "float32", "2": "float16", "12": "bfloat16"}


def _is(target_dtype, name):
    if name == "float16":
        return target_dtype in ("float16", np.float16)
    # 1.9.1's bfloat16 is a NumPy structure of that name.
    names = getattr(target_dtype, "names", None)
    return target_dtype == "bfloat16" or bool(names) and names[0] == "bfloat16"


def _lists(target_dtype):
    """The lists for this type, and their prefix."""
    if _is(target_dtype, "float16"):
        return lists.symbol_fp16, "FP16"
    assert _is(target_dtype, "bfloat16"), "not supported type"
    return lists.symbol_bf16, "BF16"


def list_lp16_ops(target_dtype):
    """The operators that compute in `target_dtype`."""
    module, prefix = _lists(target_dtype)
    return getattr(module, prefix + "_FUNCS")


def list_fp32_ops(target_dtype):
    """The operators that compute in float32."""
    return _lists(target_dtype)[0].FP32_FUNCS


def list_lp16_fp32_ops(target_dtype):
    """The operators that compute in the type of what they are given."""
    module, prefix = _lists(target_dtype)
    return getattr(module, prefix + "_FP32_FUNCS")


def list_conditional_fp32_ops(target_dtype):
    """(operator, parameter, values): computed in float32 where the parameter has one of these."""
    return _lists(target_dtype)[0].CONDITIONAL_FP32_FUNCS


def list_widest_type_cast(target_dtype):
    """The operators that compute in the widest type among their inputs."""
    return _lists(target_dtype)[0].WIDEST_TYPE_CASTS


def list_loss_output_functions(target_dtype):
    """The losses, whose gradients are scaled."""
    return _lists(target_dtype)[0].LOSS_OUTPUT_FUNCTIONS


def list_lp16_use_fp32_params(target_dtype):
    """Inputs by operator that stay float32 beside data in `target_dtype`; None for float16."""
    return getattr(_lists(target_dtype)[0], "BF16_USE_FP32_PARAMS", None)


def _flat(conditions):
    """A row for each value."""
    return [(op, parameter, str(value)) for op, parameter, values in conditions for value in values]


def init(target_dtype="float16", target_precision_ops=None, conditional_fp32_ops=None, fp32_ops=None):
    """Compute with mixed precision from now on, before models are made.

    Convolutions and matrix products take their operands in `target_dtype`, operators of several inputs
    the widest type among theirs; in graphs, operators that need range or precision compute in float32.
    Parameters stay float32, gradients too. A second call changes nothing.

    Parameters
    ----------
    target_dtype : {'float16', 'bfloat16'}
    target_precision_ops, fp32_ops : list of str
        Instead of the lists of operators in `target_dtype` and in float32.
    conditional_fp32_ops : list of (str, str, list of str)
        Instead of the list of operators in float32 where a parameter has one of these values.
    """
    assert _is(target_dtype, "float16") or _is(target_dtype, "bfloat16"), \
        "AMP currently supports only float16 or bfloat16 as a target_dtype"
    if _state["initialized"]:
        return
    _state["initialized"] = True
    logging.info("Using AMP")
    target_dtype = "float16" if _is(target_dtype, "float16") else "bfloat16"

    def own(given, otherwise):
        return list(otherwise(target_dtype)) if given is None else list(given)

    _core.set_mixed_precision(
        target_dtype, own(target_precision_ops, list_lp16_ops), own(fp32_ops, list_fp32_ops),
        list(list_widest_type_cast(target_dtype)),
        _flat(own(conditional_fp32_ops, list_conditional_fp32_ops)),
        list(list_loss_output_functions(target_dtype)))
    _state["scaler"] = LossScaler()
    _state["scaler"]._of_loss_outputs = True


def init_trainer(optimizer_or_trainer):
    """Give a `gluon.Trainer` a dynamic loss scale: steps with gradients that overflow are left out."""
    assert _state["initialized"], "AMP not initialized, did you forget to call amp.init()?"
    if isinstance(optimizer_or_trainer, Trainer):
        # The first trainer's scale is that of loss outputs, too; others have one of their own.
        scaler, _state["scaler"] = _state["scaler"] or LossScaler(), None
        optimizer_or_trainer._amp_loss_scaler = scaler
        optimizer_or_trainer._amp_original_scale = optimizer_or_trainer._scale
        scaler.tell_loss_outputs()
    elif isinstance(optimizer_or_trainer, opt.Optimizer):
        raise TypeError("AMP is currently only compatible with Gluon Trainer")
    else:
        raise TypeError("optimizer_or_trainer should be a Gluon Trainer or an optimizer, instead is "
                        f"{type(optimizer_or_trainer)}")


@contextlib.contextmanager
def scale_loss(loss, optimizer_or_trainer):
    """The loss, or the list of losses, multiplied by the trainer's scale, for `autograd.backward`.

    The next `step` divides the gradients by it.
    """
    assert optimizer_or_trainer._amp_loss_scaler is not None, \
        "Loss scaler is not initialized, did you forget to call amp.init_trainer()?"
    scale = optimizer_or_trainer._amp_loss_scaler.loss_scale
    optimizer_or_trainer._scale = optimizer_or_trainer._amp_original_scale / scale
    if isinstance(loss, (list, tuple)):
        yield [one * scale for one in loss]
    else:
        yield scale * loss


def unscale(optimizer_or_trainer):
    """Divide the gradients by the scale now, for example to clip them before `step`."""
    if isinstance(optimizer_or_trainer, Trainer):
        if not hasattr(optimizer_or_trainer, "_amp_loss_scaler"):
            return
        for one in optimizer_or_trainer._params:
            if one.grad_req != "null":
                for grad in one.list_grad():
                    grad[:] = grad * optimizer_or_trainer._scale
        optimizer_or_trainer._scale = 1.0
    elif isinstance(optimizer_or_trainer, opt.Optimizer):
        raise TypeError("AMP is currently only compatible with Gluon Trainer")
    else:
        raise TypeError("optimizer_or_trainer should be a Gluon Trainer or an optimizer, instead is "
                        f"{type(optimizer_or_trainer)}")


def _check_names(value, what):
    assert isinstance(value, list) and all(isinstance(one, str) for one in value), \
        f"{what} should be a list of strs"


def _check_lists(target_dtype, target_ops, fp32_ops, conditional):
    """What 1.9.1 asserts of lists that a user gives."""
    known = {*list_lp16_ops(target_dtype), *list_fp32_ops(target_dtype),
             *list_lp16_fp32_ops(target_dtype), *(row[0] for row in list_conditional_fp32_ops(target_dtype)),
             *list_widest_type_cast(target_dtype)}
    only = {row[0] for row in conditional}
    unknown = {*target_ops, *fp32_ops, *only} - known
    assert not unknown, ("Can only choose ops from one of the three lists for lp16_ops and fp32_ops "
                         "1. amp.list_lp16_ops(target_dtype) 2. amp.list_fp32_ops(target_dtype) "
                         "3. amp.list_lp16_fp32_ops(target_dtype) "
                         f"4. amp.list_conditional_fp32_ops(target_dtype) Op {unknown} not in any of them")
    for first, second, one, other in (("target_dtype_ops", "fp32_ops", set(target_ops), set(fp32_ops)),
                                      ("target_dtype_ops", "conditional_fp32_ops", set(target_ops), only),
                                      ("conditional_fp32_ops", "fp32_ops", only, set(fp32_ops))):
        assert not one & other, ("Ops cannot be in two or more lists. Common ops in "
                                 f"{first} and {second} {one & other}")


def convert_symbol(sym, target_dtype="float16", target_dtype_ops=None, fp32_ops=None,
                   conditional_fp32_ops=None, excluded_sym_names=None, data_names=None,
                   cast_optional_params=False):
    """A symbol for mixed precision, with casts where its operators want them.

    Parameters
    ----------
    sym : Symbol
        A network in float32.
    target_dtype : {'float16', 'bfloat16'}
    target_dtype_ops, fp32_ops : list of str
        Instead of the lists of operators in `target_dtype` and in float32.
    conditional_fp32_ops : list of (str, str, list of str)
        (operator, parameter, values): in float32 where the parameter has one of the values.
    excluded_sym_names : list of str
        Nodes that stay in float32.
    data_names : list of str
        The inputs that are data; the others are the model's parameters and get a type.
    cast_optional_params : bool
        Whether parameters that an operator wants in `target_dtype` have it, without a cast.

    Returns
    -------
    Symbol
    """
    assert isinstance(sym, Symbol), "First argument to convert_symbol should be Symbol"
    assert isinstance(target_dtype, str) and target_dtype in ("float16", "bfloat16"), \
        "Only target_dtype float16 and bfloat16 are supported currently"
    if target_dtype_ops is None:
        target_dtype_ops = list_lp16_ops(target_dtype)
    else:
        _check_names(target_dtype_ops, "target_dtype_ops")
    if fp32_ops is None:
        fp32_ops = list_fp32_ops(target_dtype)
    else:
        _check_names(fp32_ops, "fp32_ops")
    if conditional_fp32_ops is None:
        conditional_fp32_ops = list_conditional_fp32_ops(target_dtype)
    else:
        assert isinstance(conditional_fp32_ops, list) and all(
            len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)
            and isinstance(row[2], list) for row in conditional_fp32_ops), \
            "conditional_fp32_ops should be a list of (str, str, list of str)"
    if excluded_sym_names is None:
        excluded_sym_names = []
    else:
        _check_names(excluded_sym_names, "excluded_sym_names")
    _check_lists(target_dtype, target_dtype_ops, fp32_ops, conditional_fp32_ops)
    parameters = []
    if data_names is not None:
        inputs = sym.list_inputs()
        unknown = [name for name in data_names if name not in inputs]
        if unknown:
            raise ValueError(f"[convert_symbol] data_names: there is no input '{unknown[0]}', the inputs "
                             f"are: {inputs}")
        parameters = [name for name in inputs if name not in data_names]
    return _core.reduce_precision(
        sym, target_dtype, list(target_dtype_ops), list(fp32_ops), list(list_widest_type_cast(target_dtype)),
        _flat(conditional_fp32_ops), list(excluded_sym_names), parameters, bool(cast_optional_params))


def _parameter_dtypes(sym):
    """The types that `convert_symbol` gave to parameters."""
    return {name: _DTYPE_NUMBERS[attributes["__dtype__"]]
            for name, attributes in sym.attr_dict().items()
            if attributes.get("__dtype__") in _DTYPE_NUMBERS}


def convert_model(sym, arg_params, aux_params, target_dtype="float16", target_dtype_ops=None,
                  fp32_ops=None, conditional_fp32_ops=None, excluded_sym_names=None,
                  cast_optional_params=False):
    """A model (symbol, arguments, auxiliary states) for mixed precision: `convert_symbol`, with the
    parameters cast as the symbol wants them.

    Returns
    -------
    (Symbol, dict of str to NDArray, dict of str to NDArray)
    """
    assert isinstance(sym, Symbol), "First argument to convert_model should be Symbol"
    assert isinstance(arg_params, dict), "Second argument to convert_model should be a dict of name to ndarray"
    assert isinstance(aux_params, dict), "Third argument to convert_model should be a dict of name to ndarray"
    assert isinstance(target_dtype, str) and target_dtype in ("float16", "bfloat16"), \
        "Only target_dtype float16 and bfloat16 are supported currently"
    if excluded_sym_names is not None:
        _check_names(excluded_sym_names, "excluded_sym_names")
    data_names = [name for name in sym.list_inputs() if name not in arg_params and name not in aux_params]
    converted = convert_symbol(sym, target_dtype, target_dtype_ops, fp32_ops, conditional_fp32_ops,
                               excluded_sym_names, data_names, cast_optional_params)
    dtypes = _parameter_dtypes(converted)

    def cast(params):
        return {name: array.astype(dtypes.get(name, array.dtype), copy=False)
                for name, array in params.items() if isinstance(array, NDArray)}

    return converted, cast(arg_params), cast(aux_params)


def convert_hybrid_block(block, target_dtype="float16", target_dtype_ops=None, fp32_ops=None,
                         conditional_fp32_ops=None, excluded_sym_names=None, ctx=gpu(0),
                         cast_optional_params=False):
    """A block for inference with mixed precision, from one that was hybridized and has run.

    `ctx` is where its parameters are; the rest is as in `convert_symbol`.

    Returns
    -------
    SymbolBlock
    """
    assert isinstance(block, HybridBlock), "block input should be a HybridBlock"
    if not block._cached_graph:
        raise RuntimeError("Please first call block.hybridize() and then run forward with this block at "
                           "least once before calling export.")
    inputs, sym = block._cached_graph
    names = [one.name for one in inputs]
    converted = convert_symbol(sym, target_dtype, target_dtype_ops, fp32_ops, conditional_fp32_ops,
                               excluded_sym_names, names, cast_optional_params)
    dtypes = _parameter_dtypes(converted)
    result = SymbolBlock(converted, inputs)
    contexts = list(ctx) if isinstance(ctx, (list, tuple)) else [ctx]
    own = result.collect_params()
    for name, one in block.collect_params().items():
        if name in own.keys():
            own[name].cast(dtypes.get(name, one.dtype))
            value = one.data(one.list_ctx()[0]).astype(dtypes.get(name, one.dtype), copy=False)
            own[name]._load_init(value, contexts)
    return result


def convert_bucketing_module(bucketing_mod, target_dtype="float16", target_dtype_ops=None, fp32_ops=None,
                             conditional_fp32_ops=None, excluded_sym_names=None,
                             cast_optional_params=False):
    """A `BucketingModule` whose symbols are converted, with the parameters of `bucketing_mod`."""
    from ...module import BucketingModule
    assert isinstance(bucketing_mod, BucketingModule), \
        "module should be instance of bucketing module"
    assert len(bucketing_mod._buckets) > 0, "Bucketing Module should not be empty"
    arg_params, aux_params = bucketing_mod.get_params()

    def convert(sym):
        return convert_model(sym, arg_params, aux_params, target_dtype, target_dtype_ops, fp32_ops,
                             conditional_fp32_ops, excluded_sym_names, cast_optional_params)

    def sym_gen(key):
        sym, data_names, label_names = bucketing_mod._sym_gen(key)
        return convert(sym)[0], data_names, label_names

    result = BucketingModule(sym_gen, bucketing_mod._default_bucket_key,
                             context=bucketing_mod._options["context"])
    default = bucketing_mod._buckets[bucketing_mod._default_bucket_key]
    _, arg_params, aux_params = convert(default.symbol)
    result.bind(default.data_shapes, default.label_shapes, for_training=False)
    result.set_params(arg_params, aux_params)
    return result
