"""Nested lists of arrays or symbols, flattened and put together again."""

__all__ = ["flatten", "regroup"]


def flatten(value, cls, kind, what):
    """A flat list, and the form to nest it again.

    The form of one `cls` object is 0, or the number of its outputs where a symbol has several; of a
    list it is the list of forms. Anything else is an `AssertionError` that names `what` and `kind`.
    """
    if isinstance(value, cls):
        outputs = len(value.list_outputs()) if hasattr(value, "list_outputs") else 1
        return (list(value), outputs) if outputs > 1 else ([value], 0)
    if not isinstance(value, (list, tuple)):
        raise AssertionError(f"{what} must be (nested) list of {kind}, but got {value} of type {type(value)}")
    flat, form = [], []
    for one in value:
        part, own = flatten(one, cls, kind, what)
        flat.extend(part)
        form.append(own)
    return flat, form


def regroup(flat, form):
    """The nested value of which `flatten` made `flat` and `form`."""
    rest = iter(flat)

    def take(form):
        if form == 0 and not isinstance(form, list):
            return next(rest)
        if isinstance(form, int):
            return [next(rest) for _ in range(form)]
        return [take(own) for own in form]
    return take(form)
