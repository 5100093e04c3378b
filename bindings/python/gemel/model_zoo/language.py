"""A language model of recurrent layers (Zaremba et al., arXiv 1409.2329)."""
from .. import rnn
from .. import symbol as sym
from .layers import dense


def lstm_language_model(data, num_classes, num_layers=2, num_hidden=650, num_embed=650, seq_len=35,
                        dropout=0.5):
    """Scores (N * seq_len, num_classes) of the next word, from words (N, seq_len)."""
    data = sym.Embedding(data, input_dim=num_classes, output_dim=num_embed, name="embed")
    if dropout:
        data = sym.Dropout(data, p=dropout, name="embed_drop")
    cell = rnn.FusedRNNCell(num_hidden, num_layers=num_layers, mode="lstm", dropout=dropout,
                            prefix="lstm_")
    data = sym.transpose(data, axes=(1, 0, 2), name="steps_first")
    output, _ = cell.unroll(seq_len, inputs=data, layout="TNC", merge_outputs=True)
    output = sym.transpose(output, axes=(1, 0, 2), name="samples_first")
    if dropout:
        output = sym.Dropout(output, p=dropout, name="output_drop")
    output = sym.Reshape(output, shape=(-1, num_hidden), name="rows")
    return dense(output, num_classes, name="pred")
