"""declnet through its command line: two whole runs of `python -m declnet run`, timed outside."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from safetensors.numpy import load_file, save_file

from data import DATA_FILE, Weights, read_data, read_weights
from loss import training_loss
from task import Sample, Task, sample_of
from works import BETA_1, BETA_2, EPSILON, Dense, Layer


def spec_layer(layer: Layer) -> dict[str, Any]:
    """The layer as a spec declares it."""
    if not isinstance(layer, Dense):
        return {"type": "relu"}
    declared: dict[str, Any] = {"type": "dense", "units": layer.units}
    if layer.l2:
        declared["weight_regularizer"] = {"type": "l2", "strength": layer.l2}
        declared["bias_regularizer"] = {"type": "l2", "strength": layer.l2}
    return declared


def spec(task: Task, weights_file: Path, steps: int, shuffle: bool) -> dict[str, Any]:
    """The spec that trains the work for that many updates, logging the first and last epoch."""
    work = task.work
    epochs = steps // work.steps_per_epoch
    training: dict[str, Any] = {"epochs": epochs, "log_every": epochs}
    if not work.full_batch:
        training |= {"batch_size": work.batch, "shuffle": shuffle}
    layers = [*(spec_layer(layer) for layer in work.layers), {"type": "softmax"}]
    return {
        "declnet": 1,
        "name": work.name,
        "seed": 0,
        "data": {"train": {"type": "npz", "path": str(task.path.resolve() / DATA_FILE)}},
        "model": {"dtype": "float32", "initial_weights": str(weights_file), "layers": layers},
        "loss": {"type": "categorical_crossentropy"},
        "optimizer": {
            "type": "adam",
            "learning_rate": work.learning_rate,
            "beta_1": BETA_1,
            "beta_2": BETA_2,
            "epsilon": EPSILON,
        },
        "training": training,
    }


def timed_run(spec_file: Path, out: Path) -> tuple[float, Weights]:
    """Run the spec in a process of its own: its wall time in seconds, and the final weights."""
    command = [sys.executable, "-m", "declnet", "run", str(spec_file), "--quiet", "--out", str(out)]
    start = perf_counter()
    result = subprocess.run(
        command, check=False, cwd=spec_file.parent, capture_output=True, text=True
    )
    seconds = perf_counter() - start
    if result.returncode != 0:
        raise RuntimeError(f"declnet run exited {result.returncode}: {result.stderr.strip()}")
    return seconds, load_file(out / "weights.safetensors")


def measure(task: Task, shuffle: bool = False) -> Sample:
    """Warm the file caches with a short run, then time a short and a long one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights_file = folder / "initial.safetensors"
        save_file(read_weights(task.path), weights_file)
        seconds, finished = [], []
        for run, steps in enumerate((task.short_steps, task.short_steps, task.long_steps)):
            spec_file = folder / f"spec_{run}.json"
            declared = spec(task, weights_file, steps, shuffle)
            spec_file.write_text(json.dumps(declared), encoding="utf-8")
            elapsed, weights = timed_run(spec_file, folder / f"run_{run}")
            seconds.append(elapsed)
            finished.append(weights)
    x, y = read_data(task.path)  # losses come last: NumPy's threads would disturb a run after them
    short_loss, long_loss = (training_loss(task.work, w, x, y) for w in finished[1:])
    return sample_of(task, (seconds[1], seconds[2]), (short_loss, long_loss))
