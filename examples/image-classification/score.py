"""Evaluate what was saved:

    python score.py --model-prefix models/lenet --load-epoch 3 --data-val digits --image-shape 1,28,28
"""

import argparse
import logging
import time

import data
import gemel as mx
import options


def score(prefix, epoch, batches, metrics, contexts, most=None):
    """The values of the metrics over an iterator, and samples per second.

    Parameters
    ----------
    prefix, epoch : str, int
        Of the checkpoint.
    batches : DataIter
    metrics : EvalMetric
    contexts : list of Context
    most : int, optional
        Stop after so many samples.
    """
    symbol, arguments, auxiliary = mx.model.load_checkpoint(prefix, epoch)
    module = mx.mod.Module(symbol, context=contexts)
    module.bind(data_shapes=batches.provide_data, label_shapes=batches.provide_label,
                for_training=False)
    module.set_params(arguments, auxiliary)
    seen, started = 0, time.time()
    for batch in batches:
        module.forward(batch, is_train=False)
        module.update_metric(metrics, batch.label)
        seen += batches.batch_size - (batch.pad or 0)
        if most and seen >= most:
            break
    mx.nd.waitall()
    return metrics.get_name_value(), seen / (time.time() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    options.flag(parser, "--model-prefix", None, str, "of the checkpoint", required=True)
    options.flag(parser, "--load-epoch", 0, text="of the checkpoint")
    options.flag(parser, "--gpus", None, str, "numbers of the GPUs; none: the CPU")
    options.flag(parser, "--batch-size", 60, text="images at once")
    options.flag(parser, "--max-num-examples", None, int, "stop after so many images")
    options.flag(parser, "--top-k", 5, text="also the accuracy among the k best; 0: not")
    options.flag(parser, "--loss", "", text="also these: ce, nll")
    data.add_data(parser)
    parser.set_defaults(data_val="digits")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    if args.data_val == "digits":
        arrays = data.digits_arrays("test", data.image_shape(args))
        batches = mx.io.NDArrayIter(*arrays, args.batch_size)
    else:
        batches = data.record_iterator(args, args.data_val, args.data_val_idx,
                                       mx.kvstore.create("local"), False)
    values, speed = score(args.model_prefix, args.load_epoch, batches, options.metrics(args),
                          options.devices(args), args.max_num_examples)
    for name, value in values:
        print(f"{name}: {value:.4f}")
    print(f"{speed:.1f} images/s")


if __name__ == "__main__":
    main()
