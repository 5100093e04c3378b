"""What is in a file of parameters (.params), a graph (-symbol.json) or a file of records (.rec)."""

HELP = "say what is in a .params, -symbol.json or .rec file"


def add_arguments(parser):
    parser.add_argument("file", metavar="FILE")


def run(args):
    with open(args.file, "rb") as file:
        start = file.read(64).lstrip()
    if start.startswith(b"{"):
        describe_symbol(args.file)
    elif args.file.endswith(".rec"):
        from .rec import describe

        describe(args.file)
    else:
        describe_parameters(args.file)


def describe_parameters(path):
    """A row for each array, and the sums."""
    from .. import ndarray as nd

    content = nd.load(path)
    if not isinstance(content, dict):
        content = {f"[{i}]": array for i, array in enumerate(content)}
    rows = []
    for name, array in content.items():
        dtype = getattr(array.dtype, "__name__", str(array.dtype))
        rows.append((name, "x".join(map(str, array.shape)) or "scalar", dtype, array))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    total = numbers = 0
    for name, shape, dtype, array in rows:
        size = array.asnumpy().nbytes
        total += size
        numbers += array.size
        print(f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {dtype:<{widths[2]}}  {size:,} bytes")
    print(f"{len(rows)} arrays, {numbers:,} numbers, {total:,} bytes")


def describe_symbol(path):
    """Operators, inputs, outputs and the version that wrote the file."""
    import json
    from collections import Counter

    from .. import symbol as sym

    with open(path, encoding="utf-8") as file:
        text = file.read()
    loaded = sym.load_json(text)
    try:
        version = json.loads(text).get("attrs", {}).get("mxnet_version", ["", "unknown"])[1]
    except (AttributeError, IndexError, TypeError):
        version = "unknown"
    operators = Counter(
        node["op"] for node in json.loads(loaded.tojson())["nodes"] if node["op"] != "null"
    )
    version = (
        f"{version // 10000}.{version // 100 % 100}.{version % 100}"
        if isinstance(version, int)
        else version
    )
    print(f"version    {version}")
    print(
        f"operators  {sum(operators.values())}: "
        + ", ".join(f"{name} {count}" for name, count in operators.most_common())
    )
    print(f"inputs     {' '.join(loaded.list_arguments())}")
    print(f"states     {' '.join(loaded.list_auxiliary_states())}".rstrip())
    print(f"outputs    {' '.join(loaded.list_outputs())}")
