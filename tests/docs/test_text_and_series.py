"""`docs/how_to/text_and_series.md` shows the results of its specs and of baselines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import LossTarget
from declnet.data.streaming.fitting import prepared_sets


@pytest.fixture(scope="module")
def page(docs: Path) -> str:
    return (docs / "how_to" / "text_and_series.md").read_text("utf-8")


def test_the_text_classifier_is_as_good_as_shown(page: str, repository: Path) -> None:
    spec = declnet.load_spec(repository / "specs" / "messages.toml")
    result = declnet.run(spec)
    assert f"mean over time, dense | {result.metrics['test']['accuracy']:.3f} |" in page
    labels = prepared_sets(spec.data, [LossTarget("", "classes")], spec.seed).datasets["test"].y
    most = np.bincount(labels).max() / len(labels)
    assert f"the most frequent subject | {most:.3f} |" in page


def test_the_forecasts_are_as_good_as_shown(page: str, repository: Path) -> None:
    spec = declnet.load_spec(repository / "specs" / "demand.toml")
    error = declnet.run(spec).metrics["test"]["mean_absolute_error"]
    assert f"one hidden layer of 32 | {error:.3f} |" in page
    sets = prepared_sets(spec.data, [LossTarget("", "values")], spec.seed)
    state = next(step.states["sales"] for step in sets.preparation.steps)
    train, test = sets.datasets["train"], sets.datasets["test"]
    last_week = test.x["past"][:, -7:, -1] * state["std"] + state["mean"]
    naive = np.abs(last_week - test.y).mean()
    assert f"the week before | {naive:.3f} |" in page
    x, x_test = (
        np.concatenate([part.x[name].reshape(len(part), -1) for name in ("past", "future")], axis=1)
        for part in (train, test)
    )
    mean, y = x.mean(axis=0), train.y.mean(axis=0)
    centered = x - mean
    slopes = np.linalg.solve(centered.T @ centered + np.eye(x.shape[1]), centered.T @ (train.y - y))
    ridge = np.abs((x_test - mean) @ slopes + y - test.y).mean()
    assert f"(`alpha = 1`) | {ridge:.3f} |" in page
