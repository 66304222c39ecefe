"""Methods that fit a model to each of a task's folds, once or with several settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tabular.tasks import FOLDS, Task

Array = Any
Predict = Callable[..., Array]
Fit = Callable[[], Predict]
Prepare = Callable[[Task, Path], Fit]

ROUNDS = 40
"""Of the selection of an ensemble, as in TabArena."""


def bagged(prepare: Prepare) -> Prepare:
    """Return a method whose predictions are the mean of a model for each fold.

    A model learns from four fifths of the rows and validates on the other one.
    """

    def prepare_all(task: Task, folder: Path) -> Fit:
        fits = [prepare(fold, folder) for fold in task.folds]

        def fit() -> Predict:
            models = [fit_one() for fit_one in fits]
            return lambda: np.mean([predict() for predict in models], axis=0)

        return fit

    return prepare_all


def tuned(settings: Callable[[int], Prepare]) -> Prepare:
    """Return a method that tries settings in folds, and weighs what it has tried.

    Settings are tried until the next trial is expected to end after the task's `seconds`; the first
    is always tried. The weights of trials are chosen on predictions out of fold (Caruana et al.,
    Ensemble selection from libraries of models, ICML 2004).

    Args:
        settings: the method with the settings of a trial, counted from 0.
    """

    def prepare(task: Task, folder: Path) -> Fit:
        def fit() -> Predict:
            start = perf_counter()
            trials: list[list[Predict]] = []
            while not trials or (perf_counter() - start) * (1 + 1 / len(trials)) < task.seconds:
                method = settings(len(trials))
                trials.append([method(fold, folder)() for fold in task.folds])
            out_of_fold = np.array(
                [np.concatenate([model("validation") for model in trial]) for trial in trials]
            )
            targets = np.concatenate([fold.target("validation") for fold in task.folds])
            weights = selected_weights(out_of_fold, targets)

            def predict() -> Array:
                tested = [sum(model() for model in trial) / FOLDS for trial in trials]
                return np.tensordot(weights, tested, axes=1)

            return predict

        return fit

    return prepare


def selected_weights(predictions: Array, y: Array, rounds: int = ROUNDS) -> Array:
    """Return weights (trials,) of predictions, chosen greedily, with a sum of 1.

    Args:
        predictions: probabilities (trials, n, classes), or values (trials, n).
        y: positions of classes, or values (n,).
        rounds: how often the trial is added that makes the mean best.
    """
    counts, total = np.zeros(len(predictions)), np.zeros_like(predictions[0])
    for number in range(1, rounds + 1):
        losses = [_loss((total + added) / number, y) for added in predictions]
        best = int(np.argmin(losses))
        counts[best] += 1
        total = total + predictions[best]
    return counts / rounds


def _loss(predicted: Array, y: Array) -> float:
    """Return the log loss of probabilities, or the mean squared error of values."""
    if predicted.ndim == 1:
        return float(np.mean((predicted - y) ** 2))
    return float(-np.mean(np.log(np.clip(predicted[np.arange(len(y)), y], 1e-6, 1.0))))
