"""`Block.save` and `Block.load`: the tree of blocks as JSON, beside the parameters.

A block stands in the tree under its class and its number in the order of a walk from the top, as in
1.9.1. What is restored: under which names parents keep their children, and which blocks are
hybridized; graphs are traced again.
"""
import json

from ..base import MXNetError


def _tree(block, counter):
    key = f"{block.__class__.__name__.lower()}{counter[0]}"
    counter[0] += 1
    own = {"orig_name": block.name}
    graph = getattr(block, "_graph", None)
    if graph is not None:
        inputs, output, in_format, out_format = graph
        own.update(in_format=in_format, out_format=out_format,
                   inputs=[one.tojson() for one in inputs], symbol=output.tojson())
    own["hybridized"] = bool(getattr(block, "_active", False))
    own["children"] = {child.name: name for name, child in block._children.items()}
    for child in block._children.values():
        child_key, child_tree = _tree(child, counter)
        own[child_key] = child_tree
    return key, own


def save_model(block, prefix):
    """Write `prefix-model.json` and `prefix-model.params`."""
    key, tree = _tree(block, [0])
    with open(f"{prefix}-model.json", "w", encoding="utf-8") as stream:
        json.dump({key: tree}, stream)
    block.save_parameters(f"{prefix}-model.params")


def _restore(block, key, tree, path):
    expected = block.__class__.__name__.lower()
    if key.rstrip("0123456789") != expected.rstrip("0123456789"):
        raise MXNetError(f"[load] {path} has a {key} where this model has a {expected}")
    parts = [(name, value) for name, value in tree.items()
             if isinstance(value, dict) and name != "children"]
    if len(parts) != len(block._children):
        raise MXNetError(f"[load] {path} has {len(parts)} children for {key}, this model "
                         f"{len(block._children)}")
    children = list(block._children.values())
    block._children.clear()
    for name, child in zip(tree["children"].values(), children):
        block._children[name] = child
    if tree["hybridized"] and not getattr(block, "_active", True):
        block._clear_cached_op()
        block._active = True
    for (name, value), child in zip(parts, children):
        _restore(child, name, value, path)


def load_model(block, prefix):
    """Read the two files into a block that was made in the same way."""
    path = f"{prefix}-model.json"
    with open(path, encoding="utf-8") as stream:
        (key, tree), = json.load(stream).items()
    _restore(block, key, tree, path)
    block.load_parameters(f"{prefix}-model.params")
