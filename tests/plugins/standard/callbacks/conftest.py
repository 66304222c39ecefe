"""A run for callbacks, with given metrics and no training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from declnet import EpochFinished, EpochLogged


@dataclass
class Model:
    epoch: int = -1

    def parameters(self):
        return {"w": np.array([self.epoch])}


@dataclass
class Played:
    """The run, and the requests to it by epoch."""

    directory: Path | None = None
    epochs: int = 100
    name: str = "played"
    model: Model = field(default_factory=Model)
    rate: float = 0.1
    stopped: str | None = None
    stopped_at: int | None = None
    restored: int | None = None
    origin: str | None = None
    rates: list[float] = field(default_factory=list)
    best: list[int] = field(default_factory=list)
    plans: list[dict] = field(default_factory=list)
    directions: dict = field(
        default_factory=lambda: {
            "loss": "lower",
            "accuracy": "higher",
            "validation_loss": "lower",
            "validation_accuracy": "higher",
        }
    )

    def better(self, name):
        return self.directions.get(name)

    def stop(self, reason):
        self.stopped, self.stopped_at = reason, self.model.epoch

    def scale_learning_rate(self, factor):
        self.rate *= factor

    def restore_parameters(self, parameters, origin=None):
        self.restored, self.origin = int(parameters["w"][0]), origin

    def save_checkpoint(self, best=False):
        self.best += [self.model.epoch] if best else []

    def save_checkpoints(self, **plan):
        self.plans.append(plan)


@pytest.fixture
def played():
    """Make a run, with a folder or without one."""
    return Played


@pytest.fixture
def follow():
    """Let a callback follow validation losses, one per epoch, until it stops."""

    def go(callback, losses, log_every=1, run=None, saved=None, first=0):
        run = run or Played()
        state = callback.start(run) if saved is None else callback.restore(run, saved)
        for epoch, loss in enumerate(losses, start=first):
            run.model.epoch, logged = epoch, epoch % log_every == 0
            kind = EpochLogged if logged else EpochFinished
            metrics = {name: loss for name in run.directions if "validation" not in name}
            told_parts = kind(epoch, run.rate, metrics, metrics)
            callback.after_epoch(state, told_parts)
            if logged:
                callback.epoch_finished(state, told_parts)
            run.rates.append(run.rate)
            if run.stopped:
                break
        return run, state

    return go
