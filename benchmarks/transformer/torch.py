"""One training step of a transformer encoder layer: width 512, 8 heads, 2048 inner units, sequences of 128,
batch 8, gelu, dropout 0.1, normalised after each part, plain SGD."""
import torch

VERSION = torch.__version__
BATCH, LENGTH, WIDTH, HEADS, INNER, DROPOUT = 8, 128, 512, 8, 2048, 0.1
torch.set_num_threads(1)


def _layer(wrap):
    layer = torch.nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, DROPOUT, "gelu", batch_first=True)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    run = wrap(layer)
    data = torch.rand(BATCH, LENGTH, WIDTH).mul_(2).sub_(1).requires_grad_()
    head = torch.rand(BATCH, LENGTH, WIDTH).mul_(2).sub_(1)

    def repeat(count):
        for _ in range(count):
            optimizer.zero_grad()
            data.grad = None
            run(data).backward(head)
            optimizer.step()
    return repeat


CASES = {"eager": lambda: _layer(lambda layer: layer), "compiled": lambda: _layer(torch.compile)}
