"""Operators by registered name, through the public functions of a front end with MXNet's API."""


# Random only in training and with parameters that no sample has.
DRAWS_NOTHING = ("RNN", "LeakyReLU")


def draws(op):
    """Whether an operator's samples give random results."""
    return op["random"] and op["name"] not in DRAWS_NOTHING


def function(namespace, name):
    """mx.nd.X or mx.sym.X, wherever the front end files that name."""
    places = [namespace, getattr(namespace, "_internal", None), getattr(namespace, "op", None)]
    for place in places:
        found = getattr(place, name, None)
        if callable(found):
            return found
    for prefix in ("_contrib_", "_linalg_", "_random_", "_image_", "_sparse_"):
        if name.startswith(prefix):
            place = getattr(namespace, prefix.strip("_"), None)
            found = getattr(place, name[len(prefix) :], None)
            if callable(found):
                return found
    if name.startswith("_np_") and hasattr(namespace, name[len("_np_") :]):
        return getattr(namespace, name[len("_np_") :])
    raise LookupError(f"no function for operator {name}")


def as_list(result):
    return list(result) if isinstance(result, (list, tuple)) else [result]


def imperative(mx, name, arrays, attributes, **options):
    return as_list(function(mx.nd, name)(*arrays, **attributes, **options))


def symbolic(mx, name, count, attributes):
    """The operator on variables x0, x1, ...; those that are auxiliary become auxiliary states."""
    variables = [mx.sym.var(f"x{i}") for i in range(count)]
    return function(mx.sym, name)(*variables, **attributes, name="node")


def infer_dtypes(mx, name, count, attributes, dtype):
    """The inputs' types, once all that can be of `dtype` are; None where the operator refuses it."""
    if not count:
        return []
    symbol = symbolic(mx, name, count, attributes)
    names = symbol.list_arguments()
    for given in ({"x0": dtype}, {name: dtype for name in names}):
        try:
            known, _, auxiliary = symbol.infer_type(**given)
            break
        except (mx.base.MXNetError, TypeError, ValueError):
            continue
    else:
        return None
    names = symbol.list_arguments() + symbol.list_auxiliary_states()
    if known is None:
        return [dtype] * count
    found = dict(zip(names, list(known) + list(auxiliary)))
    return [type_name(found.get(f"x{i}"), dtype) for i in range(count)]


def type_name(found, otherwise):
    if found is None:
        return otherwise
    if isinstance(found, str):
        return found
    name = getattr(found, "__name__", None) or str(found)
    return {"bool_": "bool"}.get(name, name)


def infer_shapes(mx, name, attributes, shapes):
    """Output shapes, or None where the operator refuses these input shapes."""
    symbol = symbolic(mx, name, len(shapes), attributes)
    try:
        _, outputs, _ = symbol.infer_shape(**{f"x{i}": tuple(s) for i, s in enumerate(shapes)})
    except (mx.base.MXNetError, TypeError, ValueError):
        return None
    return None if outputs is None else [list(shape) for shape in outputs]
