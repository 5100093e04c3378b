"""Training ResNet-18 at 224x224 from records, against the same with the batches in memory.

    python training.py [BATCHES [BATCH_SIZE]]      turns of each kind, the images a second and their ratio

Turns of a few batches each alternate, so that a change of the machine's speed meets both.
"""
import sys
import time

import gemel as mx
import images
from gemel.gluon.model_zoo import vision

TURNS = 4


def main():
    images.make()
    batches, size = [int(one) for one in (*sys.argv[1:3], *("4", "16")[len(sys.argv) - 1:])]
    net = vision.resnet18_v1(classes=1000)
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True)
    loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.01, "momentum": 0.9})
    records = mx.io.ImageRecordIter(
        path_imgrec=str(images.RECORDS), data_shape=(3, 224, 224), batch_size=size, resize=256,
        rand_crop=True, rand_mirror=True, std_r=255, std_g=255, std_b=255, shuffle=True, verbose=False)
    held = [records.next() for _ in range(2)]

    def from_records():
        while True:
            yield from records
            records.reset()

    def from_memory():
        while True:
            yield from held

    def turn(source):
        started = time.perf_counter()
        for _ in range(batches):
            batch = next(source)
            with mx.autograd.record():
                error = loss(net(batch.data[0]), batch.label[0])
            error.backward()
            trainer.step(size)
        mx.nd.waitall()
        return time.perf_counter() - started

    kinds = {"memory": from_memory(), "records": from_records()}
    times = {name: [] for name in kinds}
    for index in range(TURNS + 1):  # the first warms
        for name, source in kinds.items():
            seconds = turn(source)
            if index:
                times[name].append(seconds)
    best = {name: batches * size / min(values) for name, values in times.items()}
    print(f"memory  {best['memory']:.2f} images/s")
    print(f"records {best['records']:.2f} images/s, {best['records'] / best['memory']:.1%} of it (aim 97 %)")


if __name__ == "__main__":
    main()
