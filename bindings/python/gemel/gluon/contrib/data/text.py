"""Sets of text for language models, from local files."""
import collections
import os

import numpy as np

from .... import ndarray as nd
from ....base import data_dir
from ....contrib.text.vocab import Vocabulary
from ...data import Dataset

__all__ = ["WikiText2", "WikiText103"]

_EOS = "<eos>"
_FILES = {"train": "wiki.train.tokens", "validation": "wiki.valid.tokens", "test": "wiki.test.tokens"}


class _WikiText(Dataset):
    """Numbers of tokens in rows of `seq_len`; labels are the same numbers one token later."""

    def __init__(self, root, segment, vocab, seq_len):
        if segment not in _FILES:
            raise ValueError(f"segment: expected one of {', '.join(_FILES)}, got '{segment}'")
        path = os.path.join(os.path.expanduser(root), _FILES[segment])
        if not os.path.isfile(path):
            raise FileNotFoundError(f"[{type(self).__name__}] expected the file {path}: put it there, the place that "
                                    "MXNet loaded it from is no more")
        with open(path, encoding="utf8") as lines:
            tokens = [token for line in lines if line.strip() for token in [*line.split(), _EOS]]
        self._counter = collections.Counter(tokens)
        self._vocab = vocab if vocab else Vocabulary(self._counter, reserved_tokens=[_EOS])
        numbers = np.array(self._vocab.to_indices(tokens), dtype="int32")
        rows = max(len(numbers) - 1, 0) // seq_len
        self._data, self._label = (nd.array(numbers[start:start + rows * seq_len].reshape(rows, seq_len),
                                            dtype="int32") for start in (0, 1))

    @property
    def vocabulary(self):
        """The vocabulary that gives the numbers."""
        return self._vocab

    @property
    def frequencies(self):
        """How often each token occurs, a `collections.Counter`."""
        return self._counter

    def __getitem__(self, idx):
        return self._data[idx], self._label[idx]

    def __len__(self):
        return len(self._data)


class WikiText2(_WikiText):
    """WikiText-2 (Merity et al., 2016), words of articles.

    Parameters
    ----------
    root : str
        Folder with the files `wiki.train.tokens`, `wiki.valid.tokens` and `wiki.test.tokens`.
    segment : {"train", "validation", "test"}
    vocab : Vocabulary, optional
        Made of the file's tokens by default.
    seq_len : int
        Tokens in a sample.
    """

    def __init__(self, root=os.path.join(data_dir(), "datasets", "wikitext-2"), segment="train", vocab=None,
                 seq_len=35):
        super().__init__(root, segment, vocab, seq_len)


class WikiText103(_WikiText):
    """WikiText-103, the larger set; parameters as of `WikiText2`."""

    def __init__(self, root=os.path.join(data_dir(), "datasets", "wikitext-103"), segment="train", vocab=None,
                 seq_len=35):
        super().__init__(root, segment, vocab, seq_len)
