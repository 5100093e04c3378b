"""The memory of a running pipeline after each of ten epochs; its figures should not grow.

    python memory.py [IMAGES]      the process' resident memory in MiB, a line for each epoch
"""
import sys

import gemel as mx
import images


def resident():
    """The process' resident memory in MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def main():
    images.make()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else images.COUNT
    batches = mx.io.ImageRecordIter(
        path_imgrec=str(images.RECORDS), data_shape=(3, 224, 224), batch_size=64, resize=256,
        rand_crop=True, rand_mirror=True, brightness=0.4, shuffle=True, verbose=False)
    for epoch in range(10):
        for number, batch in enumerate(batches):
            batch.data[0].wait_to_read()
            if (number + 1) * 64 >= count:
                break
        batches.reset()
        print(f"epoch {epoch}: {resident():.1f} MiB", flush=True)


if __name__ == "__main__":
    main()
