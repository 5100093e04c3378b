"""PyTorch: see torch_network.py."""
from convnet import graph, torch_network

VERSION = torch_network.VERSION
CASES = graph.cases(torch_network.maker("eager"))
