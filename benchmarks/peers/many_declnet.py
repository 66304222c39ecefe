"""declnet: `declnet run --seeds`, with a folder for each run; or a process for each run."""

import json
import subprocess
import sys
from pathlib import Path

from works.data import DATA_FILE
from works.many import ManyWork


def train(
    work: ManyWork, folder: Path, count: int, kernels: str = "auto", apart: bool = False
) -> list[float]:
    """Train by the command line; return the loss of each run on the training data.

    Args:
        kernels: the key in `[engine]`.
        apart: whether each run has a process of its own.
    """
    spec, out = folder / "spec.json", folder / "runs"
    spec.write_text(json.dumps(document(work, folder, kernels)), encoding="utf-8")
    if apart:
        for seed in range(count):
            _declnet("run", spec, "--set", f"seed={seed}", "--out", out / f"seed-{seed}")
    else:
        _declnet("run", spec, "--seeds", f"0..{count - 1}", "--out", out)
    files = [out / f"seed-{seed}" / "metrics.json" for seed in range(count)]
    return [json.loads(file.read_text("utf-8"))["train"]["loss"] for file in files]


def document(work: ManyWork, folder: Path, kernels: str) -> dict[str, object]:
    """Return the work as a spec that logs ten epochs and the last."""
    training = {"epochs": work.epochs, "log_every": work.epochs // 10}
    batches = {} if work.full_batch else {"batch_size": work.batch}
    return {
        "declnet": 1,
        "name": work.name,
        "data": {"train": {"type": "npz", "path": str(folder.resolve() / DATA_FILE)}},
        "model": {
            "dtype": "float32",
            "layers": [
                {"type": "dense", "units": work.units},
                "relu",
                {"type": "dense", "units": work.classes},
                "softmax",
            ],
        },
        "loss": "categorical_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": work.learning_rate},
        "training": training | batches,
        "engine": {"kernels": kernels},
    }


def _declnet(*arguments: object) -> None:
    command = [sys.executable, "-m", "declnet", *map(str, arguments), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
