"""Sentences as numbers, in batches of similar lengths."""
import bisect
import random

import numpy as np

from .. import ndarray as nd
from ..io import DataBatch, DataDesc, DataIter

__all__ = ["BucketSentenceIter", "encode_sentences"]


def encode_sentences(sentences, vocab=None, invalid_label=-1, invalid_key="\n", start_label=0,
                     unknown_token=None):
    """Words as numbers; returns the sentences and the vocabulary.

    Parameters
    ----------
    sentences : list of list of str
    vocab : dict, optional
        Numbers of words. Without it one is made, in which `invalid_key` has `invalid_label`; with
        it, an unknown word is an `AssertionError` unless there is an `unknown_token`.
    start_label : int
        The first number given.
    """
    new = vocab is None
    if new:
        vocab = {invalid_key: invalid_label}
    number, encoded = start_label, []
    for sentence in sentences:
        codes = []
        for word in sentence:
            if word not in vocab:
                assert new or unknown_token, f"Unknown token {word}"
                if number == invalid_label:
                    number += 1
                if unknown_token:
                    word = unknown_token
                vocab[word] = number
                number += 1
            codes.append(vocab[word])
        encoded.append(codes)
    return encoded, vocab


class BucketSentenceIter(DataIter):
    """Batches of sentences of similar lengths, for language models: labels are the next words.

    Parameters
    ----------
    sentences : list of list of int
    batch_size : int
    buckets : list of int, optional
        Lengths; by default those that fill a batch. Longer sentences are left out.
    invalid_label : int
        Fills sentences up.
    data_name, label_name : str
    dtype : str
    layout : str
        "NT" or "TN".
    """

    def __init__(self, sentences, batch_size, buckets=None, invalid_label=-1, data_name="data",
                 label_name="softmax_label", dtype="float32", layout="NT"):
        super().__init__()
        if not buckets:
            counts = np.bincount([len(sentence) for sentence in sentences])
            buckets = [length for length, count in enumerate(counts) if count >= batch_size]
        buckets.sort()
        kept = [[] for _ in buckets]
        left_out = 0
        for sentence in sentences:
            place = bisect.bisect_left(buckets, len(sentence))
            if place == len(buckets):
                left_out += 1
                continue
            row = np.full((buckets[place],), invalid_label, dtype=dtype)
            row[:len(sentence)] = sentence
            kept[place].append(row)
        self.data = [np.asarray(rows, dtype=dtype) for rows in kept]
        print(f"WARNING: discarded {left_out} sentences longer than the largest bucket.")
        self.batch_size = batch_size
        self.buckets = buckets
        self.data_name, self.label_name = data_name, label_name
        self.dtype = dtype
        self.invalid_label = invalid_label
        self.layout = layout
        self.major_axis = layout.find("N")
        self.default_bucket_key = max(buckets)
        if self.major_axis not in (0, 1):
            raise ValueError(f"Invalid layout {layout}: Must by NT (batch major) or TN (time major)")
        self.provide_data = self._described(data_name, self.default_bucket_key)
        self.provide_label = self._described(label_name, self.default_bucket_key)
        self.idx = [(i, begin) for i, rows in enumerate(self.data)
                    for begin in range(0, len(rows) - batch_size + 1, batch_size)]
        self.curr_idx = 0
        self.reset()

    def _described(self, name, length):
        shape = (self.batch_size, length) if self.major_axis == 0 else (length, self.batch_size)
        return [DataDesc(name=name, shape=shape, layout=self.layout)]

    def reset(self):
        """Begin again, with the sentences in another order."""
        self.curr_idx = 0
        random.shuffle(self.idx)
        for rows in self.data:
            np.random.shuffle(rows)
        self._labels = []
        for rows in self.data:
            labels = np.full_like(rows, self.invalid_label)
            labels[:, :-1] = rows[:, 1:]
            self._labels.append(labels)

    def next(self):
        if self.curr_idx == len(self.idx):
            raise StopIteration
        bucket, begin = self.idx[self.curr_idx]
        self.curr_idx += 1
        rows = slice(begin, begin + self.batch_size)
        data, label = self.data[bucket][rows], self._labels[bucket][rows]
        if self.major_axis == 1:
            data, label = data.T, label.T
        length = self.buckets[bucket]
        return DataBatch([nd.array(data, dtype=self.dtype)], [nd.array(label, dtype=self.dtype)],
                         pad=0, bucket_key=length,
                         provide_data=self._described(self.data_name, length),
                         provide_label=self._described(self.label_name, length))
