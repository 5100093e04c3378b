"""Speed of inference on made-up images, by network and batch size:

    python benchmark_score.py --network resnet --num-layers 50 --batch-sizes 1,16
"""

import argparse
import time

import gemel as mx
import options

NETWORKS = ("alexnet", "googlenet", "vgg", "inception-bn", "inception-v3", "resnet", "mobilenet",
            "mobilenetv2", "squeezenet", "densenet")


def speed(symbol, shape, context, batches, dtype="float32"):
    """Images per second of the forward pass, the first few batches apart."""
    module = mx.mod.Module(symbol, context=context)
    module.bind(data_shapes=[mx.io.DataDesc("data", shape, dtype)], for_training=False)
    module.init_params(mx.init.Xavier(magnitude=2.0))
    batch = mx.io.DataBatch([mx.nd.random.uniform(-1, 1, shape=shape, ctx=context).astype(dtype)],
                            [])
    for count in (max(1, batches // 4), batches):
        started = time.perf_counter()
        for _ in range(count):
            module.forward(batch, is_train=False)
            for output in module.get_outputs():
                output.wait_to_read()
    return batches * shape[0] / (time.perf_counter() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    options.flag(parser, "--network", "all", text="a network, or all of: " + ", ".join(NETWORKS))
    options.flag(parser, "--num-layers", None, int, "layers of a network with several depths")
    options.flag(parser, "--batch-size", 0, text="one batch size; 0: --batch-sizes")
    options.flag(parser, "--batch-sizes", "1,2,4,8,16,32", text="the batch sizes to try")
    options.flag(parser, "--num-batches", 10, text="batches that are timed")
    options.flag(parser, "--image-shape", None, str, "channels, height, width")
    options.flag(parser, "--gpus", None, str, "the GPU; none: the CPU")
    options.flag(parser, "--dtype", "float32", text="type to compute in")
    args = parser.parse_args()
    sizes = [args.batch_size] if args.batch_size else [int(n) for n in args.batch_sizes.split(",")]
    context = options.devices(args)[0]
    for name in NETWORKS if args.network == "all" else [args.network]:
        image = args.image_shape or ("3,299,299" if name == "inception-v3" else "3,224,224")
        symbol = mx.model_zoo.get_symbol(name, num_layers=args.num_layers, image_shape=image,
                                         dtype=args.dtype)
        print(f"network: {name}")
        for size in sizes:
            shape = (size, *(int(side) for side in image.split(",")))
            found = speed(symbol, shape, context, args.num_batches)
            print(f"batch size {size:2d}, dtype {args.dtype}, images/sec: {found:f}", flush=True)


if __name__ == "__main__":
    main()
