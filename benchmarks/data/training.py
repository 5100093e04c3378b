"""Training ResNet-18 at 224x224 from records, against the same with the batches in memory.

    python training.py [BATCHES [BATCH_SIZE [TURNS]]]   turns of each kind, the images a second and their ratio

Turns of a few batches each alternate, so that a change of the machine's speed meets both. A turn is over when
the batches that were read ahead meanwhile are there too: each pays for as many as it used.
"""
import statistics
import sys
import time

import gemel as mx
import images
from gemel.gluon.model_zoo import vision

DEFAULTS = ("2", "16", "11")


def main():
    images.make()
    batches, size, turns = [int(one) for one in (*sys.argv[1:], *DEFAULTS[len(sys.argv) - 1:])]
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
    for index in range(turns + 1):  # the first warms
        for name, source in list(kinds.items())[::-1 if index % 2 else 1]:
            seconds = turn(source)
            if index:
                times[name].append(seconds)
    middle = {name: batches * size / statistics.median(values) for name, values in times.items()}
    best = {name: batches * size / min(values) for name, values in times.items()}
    for name in kinds:
        print(f"{name:8}{middle[name]:.2f} images/s in the median turn, {best[name]:.2f} in the best")
    print(f"records are {middle['records'] / middle['memory']:.1%} of memory, "
          f"{best['records'] / best['memory']:.1%} in the best turns (aim 97 %)")



if __name__ == "__main__":
    main()
