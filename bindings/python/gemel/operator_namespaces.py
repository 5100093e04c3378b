"""Fills the `nd` and `sym` packages with one function per registered operator.

1.9.1's rule: a prefix of the name says the namespace (`_random_uniform` is `random.uniform`); other
names that begin with an underscore go to `_internal`; the rest are in the package itself and in `op`.
"""
import types

from . import _core

_PREFIXES = {"_contrib_": "contrib", "_linalg_": "linalg", "_sparse_": "sparse", "_image_": "image",
             "_random_": "random"}


def _place(name):
    for prefix, namespace in _PREFIXES.items():
        if name.startswith(prefix):
            return namespace, name[len(prefix):]
    if name.startswith("_"):
        return "_internal", name
    return "op", name


def fill(package, symbolic):
    """Add every operator's function to `package` (a module's dictionary); returns the namespaces."""
    package_name = package["__name__"]
    namespaces = {}

    def namespace(name):
        if name not in namespaces:
            namespaces[name] = types.ModuleType(f"{package_name}.{name}", f"Operators: {name}.")
        return namespaces[name]

    for name in ("op", "_internal", "random", "linalg", "contrib", "sparse", "image"):
        namespace(name)
    for name in _core.operator_names():
        function = _core.operator_function(name, symbolic)
        where, short = _place(name)
        setattr(namespace(where), short, function)
        if where == "op":
            package.setdefault(name, function)
        elif where != "_internal":
            setattr(namespaces["_internal"], name, function)
    return namespaces


# Methods of arrays and symbols that are an operator with the object as its first input.
FLUENT = """abs arccos arccosh arcsin arcsinh arctan arctanh argmax argmax_channel argmin argsort
broadcast_axes broadcast_like broadcast_to cbrt ceil clip cos cosh degrees depth_to_space diag exp
expand_dims expm1 fix flatten flip floor log log10 log1p log2 log_softmax max mean min nanprod nansum
norm one_hot ones_like pad pick prod radians rcbrt reciprocal relu repeat reshape_like rint round rsqrt
shape_array sigmoid sign sin sinh size_array slice slice_axis slice_like softmax softmin sort
space_to_depth split sqrt square squeeze sum swapaxes take tan tanh tile topk transpose trunc
zeros_like""".split()


def add_methods(cls, op):
    """Give `cls` the fluent methods whose operators exist in the namespace `op`."""
    for name in FLUENT:
        function = getattr(op, name, None)
        if function is not None and not hasattr(cls, name):
            def method(self, *args, _function=function, **kwargs):
                return _function(self, *args, **kwargs)
            method.__name__ = name
            method.__doc__ = f"`{name}` with this as its first input."
            setattr(cls, name, method)
