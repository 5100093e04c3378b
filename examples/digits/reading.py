"""Batches that the engine reads from the files while it computes on earlier ones."""

import os

import numpy as np

import digits
import gemel as mx

HEADER = 16  # bytes of an idx3 file before its first image
PIXELS = 64


class ReadAhead(mx.io.DataIter):
    """The training digits, each moved by up to one pixel at random, in random order.

    A batch is a task on the engine's io worker: it writes a tag, and next() waits for that tag.
    `ahead` tasks are on their way while the network trains.
    """

    def __init__(self, batch_size, ahead=4):
        super().__init__(batch_size)
        self.path = os.path.join(digits.FOLDER, "train-images-idx3-ubyte")
        self.labels = digits.read_idx(os.path.join(digits.FOLDER, "train-labels-idx1-ubyte"))
        self.steps = len(self.labels) // batch_size
        self.ahead = ahead
        self.provide_data = [mx.io.DataDesc("data", (batch_size, 1, 8, 8))]
        self.provide_label = [mx.io.DataDesc("softmax_label", (batch_size,))]
        self.pending = []
        self.reset()

    def reset(self):
        for done, _, _ in self.pending:
            done.wait_to_read()
        self.order = np.random.permutation(len(self.labels))
        self.number = 0
        self.pending = []
        while len(self.pending) < self.ahead:
            self.push()

    def push(self):
        """Ask the engine for one more batch of this epoch."""
        if self.number == self.steps:
            return
        rows = self.order[self.number * self.batch_size : (self.number + 1) * self.batch_size]
        moves = np.random.randint(0, 3, (len(rows), 2))
        images = np.empty((len(rows), 1, 8, 8), np.float32)
        done = mx.engine.tag("batch")

        def read():
            images[:, 0] = self.read(rows, moves)

        self.number += 1
        mx.engine.push(read, writes=[done], name=f"read batch {self.number}")
        self.pending.append((done, images, self.labels[rows]))

    def read(self, rows, moves):
        """The images of these rows of the file, each moved by its (dy, dx) - 1."""
        padded = np.zeros((len(rows), 10, 10), np.uint8)
        moved = np.empty((len(rows), 8, 8), np.uint8)
        with open(self.path, "rb") as file:
            for i, (row, (y, x)) in enumerate(zip(rows, moves)):
                file.seek(HEADER + int(row) * PIXELS)
                padded[i, 1:9, 1:9] = np.frombuffer(file.read(PIXELS), np.uint8).reshape(8, 8)
                moved[i] = padded[i, y : y + 8, x : x + 8]
        return moved

    def next(self):
        if not self.pending:
            raise StopIteration
        done, images, labels = self.pending.pop(0)
        done.wait_to_read()
        batch = mx.io.DataBatch(
            [mx.nd.array(images)],
            [mx.nd.array(labels)],
            pad=0,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )
        # By now the engine computes on the batch before this one.
        self.push()
        return batch
