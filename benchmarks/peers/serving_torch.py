"""FastAPI with PyTorch: `python -m peers.serving_torch WEIGHTS.npz PORT`."""

import sys

import numpy as np
import torch

from peers.serving_network import Probabilities, layers_of, serve


def probabilities(path: str) -> Probabilities:
    """Return the network as a function, dense layers with ReLU between them and a softmax."""
    torch.set_num_threads(1)
    parts: list[torch.nn.Module] = []
    for weights, biases in layers_of(path):
        linear = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T.copy()))
            linear.bias.copy_(torch.from_numpy(biases.reshape(-1)))
        parts += [linear, torch.nn.ReLU()]
    network = torch.nn.Sequential(*parts[:-1], torch.nn.Softmax(dim=1)).eval()

    def run(rows: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            outputs: np.ndarray = network(torch.from_numpy(rows)).numpy()
            return outputs

    return run


if __name__ == "__main__":
    serve(probabilities(sys.argv[1]), int(sys.argv[2]))
