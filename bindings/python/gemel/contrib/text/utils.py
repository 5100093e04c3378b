"""Counts of tokens in text."""
import collections
import re

__all__ = ["count_tokens_from_str"]


def count_tokens_from_str(source_str, token_delim=" ", seq_delim="\n", to_lower=False,
                          counter_to_update=None):
    """How often each token occurs.

    Parameters
    ----------
    source_str : str
    token_delim, seq_delim : str
        Regular expressions of what stands between tokens and between sequences.
    to_lower : bool
        Count in lower case.
    counter_to_update : collections.Counter, optional
        Counts go on from there; a new one is made by default.
    """
    if to_lower:
        source_str = source_str.lower()
    counter = collections.Counter() if counter_to_update is None else counter_to_update
    counter.update(filter(None, re.split(f"{token_delim}|{seq_delim}", source_str)))
    return counter
