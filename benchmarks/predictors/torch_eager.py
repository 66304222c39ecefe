"""PyTorch in inference mode, eager or compiled."""

import torch

from measuring.task import Task
from peers.torch_network import TorchNetwork
from predictors.timing import Predict
from works.data import Floats, Samples, read_weights


def make(task: Task, compiled: bool = False) -> Predict:
    """Return the softmax of the network's scores."""
    torch.set_num_threads(task.threads)
    network = TorchNetwork(task.work)
    network.load(read_weights(task.path))
    model = torch.nn.Sequential(*network.model, torch.nn.Softmax(1)).eval()
    call = torch.compile(model, fullgraph=True, dynamic=False) if compiled else model

    def predict(x: Samples) -> Floats:
        with torch.inference_mode():
            probabilities: Floats = call(torch.from_numpy(x)).numpy()
        return probabilities

    return predict
