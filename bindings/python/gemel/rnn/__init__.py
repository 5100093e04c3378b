"""Recurrent cells that build symbols, sentences in buckets, and their checkpoints."""
from .cells import (BaseRNNCell, BidirectionalCell, DropoutCell, FusedRNNCell, GRUCell,  # noqa: F401
                    LSTMCell, ModifierCell, ResidualCell, RNNCell, RNNParams, SequentialRNNCell,
                    ZoneoutCell)
from .conv_cells import (BaseConvRNNCell, ConvGRUCell, ConvLSTMCell,  # noqa: F401
                         ConvRNNCell)
from .io import BucketSentenceIter, encode_sentences  # noqa: F401
from .checkpoint import (do_rnn_checkpoint, load_rnn_checkpoint, rnn_unroll,  # noqa: F401
                         save_rnn_checkpoint)
