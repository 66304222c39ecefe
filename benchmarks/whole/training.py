"""A whole training in a separate process, timed from its start to its end."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from measuring.processes import ROOM, ProcessError, Processes
from measuring.rows import Row
from measuring.task import Sample, Task
from peers.declnet_spec import spec
from works.data import Weights, read_data, read_weights
from works.numpy_network import scores, training_loss


@dataclass
class WholeRow(Row):
    """A peer's trainings; `first` is the milliseconds of the one with empty caches."""

    first: float = 0.0
    accuracy: float = 0.0


def measure_whole(
    task: Task,
    rows: list[WholeRow],
    processes: Processes,
    rounds: int,
    report: Callable[[str], None],
) -> None:
    """Train with every peer, round by round; the first round, which fills caches, is kept apart."""
    task.write(task.path / "task.json")
    for turn in range(rounds + 1):
        for row in rows:
            if row.failure:
                continue
            try:
                seconds, weights = train(task, row, processes)
            except ProcessError as error:
                row.failure = f"failed: {error}"
                report(f"{task.work.name} {turn}/{rounds} {row.peer.name}: {row.failure}")
                continue
            report(f"{task.work.name} {turn}/{rounds} {row.peer.name}: {seconds:.2f} s")
            if turn:
                x, y = read_data(task.path)
                loss = training_loss(task.work, weights, x, y)
                row.accuracy = float(np.mean(scores(task.work, weights, x).argmax(axis=1) == y))
                row.samples.append(Sample(1e6 * seconds, loss))
            else:
                row.first = 1000 * seconds


def train(task: Task, row: Row, processes: Processes) -> tuple[float, Weights]:
    """Run a training process; return its seconds and the weights it wrote."""
    if row.peer.module == "peers.declnet_runs":
        return train_by_command(task, row, processes)
    result = task.path / "weights.npz"
    result.unlink(missing_ok=True)
    file = task.path / "task.json"
    seconds, _ = processes.python("-m", "measuring.process", "whole", row.peer.name, file, result)
    with np.load(result, allow_pickle=False) as arrays:
        return seconds, {name: arrays[name] for name in arrays.files}


def train_by_command(task: Task, row: Row, processes: Processes) -> tuple[float, Weights]:
    """Do the same with `declnet run`, which checks, trains, evaluates and leaves a run folder."""
    weights_file = task.path / "initial.safetensors"
    save_file(read_weights(task.path), weights_file)
    document = spec(task.work, task.path, weights_file, task.steps, **row.peer.options)
    file, out = task.path / "spec.json", fresh(task.path / "run")
    file.write_text(json.dumps(document), encoding="utf-8")
    seconds, _ = processes.python("-m", "declnet", "run", file, "--quiet", "--out", out)
    return seconds, load_file(out / "weights.safetensors")


def fresh(folder: Path) -> Path:
    """Return the path of a folder that does not exist yet."""
    number = 0
    while (path := folder.with_name(f"{folder.name}_{number}")).exists():
        number += 1
    return path


def shipped_spec(processes: Processes) -> tuple[float, float, float]:
    """Run `declnet run specs/spiral_adam.toml`, including logs, metrics and test data.

    Returns its milliseconds, and its loss and accuracy on its own data.
    """
    out, file = fresh(processes.caches / "shipped"), ROOM.parent / "specs" / "spiral_adam.toml"
    command = [sys.executable, "-m", "declnet", "run", str(file), "--quiet", "--out", str(out)]
    seconds, _ = processes.run(command, processes.caches)
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))["train"]
    return 1000 * seconds, metrics["loss"], metrics["accuracy"]
