"""Compare the test metrics of five shipped specs with the same networks in PyTorch.

    python benchmarks/shipped_networks.py [--specs demand messages …] [--seeds 3]

PyTorch's networks have PyTorch's own initial weights and are trained by `torch.optim.Adam`, both
with its defaults, on the same data sets as the spec, with its learning rate, batch size and number
of epochs. The table has the mean of a metric on the test data over the seeds, and the range.
Each seed also splits the data differently, unless the spec names the test data.
Needs the extra images and PyTorch; takes ten minutes.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import declnet
import numpy as np
import torch
from declnet.contracts.network.inputs import InputInfo
from declnet.data.preparing.targets import LossTarget
from declnet.data.streaming.fitting import prepared_sets
from declnet.spec.model import RunSpec
from torch import Tensor, nn

from measuring.options import positive, report
from measuring.table import aligned

SPECS = Path(__file__).parent.parent / "specs"
PARTS = ("train", "test")
Infos = Mapping[str, InputInfo]
Tensors = dict[str, Tensor]  # the inputs of a batch, by name


class StrokesLSTM(nn.Module):
    """The last states of both directions; `forget_bias` is added to PyTorch's initial biases."""

    def __init__(self, forget_bias: float = 0.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 32, batch_first=True, bidirectional=True)
        for biases in (self.lstm.bias_ih_l0, self.lstm.bias_ih_l0_reverse):
            biases.data.chunk(4)[1].add_(forget_bias)  # gates: input, forget, candidate, output
        self.dense = nn.Linear(64, 5)

    def forward(self, x: Tensors) -> Tensor:
        """Return the scores."""
        packed = nn.utils.rnn.pack_padded_sequence(
            x["x"], x["lengths"], batch_first=True, enforce_sorted=False
        )
        scores: Tensor = self.dense(torch.cat(tuple(self.lstm(packed)[1][0]), dim=1))
        return scores


class StrokesAttention(nn.Module):
    """Convolution, attention and convolution, and the largest of all steps."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(2, 32, 5, padding="same")
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.last = nn.Conv1d(32, 64, 3, padding="same")
        self.dense = nn.Linear(64, 5)

    def forward(self, x: Tensors) -> Tensor:
        """Return the scores."""
        outside = (torch.arange(x["x"].shape[1]) >= x["lengths"][:, None])[:, :, None]

        def convolved(layer: nn.Module, steps: Tensor) -> Tensor:
            masked = steps.masked_fill(outside, 0).transpose(1, 2)
            return torch.relu(layer(masked).transpose(1, 2)).masked_fill(outside, 0)

        steps = convolved(self.first, x["x"])
        k, time = torch.arange(32), torch.arange(steps.shape[1])[:, None]
        angles = time * 10000.0 ** (-(k - k % 2) / 32)
        placed = steps + torch.where(k % 2 == 1, angles.cos(), angles.sin())
        gathered = self.attention(placed, placed, placed, outside[:, :, 0], need_weights=False)[0]
        hidden = convolved(self.last, steps + gathered).masked_fill(outside, -torch.inf)
        scores: Tensor = self.dense(hidden.amax(dim=1))
        return scores


class Messages(nn.Module):
    """The mean of the vectors of all words but the padding, which is 0."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.mean = nn.EmbeddingBag(words, 16, mode="mean", padding_idx=0)
        self.dense = nn.Linear(16, 4)

    def forward(self, x: Tensors) -> Tensor:
        """Return the scores."""
        scores: Tensor = self.dense(self.mean(x[""]))
        return scores


class Demand(nn.Module):
    """One hidden layer on the past and on what is known of the future."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(28 * 3 + 7, 32), nn.ReLU(), nn.Linear(32, 7))

    def forward(self, x: Tensors) -> Tensor:
        """Return the sales of seven days."""
        sales: Tensor = self.layers(torch.cat([x["past"].flatten(1), x["future"].flatten(1)], 1))
        return sales


class Shapes(nn.Module):
    """Three convolutions; images are flipped at random in training."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.Mish(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.Mish(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 16, 3, padding=1), nn.Mish(), nn.AdaptiveMaxPool2d(1), nn.Flatten()),
            nn.Linear(16, 3),
        )

    def forward(self, x: Tensors) -> Tensor:
        """Return the scores."""
        images = x[""]
        if self.training:
            for axis in (2, 3):
                flipped = torch.rand(len(images), 1, 1, 1) < 0.5
                images = torch.where(flipped, images.flip(axis), images)
        scores: Tensor = self.layers(images)
        return scores


@dataclass(frozen=True)
class Case:
    """A shipped spec, the same network in PyTorch, and the metric to compare."""

    spec: str
    network: Callable[[Infos], nn.Module]
    metric: str = "accuracy"
    note: str = ""


CASES = (
    Case("strokes_lstm", lambda _: StrokesLSTM()),
    Case("strokes_lstm", lambda _: StrokesLSTM(1.0), note=", forget bias 1 in both"),
    Case("strokes_attention", lambda _: StrokesAttention()),
    Case("messages", lambda infos: Messages(infos[""].vocabulary or 0)),
    Case("demand", lambda _: Demand(), "mean_absolute_error"),
    Case("shapes_convolution", lambda _: Shapes()),
)


def tensors(dataset: Any) -> tuple[Tensors, Tensor]:
    """Return the inputs and targets of a data set."""
    x = dataset.x if isinstance(dataset.x, dict) else {"": dataset.x}
    y = torch.tensor(np.asarray(dataset.y, "f4" if dataset.y.dtype.kind == "f" else "i8"))
    return {name: torch.tensor(as_input(name, array)) for name, array in x.items()}, y


def as_input(name: str, array: Any) -> Any:
    """Return words and lengths as integers, everything else as float32."""
    integer = name == "lengths" or (name == "" and array.dtype.kind == "i")
    return np.asarray(array, "i8" if integer else "f4")


def trained_by_torch(case: Case, spec: RunSpec) -> float:
    """Train as the spec says, with PyTorch's defaults, and return the metric of the test data."""
    values = case.metric == "mean_absolute_error"
    target = LossTarget("", "values" if values else "classes")
    sets = prepared_sets(spec.data, [target], spec.seed)
    (x, y), (x_test, y_test) = (tensors(sets.datasets[name]) for name in ("train", "test"))
    torch.manual_seed(spec.seed)
    network = case.network(sets.input_infos)
    rate: Any = spec.optimizer.learning_rate
    size, epochs = spec.training.batch_size or len(y), spec.training.epochs or 1
    loss_of = nn.functional.mse_loss if values else nn.functional.cross_entropy
    schedule = not isinstance(rate, float)
    optimizer = torch.optim.Adam(network.parameters(), rate.initial_rate if schedule else rate)
    steps = epochs * -(-len(y) // size)
    annealed = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for part in torch.randperm(len(y)).split(size):
            optimizer.zero_grad()
            loss_of(network({name: array[part] for name, array in x.items()}), y[part]).backward()
            optimizer.step()
            if schedule:
                annealed.step()
    network.eval()
    with torch.no_grad():
        outputs = network(x_test)
    if values:
        return float((outputs - y_test).abs().mean())
    return float((outputs.argmax(dim=1) == y_test).double().mean())


def main() -> None:
    """Train all networks with each seed, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    names = list(dict.fromkeys(case.spec for case in CASES))
    parser.add_argument("--specs", nargs="+", choices=names, default=names)
    parser.add_argument("--seeds", type=positive, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [("spec", "metric on test data", "declnet", "range", "torch", "range")]
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder)
        runpy.run_path(str(SPECS / "data" / "make_shapes.py"))["make"](images)
        for case in (case for case in CASES if case.spec in arguments.specs):
            ours, theirs = [], []
            for seed in range(arguments.seeds):
                changes: dict[str, Any] = {"seed": seed}
                if case.spec == "shapes_convolution":
                    changes |= {f"data.{name}.path": str(images / name) for name in PARTS}
                spec = declnet.load_spec(SPECS / f"{case.spec}.toml", changes)
                ours.append(declnet.run(spec).metrics["test"][case.metric])
                theirs.append(trained_by_torch(case, spec))
                report(f"{case.spec}, seed {seed}: {ours[-1]:.4f}, torch {theirs[-1]:.4f}")
            rows.append((case.spec + case.note, case.metric, *cells(ours), *cells(theirs)))
    print("\n".join(aligned(rows)))


def cells(values: list[float]) -> tuple[str, str]:
    """Return the mean and the range."""
    return f"{np.mean(values):.3f}", f"{min(values):.3f}-{max(values):.3f}"


if __name__ == "__main__":
    main()
