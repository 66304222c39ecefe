"""PyTorch: all networks together, by torch.func.vmap over stacked parameters and one fused Adam."""

from math import sqrt
from pathlib import Path

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import cross_entropy

from works.many import ManyWork

Parameters = tuple[Tensor, ...]


def train(work: ManyWork, folder: Path, count: int) -> list[float]:
    """Train all networks in one process; return the loss of each."""
    x, y = (torch.from_numpy(array) for array in work.read(folder))
    generator = torch.Generator().manual_seed(0)
    parameters = _initial(work, count, generator)
    optimizer = torch.optim.Adam(parameters, lr=work.learning_rate, fused=True)
    each_loss = vmap(_loss)
    on_same = vmap(_loss, in_dims=(0, None, None))
    for _ in range(work.epochs):
        order = torch.rand(count, work.samples, generator=generator).argsort(dim=1)
        for start in range(0, work.samples, work.batch):
            optimizer.zero_grad()
            if work.full_batch:
                losses = on_same(parameters, x, y)
            else:
                rows = order[:, start : start + work.batch]
                losses = each_loss(parameters, x[rows], y[rows])
            losses.sum().backward()
            optimizer.step()
    with torch.no_grad():
        return [float(loss) for loss in on_same(parameters, x, y)]


def _initial(work: ManyWork, count: int, generator: torch.Generator) -> Parameters:
    """Return Glorot-uniform weights and zero biases, (networks, …) each."""
    parameters: list[Tensor] = []
    for inputs, units in ((work.features, work.units), (work.units, work.classes)):
        bound = sqrt(6 / (inputs + units))
        parameters.append((2 * torch.rand(count, inputs, units, generator=generator) - 1) * bound)
        parameters.append(torch.zeros(count, units))
    return tuple(parameter.requires_grad_() for parameter in parameters)


def _loss(parameters: Parameters, x: Tensor, y: Tensor) -> Tensor:
    w1, b1, w2, b2 = parameters
    return cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, y)
