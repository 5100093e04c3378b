"""Finds the fastest way to run a network on this machine, and keeps it in a record.

MODEL is PREFIX (of PREFIX-symbol.json), a -symbol.json file, or the name of a network of
gemel.model_zoo. Graphs that are bound later with the same shapes are run as the record says.
"""

HELP = "find the fastest way to run a network here"


def add_arguments(parser):
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--shape", metavar="NAME=N,N,...", action="append", default=[],
                        help="shape of an input; data=1,3,224,224 by default")
    parser.add_argument("--num-layers", type=int, help="of a network by name")
    parser.add_argument("--training", action="store_true", help="tune a training step, not inference")
    parser.add_argument("--budget", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--allow", default="", metavar="LIST",
                        help="what else than speed may change: memory, precision, fast, batch")
    parser.add_argument("--record", metavar="FILE", help="write to this file, to go with the model")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args):
    import sys

    from .. import tuning

    executor = bound(args)

    def progress(row):
        print(tuning.format_row(row), file=sys.stderr, flush=True)

    report = executor.tune(args.budget, training=args.training, record=args.record,
                           allow=[name for name in args.allow.split(",") if name],
                           progress=None if args.json else progress)
    if not args.json:
        report.rows = []  # they have been printed
    print(report.to_json() if args.json else report)


def bound(args):
    """The network, bound to random parameters."""
    from .. import context, random
    from .. import ndarray as nd

    symbol = load(args.model, args.num_layers)
    shapes = dict(parse_shape(text) for text in args.shape) or {"data": (1, 3, 224, 224)}
    names = symbol.list_arguments()
    given = set(shapes) | {name for name in names if name.endswith("label")}
    requests = {name: "write" if args.training and name not in given else "null" for name in names}
    executor = symbol.simple_bind(context.cpu(), grad_req=requests, **shapes)
    random.seed(0)
    for name, array in [*executor.arg_dict.items(), *executor.aux_dict.items()]:
        if not name.endswith("label"):
            array[:] = nd.random.uniform(0.01, 0.1, shape=array.shape, dtype=array.dtype)
    return executor


def parse_shape(text):
    """("data", (1, 3, 224, 224)) of "data=1,3,224,224"."""
    name, equals, sizes = text.partition("=")
    try:
        shape = tuple(int(size) for size in sizes.split(","))
    except ValueError:
        shape = ()
    if not equals or not name or not shape:
        raise ValueError(f"--shape: expected NAME=N,N,..., got '{text}'")
    return name, shape


def load(model, num_layers):
    """The symbol of a file, of a prefix, or of a network's name."""
    import os

    from .. import model_zoo
    from .. import symbol as sym

    for path in (model, model + "-symbol.json"):
        if os.path.isfile(path):
            return sym.load(path)
    if model in model_zoo.names():
        return model_zoo.get_symbol(model, num_layers=num_layers)
    raise ValueError(f"'{model}' is no file, {model}-symbol.json neither, and no network's name; names "
                     f"are: {', '.join(model_zoo.names())}")
