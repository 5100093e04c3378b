"""Numbers for tokens."""
import collections

__all__ = ["Vocabulary"]


class Vocabulary:
    """Tokens by number: the unknown one is 0, then reserved ones, then those of a counter, frequent ones first.

    Parameters
    ----------
    counter : collections.Counter, optional
    most_freq_count : int, optional
        How many tokens of the counter there are at most, reserved ones not counted.
    min_freq : int
        Less frequent tokens are unknown.
    unknown_token : hashable
        What stands for any unknown token.
    reserved_tokens : list of hashable, optional
    """

    def __init__(self, counter=None, most_freq_count=None, min_freq=1, unknown_token="<unk>",
                 reserved_tokens=None):
        assert min_freq > 0, "`min_freq` must be set to a positive value."
        if reserved_tokens is not None:
            assert unknown_token not in reserved_tokens, \
                "`reserved_token` cannot contain `unknown_token`."
            assert len(set(reserved_tokens)) == len(reserved_tokens), \
                "`reserved_tokens` cannot contain duplicate reserved tokens."
        self._unknown_token = unknown_token
        self._reserved_tokens = None if reserved_tokens is None else list(reserved_tokens)
        self._idx_to_token = [unknown_token, *(reserved_tokens or ())]
        if counter is not None:
            assert isinstance(counter, collections.Counter), \
                "`counter` must be an instance of collections.Counter."
            known = set(self._idx_to_token)
            frequent = sorted(sorted(counter.items()), key=lambda item: item[1], reverse=True)
            fresh = [token for token, count in frequent if count >= min_freq and token not in known]
            self._idx_to_token += fresh[:most_freq_count]
        self._token_to_idx = {token: i for i, token in enumerate(self._idx_to_token)}

    def __len__(self):
        return len(self._idx_to_token)

    @property
    def token_to_idx(self):
        """The number of each token."""
        return self._token_to_idx

    @property
    def idx_to_token(self):
        """The tokens in the order of their numbers."""
        return self._idx_to_token

    @property
    def unknown_token(self):
        """What stands for unknown tokens."""
        return self._unknown_token

    @property
    def reserved_tokens(self):
        """The reserved tokens, None if there are none."""
        return self._reserved_tokens

    def to_indices(self, tokens):
        """The number of a token, or the numbers of a list; 0 for unknown ones."""
        if isinstance(tokens, list):
            return [self._token_to_idx.get(token, 0) for token in tokens]
        return self._token_to_idx.get(tokens, 0)

    def to_tokens(self, indices):
        """The token of a number, or the tokens of a list; `ValueError` for a number that none has."""
        for index in indices if isinstance(indices, list) else [indices]:
            if not isinstance(index, int) or not 0 <= index < len(self):
                raise ValueError(f"Token index {index} in the provided `indices` is invalid.")
        if isinstance(indices, list):
            return [self._idx_to_token[index] for index in indices]
        return self._idx_to_token[indices]
