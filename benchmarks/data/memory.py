"""The memory of a running pipeline after each of ten epochs; it should not grow after the second.

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
    after = []
    for epoch in range(10):
        for number, batch in enumerate(batches):
            batch.data[0].wait_to_read()
            if (number + 1) * 64 >= count:
                break
        batches.reset()
        mx.nd.waitall()
        after.append(resident())
        print(f"epoch {epoch}: {after[-1]:.1f} MiB", flush=True)
    grown = min(after[-4:]) - min(after[1:5])
    print(f"grew by {grown:.1f} MiB from epochs 1 to 4 to the last four (aim: 1 % or less, {after[1] / 100:.1f})")


if __name__ == "__main__":
    main()
