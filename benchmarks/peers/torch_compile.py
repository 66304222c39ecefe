"""PyTorch, torch.compile: forward, loss and backward compiled by Inductor; fused Adam."""

import torch

from peers.torch_eager import TorchTrainer
from task import Sample, Task
from trainer import time_trainer


def measure(task: Task) -> Sample:
    """Time the loop with a compiled loss. Inductor needs a C++ compiler, and fails without one."""
    trainer = TorchTrainer(task)
    trainer.compute_loss = torch.compile(trainer.eager_loss, fullgraph=True, dynamic=False)
    return time_trainer(trainer, task)
