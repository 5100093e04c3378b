"""Training of a network by its command line."""

import logging
import os
import time

import gemel as mx
import options


def _checkpoint(args, store):
    """The callback that saves after an epoch, or None."""
    if not args.model_prefix:
        return None
    folder = os.path.dirname(args.model_prefix)
    if folder:
        os.makedirs(folder, exist_ok=True)
    prefix = args.model_prefix if store.rank == 0 else f"{args.model_prefix}-{store.rank}"
    return mx.callback.do_checkpoint(prefix, args.save_period)


def _read_only(args, train):
    """Reads the data once and tells how fast."""
    started = time.time()
    for count, batch in enumerate(train, 1):
        for array in batch.data:
            array.wait_to_read()
        if count % args.disp_batches == 0:
            speed = args.disp_batches * args.batch_size / (time.time() - started)
            logging.info("Batch [%d]\tSpeed: %.2f samples/sec", count, speed)
            started = time.time()


def fit(args, iterators):
    """Train as the command line says; returns the Module, or None after `--test-io 1`.

    `iterators(args, store)` gives the training and the evaluation data.
    """
    store = mx.kvstore.create(args.kv_store)
    if args.gc_type != "none":
        store.set_gradient_compression({"type": args.gc_type, "threshold": args.gc_threshold})
    logging.info("start with %s", args)
    train, evaluate = iterators(args, store)
    if args.test_io:
        return _read_only(args, train)
    arguments = auxiliary = None
    if args.load_epoch is not None:
        symbol, arguments, auxiliary = mx.model.load_checkpoint(args.model_prefix, args.load_epoch)
    else:
        symbol = options.network(args)
    module = mx.mod.Module(symbol, context=options.devices(args))
    module.fit(
        train, eval_data=evaluate, begin_epoch=args.load_epoch or 0, num_epoch=args.num_epochs,
        eval_metric=options.metrics(args), validation_metric=options.metrics(args), kvstore=store,
        optimizer=args.optimizer, optimizer_params=options.optimizer_parameters(args, store),
        initializer=options.initializer(args), arg_params=arguments, aux_params=auxiliary,
        batch_end_callback=mx.callback.Speedometer(args.batch_size, args.disp_batches),
        epoch_end_callback=_checkpoint(args, store), allow_missing=True,
        monitor=mx.mon.Monitor(args.monitor, pattern=".*") if args.monitor > 0 else None)
    return module
