"""PyTorch, eager, with Adam as `torch.optim.Adam` makes it where nothing else is asked for."""

from peers.torch_eager import TorchTrainer
from task import Sample, Task
from trainer import time_trainer


def measure(task: Task) -> Sample:
    """Time the eager loop, each parameter updated by itself."""
    return time_trainer(TorchTrainer(task, fused=False), task)
