"""Words as numbers and as vectors: vocabularies, and embeddings from files."""
from . import embedding, utils, vocab  # noqa: F401
