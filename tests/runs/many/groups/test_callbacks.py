"""Callbacks are told once that all runs of their group have ended."""

from __future__ import annotations

import json

import pytest

from declnet import Callback, cross_validate, parse_spec, run
from declnet.runs.many.sweeps.stored_sweep import SweptSpec, begin_sweep, open_sweep
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
    found = cross_validate(parse_spec(document, registry), out=tmp_path / "f", registry=registry)
    assert [label for label, *_ in TOLD] == ["a", "b"]
    _, runs, best = TOLD[0]
    assert [each.values for each in runs] == [{"fold": 1}, {"fold": 2}, {"fold": 3}]
    assert {each.group for each in runs} == {tmp_path / "f"}
    assert [each.metrics for each in runs] == [each.metrics for each in found.results]
    accuracies = [each.metrics["validation"]["accuracy"] for each in runs]
    assert best.metrics["validation"]["accuracy"] == max(accuracies)


def test_a_sweep_is_one_group_that_is_told_once(document, registry, tmp_path):
    document["training"] |= {"callbacks": ["group"], "epochs": 1}
    specs = [
        parse_spec(
            document | {"name": name, "optimizer": {"type": "sgd", "learning_rate": rate}}, registry
        )
        for name, rate in (("low", 0.1), ("high", 0.2))
    ]
    swept = [
        SweptSpec(each, (0, 1), {"optimizer.learning_rate": each.optimizer.learning_rate})
        for each in specs
    ]
    begin_sweep(tmp_path, swept, None, ascending=None)
    sweep = open_sweep(tmp_path, registry)
    for task in sweep.tasks():
        run(task.spec, out=task.directory, registry=registry)
    assert not TOLD
    sweep.finish()
    ((_, runs, best),) = TOLD
    assert {each.group for each in runs} == {tmp_path}
    varied = sorted(tuple(each.values.values()) for each in runs)
    assert varied == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]
    assert best in runs
    assert json.loads((tmp_path / "sweep.json").read_text())["status"] == "finished"
