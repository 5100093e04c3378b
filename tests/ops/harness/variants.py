"""Other shapes for a sample: legal ones (size 1, odd, empty) and damaged ones.

Which of them an operator accepts is not guessed: 1.9.1 was asked (expected/shapes.json)."""


def replaced(shapes, old, new):
    return [tuple(new if size == old else size for size in shape) for shape in shapes]


def size_variants(shapes):
    """(name, shapes): one extent of the first input becomes 1, 5 or 0 wherever it occurs."""
    if not shapes:
        return
    for old in sorted(set(shapes[0])):
        for new in (1, 5, 0):
            if old != new:
                yield f"{old}->{new}", replaced(shapes, old, new)


def damaged_variants(shapes):
    """(name, shapes): one input gets an axis more, an axis less or a longer last axis."""
    for index, shape in enumerate(shapes):

        def altered(new, index=index):
            return [new if i == index else tuple(s) for i, s in enumerate(shapes)]

        shape = tuple(shape)
        yield f"input{index}+axis", altered((*shape, 7))
        if shape:
            yield f"input{index}-axis", altered(shape[:-1])
            yield f"input{index}+1", altered((*shape[:-1], shape[-1] + 1))


def all_variants(shapes):
    yield from size_variants(shapes)
    for name, damaged in damaged_variants(shapes):
        if all(len(shape) for shape in damaged):
            yield name, damaged
