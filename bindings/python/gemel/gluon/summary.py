"""The table of layers that `Block.summary` prints."""
from .nn import HybridSequential, Sequential


def _shapes(value):
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shapes(one) for one in value) + "]"
    return str(getattr(value, "shape", value))


def _all_shapes(values):
    return ", ".join(_shapes(one) for one in values) if isinstance(values, (list, tuple)) \
        else _shapes(values)


def _size(shape):
    size = 1
    for extent in shape:
        size *= extent
    return size


def print_block_summary(block, inputs):
    """Run `block` on `inputs` and print each leaf's output shape and number of parameters."""
    rows, handles, seen = [], [], set()
    totals = {"all": 0, "trainable": 0, "shared": 0}

    def watch(one):
        assert not getattr(one, "_active", False), \
            f'"{one.name}" must not be hybridized to print summary.'
        # Containers only pass on what their children do.
        if isinstance(one, (Sequential, HybridSequential)):
            return

        def hook(layer, _, outputs):
            count = 0
            for parameter in layer.params.values():
                size = _size(parameter.shape)
                count += size
                totals["all"] += size
                totals["trainable"] += size if parameter.grad_req != "null" else 0
                if parameter in seen:
                    totals["shared"] += size
                seen.add(parameter)
            rows.append((f"{layer.__class__.__name__}-{len(rows) + 1}", _all_shapes(outputs),
                         count))
        handles.append(one.register_forward_hook(hook))

    try:
        block.apply(watch)
        # The first run may trace for unknown shapes; only the second counts.
        block(*inputs)
        rows.clear()
        seen.clear()
        totals.update(all=0, trainable=0, shared=0)
        block(*inputs)
    finally:
        for handle in handles:
            handle.detach()
    line = "{:>20}  {:>42} {:>15}"
    print("-" * 80)
    print(line.format("Layer (type)", "Output Shape", "Param #"))
    print("=" * 80)
    print(line.format("Input", _all_shapes(inputs), 0))
    for row in rows:
        print(line.format(*row))
    print("=" * 80)
    print("Parameters in forward computation graph, duplicate included")
    print(f"   Total params: {totals['all']}")
    print(f"   Trainable params: {totals['trainable']}")
    print(f"   Non-trainable params: {totals['all'] - totals['trainable']}")
    print(f"Shared params in forward computation graph: {totals['shared']}")
    print(f"Unique parameters in model: {totals['all'] - totals['shared']}")
    print("-" * 80)
