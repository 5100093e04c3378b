"""The command line that the programs beside this file share; names and defaults are those of MXNet
1.9.1's programs. `initializer` and the others turn answers into what `Module.fit` takes."""

import argparse
import logging
import math

import gemel as mx


def flag(group, name, default=None, kind=None, text=None, **kwargs):
    """One option, with its default shown."""
    shown = (text or "") + ("" if default is None else " (default: %(default)s)")
    group.add_argument(name, default=default, type=kind or type(default), help=shown, **kwargs)


def add_fit(parser):
    """What to train, how, and what to say about it."""
    group = parser.add_argument_group("training")
    flag(group, "--network", None, str, "name of the network: " + ", ".join(mx.model_zoo.names()))
    flag(group, "--num-layers", None, int, "layers of a network that comes in several depths")
    flag(group, "--gpus", None, str, "numbers of the GPUs, as in 0,2; none: the CPU")
    flag(group, "--kv-store", "device", text="key-value store of the gradients")
    flag(group, "--num-epochs", 100, text="passes over the data")
    flag(group, "--lr", 0.1, text="learning rate")
    flag(group, "--lr-factor", 0.1, text="the learning rate is multiplied by this")
    flag(group, "--lr-step-epochs", None, str, "... before these epochs, as in 30,60")
    flag(group, "--initializer", "default", text="default, xavier, msra, orthogonal, normal, "
         "uniform, one or zero")
    flag(group, "--optimizer", "sgd", text="name of the optimizer")
    flag(group, "--mom", 0.9, text="momentum, of optimizers that have one")
    flag(group, "--wd", 0.0001, text="weight decay")
    flag(group, "--batch-size", 128, text="samples of a step, over all devices")
    flag(group, "--disp-batches", 20, text="say something every so many batches")
    flag(group, "--model-prefix", None, str, "where to save: PREFIX-symbol.json and "
         "PREFIX-0001.params; none: nowhere")
    flag(group, "--save-period", 1, text="save every so many epochs")
    flag(group, "--monitor", 0, text="print statistics of all arrays every so many batches; 0: never")
    flag(group, "--load-epoch", None, int, "go on from what was saved under PREFIX after this epoch")
    flag(group, "--top-k", 0, text="also report the accuracy among the k best; 0: not")
    flag(group, "--loss", "", text="also report these: ce (cross-entropy), nll")
    flag(group, "--test-io", 0, text="1: read the data, train nothing")
    flag(group, "--dtype", "float32", text="float32, float16 or bfloat16")
    flag(group, "--gc-type", "none", text="compression of gradients: none or 2bit")
    flag(group, "--gc-threshold", 0.5, text="threshold of 2bit")
    flag(group, "--warmup-epochs", 5, text="of batches above 256: the learning rate rises so long")
    flag(group, "--warmup-strategy", "linear", text="linear or constant")
    flag(group, "--seed", 0, text="of all random numbers")
    return group


def parse(description, add_data, **defaults):
    """The answers of a program; `add_data` adds the options of its data."""
    parser = argparse.ArgumentParser(description=description)
    add_fit(parser)
    add_data(parser)
    parser.set_defaults(**defaults)
    args = parser.parse_args()
    if args.load_epoch is not None and not args.model_prefix:
        parser.error("--load-epoch needs the --model-prefix of what was saved")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    mx.random.seed(args.seed)
    return args


def devices(args):
    """The contexts to train on."""
    return [mx.gpu(int(i)) for i in args.gpus.split(",")] if args.gpus else [mx.cpu()]


def network(args):
    """The symbol that was asked for."""
    return mx.model_zoo.get_symbol(args.network, args.num_classes, args.num_layers,
                                   args.image_shape, args.dtype)


def initializer(args):
    """Of new parameters."""
    if args.initializer == "default":
        if args.network == "alexnet":
            return mx.init.Normal()  # Xavier's weights do not train this one
        if args.network.startswith("vgg"):
            return mx.init.Xavier()
        return mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)
    kinds = {"xavier": mx.init.Xavier, "msra": mx.init.MSRAPrelu,
             "orthogonal": mx.init.Orthogonal, "normal": mx.init.Normal,
             "uniform": mx.init.Uniform, "one": mx.init.One, "zero": mx.init.Zero}
    if args.initializer not in kinds:
        raise SystemExit(f"--initializer {args.initializer}: one of default, {', '.join(kinds)}")
    return kinds[args.initializer]()


def schedule(args, store):
    """The learning rate to begin with, and what changes it later (or None)."""
    size = math.ceil(args.num_examples / store.num_workers / args.batch_size)
    begin = args.load_epoch or 0
    drops = [int(epoch) for epoch in (args.lr_step_epochs or "").split(",") if epoch]
    rate = args.lr * args.lr_factor ** sum(epoch <= begin for epoch in drops)
    steps = [size * (epoch - begin) for epoch in drops if epoch > begin]
    warm = args.warmup_epochs * size if args.batch_size > 256 and not begin else 0
    if not steps:
        return rate, None
    warm = min(warm, steps[0] - 1)
    return rate, mx.lr_scheduler.MultiFactorScheduler(
        steps, factor=args.lr_factor, base_lr=rate, warmup_steps=warm,
        warmup_mode=args.warmup_strategy)


def optimizer_parameters(args, store):
    """The keyword arguments of the optimizer."""
    rate, scheduler = schedule(args, store)
    parameters = {"learning_rate": rate, "wd": args.wd, "multi_precision": True}
    if scheduler is not None:
        parameters["lr_scheduler"] = scheduler
    if args.optimizer in {"sgd", "dcasgd", "nag", "signum", "lbsgd"}:
        parameters["momentum"] = args.mom
    return parameters


def metrics(args):
    """What is reported of training and of evaluation."""
    found = [mx.metric.create("accuracy")]
    if args.top_k > 0:
        found.append(mx.metric.create("top_k_accuracy", top_k=args.top_k))
    names = {"ce": "ce", "nll": "nll_loss"}
    for loss in filter(None, args.loss.split(",")):
        if loss.strip() not in names:
            raise SystemExit(f"--loss {loss}: one of ce, nll")
        found.append(mx.metric.create(names[loss.strip()]))
    return mx.metric.CompositeEvalMetric(found)
