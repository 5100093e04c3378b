"""A transformer encoder (Vaswani et al., Attention is all you need, arXiv 1706.03762), normalized before
each part, with learnt positions."""
from .. import symbol as sym


def _linear(data, units, name):
    return sym.FullyConnected(data, num_hidden=units, flatten=False, name=name)


def _attention(data, units, heads, dropout, name):
    """Every position (N, T, units) looks at every other."""
    queries, keys, values = (
        sym.transpose(sym.Reshape(_linear(data, units, f"{name}_{part}"),
                                  shape=(0, 0, heads, units // heads)),
                      axes=(0, 2, 1, 3), name=f"{name}_{part}_heads")
        for part in ("query", "key", "value"))
    queries, keys, values = (sym.Reshape(part, shape=(-3, -2)) for part in (queries, keys, values))
    scores = sym.batch_dot(queries, keys, transpose_b=True, name=f"{name}_scores")
    weights = sym.softmax(scores * (units // heads) ** -0.5, axis=-1, name=f"{name}_weights")
    if dropout:
        weights = sym.Dropout(weights, p=dropout, name=f"{name}_drop")
    mixed = sym.Reshape(sym.batch_dot(weights, values), shape=(-4, -1, heads, 0, 0))
    mixed = sym.Reshape(sym.transpose(mixed, axes=(0, 2, 1, 3)), shape=(0, 0, -3))
    return _linear(mixed, units, f"{name}_output")


def transformer_encoder(data, num_classes, num_layers=2, units=256, heads=4, hidden=1024,
                        vocabulary=10000, seq_len=128, dropout=0.1):
    """Scores (N, num_classes) of whole sequences, from words (N, seq_len)."""
    positions = sym.Variable("position_weight", shape=(1, seq_len, units))
    data = sym.Embedding(data, input_dim=vocabulary, output_dim=units, name="embed")
    data = sym.broadcast_add(data, positions, name="embed_position")
    for i in range(num_layers):
        name = f"layer{i}"
        part = _attention(sym.LayerNorm(data, name=f"{name}_norm1"), units, heads, dropout,
                          f"{name}_attention")
        data = data + (sym.Dropout(part, p=dropout, name=f"{name}_drop1") if dropout else part)
        part = _linear(sym.LayerNorm(data, name=f"{name}_norm2"), hidden, f"{name}_ffn1")
        part = sym.LeakyReLU(part, act_type="gelu", name=f"{name}_gelu")
        part = _linear(part, units, f"{name}_ffn2")
        data = data + (sym.Dropout(part, p=dropout, name=f"{name}_drop2") if dropout else part)
    data = sym.mean(sym.LayerNorm(data, name="norm"), axis=1, name="pool")
    return sym.FullyConnected(data, num_hidden=num_classes, name="fc")
