"""Vectors for tokens, from text files with a token and its vector in each line."""
import os
import warnings

import numpy as np

from ... import ndarray as nd
from ... import registry
from ...base import data_dir
from .pretrained_names import FASTTEXT, GLOVE
from .vocab import Vocabulary

__all__ = ["register", "create", "get_pretrained_file_names", "GloVe", "FastText", "CustomEmbedding",
           "CompositeEmbedding"]


class _TokenEmbedding(Vocabulary):
    """A vocabulary with a vector for each token; a subclass reads them by `_load_embedding`."""

    pretrained_file_names = ()

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._vec_len = 0
        self._idx_to_vec = None

    def _load_embedding(self, pretrained_file_path, elem_delim, init_unknown_vec, encoding="utf8"):
        path = os.path.expanduser(pretrained_file_path)
        if not os.path.isfile(path):
            raise ValueError("`pretrained_file_path` must be a valid path to the pre-trained token embedding file.")
        vectors, unknown = [], None
        with open(path, encoding=encoding) as lines:
            for number, line in enumerate(lines, 1):
                token, *values = line.rstrip().split(elem_delim)
                assert values, f"At line {number} of the pre-trained text embedding file: unexpected data format."
                if len(values) == 1:
                    warnings.warn(f"At line {number} of the pre-trained text embedding file: token {token} with "
                                  f"1-dimensional vector {values} is likely a header and is skipped.", stacklevel=3)
                    continue
                values = np.array(values, dtype="float32")
                if self._vec_len == 0:
                    self._vec_len = len(values)
                assert len(values) == self._vec_len, \
                    f"At line {number} of the pre-trained token embedding file: the dimension of token {token} is " \
                    f"{len(values)} but the dimension of previous tokens is {self._vec_len}. Dimensions of all the " \
                    "tokens must be the same."
                if token == self.unknown_token:
                    if unknown is not None:
                        warnings.warn(f"At line {number} of the pre-trained token embedding file: a second vector of "
                                      "the unknown token is skipped.", stacklevel=3)
                    unknown = values if unknown is None else unknown
                elif token in self._token_to_idx:
                    warnings.warn(f"At line {number} of the pre-trained token embedding file: the embedding vector for "
                                  f"token {token} has been loaded and a duplicate embedding for the same token is seen "
                                  "and skipped.", stacklevel=3)
                else:
                    self._token_to_idx[token] = len(self._idx_to_token)
                    self._idx_to_token.append(token)
                    vectors.append(values)
        if unknown is None:
            unknown = init_unknown_vec(shape=self._vec_len).asnumpy()
        before = len(self._idx_to_token) - len(vectors)  # the unknown token, and reserved ones
        self._idx_to_vec = nd.array(np.stack([unknown] * before + vectors))

    def _build_embedding_for_vocabulary(self, vocabulary):
        """Keep the tokens of a vocabulary only."""
        if vocabulary is None:
            return
        assert isinstance(vocabulary, Vocabulary), \
            "The argument `vocabulary` must be an instance of mxnet.contrib.text.indexer.Vocabulary."
        vectors = self.get_vecs_by_tokens(list(vocabulary.idx_to_token))
        self._take_tokens(vocabulary)
        self._idx_to_vec = vectors

    def _take_tokens(self, vocabulary):
        self._token_to_idx = dict(vocabulary.token_to_idx)
        self._idx_to_token = list(vocabulary.idx_to_token)
        self._unknown_token = vocabulary.unknown_token
        self._reserved_tokens = vocabulary.reserved_tokens

    @property
    def vec_len(self):
        """The length of a vector."""
        return self._vec_len

    @property
    def idx_to_vec(self):
        """The vectors in the order of the tokens' numbers, an array (tokens, vec_len)."""
        return self._idx_to_vec

    def get_vecs_by_tokens(self, tokens, lower_case_backup=False):
        """The vector of a token, or an array of those of a list.

        Parameters
        ----------
        tokens : str or list of str
        lower_case_backup : bool
            Look a token up in lower case where it is not there as it is.
        """
        several = [tokens] if isinstance(tokens, str) else tokens
        numbers = [self._token_to_idx.get(token) for token in several]
        if lower_case_backup:
            numbers = [self._token_to_idx.get(token.lower()) if number is None else number
                       for token, number in zip(several, numbers)]
        numbers = [number or 0 for number in numbers]
        vectors = self._idx_to_vec.take(nd.array(numbers, dtype="int64"))
        return vectors[0] if isinstance(tokens, str) else vectors

    def update_token_vectors(self, tokens, new_vectors):
        """Set the vector of a token, or those of a list; `ValueError` for tokens that are not there.

        Parameters
        ----------
        tokens : str or list of str
        new_vectors : NDArray
            (vec_len,) or (1, vec_len) for one token, else (tokens, vec_len).
        """
        several = tokens if isinstance(tokens, list) else [tokens]
        is_array = isinstance(new_vectors, nd.NDArray)
        if len(several) == 1:
            assert is_array and new_vectors.ndim in (1, 2), \
                "`new_vectors` must be a 1-D or 2-D NDArray if `tokens` is a singleton."
            if new_vectors.ndim == 1:
                new_vectors = new_vectors.expand_dims(0)
        else:
            assert is_array and new_vectors.ndim == 2, \
                "`new_vectors` must be a 2-D NDArray if `tokens` is a list of multiple strings."
        assert new_vectors.shape == (len(several), self.vec_len), \
            "The length of new_vectors must be equal to the number of tokens and the width of " \
            "new_vectors must be equal to the dimension of embeddings of the glossary."
        for token in several:
            if token not in self._token_to_idx:
                raise ValueError(f"Token {token} is unknown. To update the embedding vector for an unknown token, "
                                 "please specify it explicitly as the `unknown_token` "
                                 f"{self.unknown_token} in `tokens`. This is to avoid unintended updates.")
        self._idx_to_vec[nd.array([self._token_to_idx[token] for token in several], dtype="int64")] = new_vectors


register = registry.get_register_func(_TokenEmbedding, "token embedding")
_create = registry.get_create_func(_TokenEmbedding, "token embedding")


def create(embedding_name, **kwargs):
    """The registered embedding of a name (upper and lower case alike), made with `kwargs`."""
    return _create(embedding_name, **kwargs)


def get_pretrained_file_names(embedding_name=None):
    """The files that an embedding knows by name; a dictionary of all embeddings without a name.

    `KeyError` for an unknown embedding.
    """
    known = {cls.__name__.lower(): list(cls.pretrained_file_names) for cls in (GloVe, FastText)}
    if embedding_name is None:
        return known
    if embedding_name not in known:
        raise KeyError(f"Cannot find `embedding_name` {embedding_name}. Use "
                       "`get_pretrained_file_names(embedding_name=None).keys()` to get all the valid embedding names.")
    return known[embedding_name]


class _Pretrained(_TokenEmbedding):
    """An embedding from a file of a known name in the folder `embedding_root/NAME`."""

    def __init__(self, pretrained_file_name, embedding_root, init_unknown_vec, vocabulary, **kwargs):
        name = type(self).__name__.lower()
        if pretrained_file_name not in self.pretrained_file_names:
            raise KeyError(f"Cannot find pretrained file {pretrained_file_name} for token embedding {name}. Valid "
                           f"pretrained files for embedding {name}: {', '.join(self.pretrained_file_names)}")
        super().__init__(**kwargs)
        path = os.path.join(os.path.expanduser(embedding_root), name, pretrained_file_name)
        if not os.path.isfile(path):
            raise FileNotFoundError(f"[{name}] expected the file {path}: download it there, the place that MXNet loaded "
                                    "it from is no more")
        self._load_embedding(path, " ", init_unknown_vec)
        self._build_embedding_for_vocabulary(vocabulary)


@register
class GloVe(_Pretrained):
    """GloVe vectors (Pennington, Socher and Manning, 2014) from a file of the authors.

    Parameters
    ----------
    pretrained_file_name : str
    embedding_root : str
        The file is looked for in its folder `glove`.
    init_unknown_vec : function
        Makes the vector of the unknown token, called with `shape`.
    vocabulary : Vocabulary, optional
        Tokens to keep; all by default.
    """

    pretrained_file_names = GLOVE

    def __init__(self, pretrained_file_name="glove.840B.300d.txt",
                 embedding_root=os.path.join(data_dir(), "embeddings"), init_unknown_vec=nd.zeros, vocabulary=None,
                 **kwargs):
        super().__init__(pretrained_file_name, embedding_root, init_unknown_vec, vocabulary, **kwargs)


@register
class FastText(_Pretrained):
    """fastText vectors (Bojanowski et al., 2016) from a file of the authors; parameters as of `GloVe`, the folder is
    `fasttext`."""

    pretrained_file_names = FASTTEXT

    def __init__(self, pretrained_file_name="wiki.simple.vec",
                 embedding_root=os.path.join(data_dir(), "embeddings"), init_unknown_vec=nd.zeros, vocabulary=None,
                 **kwargs):
        super().__init__(pretrained_file_name, embedding_root, init_unknown_vec, vocabulary, **kwargs)


class CustomEmbedding(_TokenEmbedding):
    """Vectors from any file of lines with a token and its vector.

    Parameters
    ----------
    pretrained_file_path : str
    elem_delim : str
        What stands between the token and the elements.
    encoding : str
    init_unknown_vec : function
        Makes the vector of the unknown token, called with `shape`, where the file has none.
    vocabulary : Vocabulary, optional
        Tokens to keep; all by default.
    """

    def __init__(self, pretrained_file_path, elem_delim=" ", encoding="utf8", init_unknown_vec=nd.zeros,
                 vocabulary=None, **kwargs):
        super().__init__(**kwargs)
        self._load_embedding(pretrained_file_path, elem_delim, init_unknown_vec, encoding)
        self._build_embedding_for_vocabulary(vocabulary)


class CompositeEmbedding(_TokenEmbedding):
    """The vectors of several embeddings, one after the other, for the tokens of a vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary
    token_embeddings : embedding or list of them
    """

    def __init__(self, vocabulary, token_embeddings):
        assert isinstance(vocabulary, Vocabulary), \
            "The argument `vocabulary` must be an instance of mxnet.contrib.text.indexer.Vocabulary."
        several = token_embeddings if isinstance(token_embeddings, list) else [token_embeddings]
        for one in several:
            assert isinstance(one, _TokenEmbedding), \
                "The argument `token_embeddings` must be an instance or a list of instances of " \
                "`mxnet.contrib.text.embedding.TextEmbedding`."
        super().__init__()
        self._take_tokens(vocabulary)
        parts = [one.get_vecs_by_tokens(list(vocabulary.idx_to_token)) for one in several]
        self._vec_len = sum(one.vec_len for one in several)
        self._idx_to_vec = nd.concat(*parts, dim=1)
