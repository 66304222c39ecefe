"""Callbacks are told once that all runs of their group have ended."""

from __future__ import annotations

import json

import pytest

from declnet import Callback, parse_spec, run, sweep
from declnet.testing.examples import registry_with

TOLD = []


class Group(Callback):
    type = "group"

    label: str = "a"

    def group_finished(self, runs, best):
        TOLD.append((self.label, runs, best))


@pytest.fixture
def registry():
    TOLD.clear()
    return registry_with([Group])


def test_folds_are_told_that_all_have_ended_with_their_metrics(document, registry, tmp_path):
    document["data"]["folds"] = 3
    document["training"]["callbacks"] = ["group", {"type": "group", "label": "b"}, "group"]
    found = run(parse_spec(document, registry), out=tmp_path / "f", registry=registry)
    assert [label for label, *_ in TOLD] == ["a", "b"]
    _, runs, best = TOLD[0]
    assert [each.values for each in runs] == [{"fold": 1}, {"fold": 2}, {"fold": 3}]
    assert {each.group for each in runs} == {tmp_path / "f"}
    assert [each.metrics for each in runs] == [each.metrics for each in found.members]
    accuracies = [each.metrics["validation"]["accuracy"] for each in runs]
    assert best.metrics["validation"]["accuracy"] == max(accuracies)


def test_a_sweep_is_one_group_that_is_told_once(document, registry, tmp_path):
    document["training"] |= {"callbacks": ["group"], "epochs": 1}
    document["sweep"] = {"optimizer.learning_rate": [0.1, 0.2], "seed": [0, 1]}
    sweep(document, out=tmp_path / "swept", registry=registry)
    ((_, runs, best),) = TOLD
    assert {each.group for each in runs} == {tmp_path / "swept"}
    varied = sorted(tuple(each.values.values()) for each in runs)
    assert varied == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]
    assert best in runs
    assert json.loads((tmp_path / "swept/group.json").read_text())["status"] == "finished"
