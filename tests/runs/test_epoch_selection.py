"""Validation metrics of a run that are unbiased by what its validation data selected."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import Callback, ComponentError, Metric, open_group, open_run, parse_spec
from declnet.testing.examples import registry_with

ROWS, PARTS = 240, 5
SEEN = []


def noise(rare=0.5):
    rng = np.random.default_rng(3)
    return declnet.Dataset(rng.normal(size=(ROWS, 4)), (rng.random(ROWS) < rare).astype(int))


def spec_of(*callbacks, metrics=("log_loss",), steps=("temperature",), units=2, **top):
    last = "softmax" if units == 2 else "sigmoid"
    layers = [{"type": "dense", "units": 24}, "relu", {"type": "dense", "units": units}, last]
    return {
        "declnet": 1,
        "data": {"validation": 0.5},
        "model": {"layers": layers},
        "loss": "categorical_crossentropy" if units == 2 else "binary_crossentropy",
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "training": {"epochs": 30, "metrics": [*metrics], "callbacks": [*callbacks]},
        **({"calibration": {"steps": [*steps]}} if steps else {}),
        **top,
    }


def trained(tmp_path, spec, data=None, **options):
    data = {"train": data or noise()}
    declnet.run(spec, data, out=tmp_path / "out", **options)
    run = open_run(tmp_path / "out", options.get("registry"))
    run.examined("validation", data)
    return run


def test_labels_without_a_signal_are_predicted_no_better_than_chance(tmp_path):
    run = trained(tmp_path, spec_of("best_epoch"))
    reported = run.metrics["validation"]
    assert reported["log_loss"] > np.log(2)
    # by everything that reads the run
    assert run.evaluate("validation").metrics == pytest.approx(reported)
    predicted = run.predictions("validation")
    of_label = predicted.outputs[np.arange(len(predicted.y)), predicted.y]
    assert -np.log(of_label).mean() == pytest.approx(reported["log_loss"])
    some = np.array([7, 2, 40])
    of_some = run.predictions("validation", some)
    np.testing.assert_array_equal(of_some.outputs, predicted.outputs[some])
    np.testing.assert_array_equal(of_some.uncalibrated, predicted.uncalibrated[some])
    (finished,) = run.examined("validation", {"train": noise()}, by_models=True)
    of_label = finished.outputs()[""][np.arange(len(predicted.y)), predicted.y]
    assert -np.log(of_label).mean() < np.log(2)  # which the same labels have selected


def test_each_part_is_classified_with_the_threshold_that_the_others_choose(tmp_path):
    steps = ({"type": "threshold", "metric": "f1"},)
    spec = spec_of(metrics=("f1", "precision"), steps=steps, units=1)
    run = trained(tmp_path, spec, noise(rare=0.2))
    held_out, (part,) = run.held_out, run.examined("validation", by_models=True)
    y, outputs = part.targets()[0].reshape(-1) == 1, part.outputs()[""].reshape(-1)
    thresholds = np.array([of_part[""].threshold for of_part in held_out.calibrations])
    assert len(set(thresholds)) > 1
    answers = outputs > thresholds[held_out.part_of]
    right = (answers & y).sum()
    f1, precision = 2 * right / (answers.sum() + y.sum()), right / answers.sum()
    evaluation = run.evaluate("validation")
    for metrics in (run.metrics["validation"], evaluation.metrics):
        assert metrics["f1"] == pytest.approx(f1)
        assert metrics["precision"] == pytest.approx(precision)
    assert evaluation.counts[1, 1] == right
    assert evaluation.counts[:, 1].sum() == answers.sum()
    # which the threshold of the model beats on the rows that chose it
    answers = outputs > run.predictor().readings[0].threshold
    assert 2 * (answers & y).sum() / (answers.sum() + y.sum()) > f1


@pytest.mark.parametrize("kind", ["folds", "seeds"])
def test_several_models_classify_with_thresholds_that_other_rows_choose(tmp_path, kind):
    steps = ({"type": "threshold", "metric": "f1"},)
    spec = spec_of("best_epoch", metrics=("f1",), steps=steps, units=1)
    spec["data"] = {"folds": 3} if kind == "folds" else {"validation": noise(rare=0.2)}
    data = {"train": noise(rare=0.2)}
    if kind == "seeds":
        data["validation"] = spec["data"].pop("validation")
    declnet.run(spec, data, out=tmp_path / "out", **({"seeds": [1, 2]} if kind == "seeds" else {}))
    group = open_group(tmp_path / "out")
    parts = group.examined("validation", data)
    assert len(parts) >= PARTS
    thresholds = [part.predictor.readings[0].threshold for part in parts]
    assert len(set(thresholds)) > 1
    y = np.concatenate([part.targets()[0].reshape(-1) for part in parts]) == 1
    pairs = zip(parts, thresholds, strict=True)
    answers = np.concatenate([part.outputs()[""].reshape(-1) > limit for part, limit in pairs])
    f1 = 2 * (answers & y).sum() / (answers.sum() + y.sum())
    from declnet.runs.inference.examined import evaluate_examined

    evaluation = evaluate_examined(parts, group.predictor())
    assert evaluation.metrics["f1"] == pytest.approx(f1)
    assert evaluation.counts[1, 1] == (answers & y).sum()
    if kind == "folds":
        predicted = group.out_of_fold(data).prediction
        assert (predicted == 1).sum() == answers.sum()


class Stops(Callback):
    """A third-party callback that stops at the first epoch that is worse than the best one."""

    type = "stops"
    selects_epoch = True

    def monitors(self):
        return ("validation_loss",)

    def start(self, run):
        return {"run": run, "best": np.inf}

    def after_epoch(self, state, epoch):
        if state["run"].directory is not None:
            SEEN.append(state["run"].model.predict(noise().x))
        value = epoch.metric("validation_loss")
        if value > state["best"]:
            state["run"].stop("it gets no better")
        state["best"] = min(value, state["best"])


def test_a_part_has_the_epoch_after_which_the_others_would_stop(tmp_path):
    SEEN.clear()
    registry = registry_with([Stops])
    document = spec_of("stops", steps=(), metrics=())
    document |= {"seed": 5}
    document["optimizer"]["learning_rate"] = 0.005
    run = trained(tmp_path, parse_spec(document, registry), registry=registry)
    rows = run.raw_sets({"train": noise()})["validation"].row_numbers - 1
    y, outputs, part_of = noise().y[rows], [seen[rows] for seen in SEEN], run.held_out.part_of
    losses = np.array([-np.log(epoch[np.arange(len(y)), y]) for epoch in outputs])
    epochs = []
    for part in range(PARTS):
        of_others = losses[:, part_of != part].mean(axis=1)
        worse = np.flatnonzero(np.diff(of_others) > 0)
        epochs.append(worse[0] + 1 if len(worse) else len(outputs) - 1)
        at = part_of == part
        np.testing.assert_allclose(run.held_out.outputs[""][at], outputs[epochs[-1]][at], rtol=1e-5)
    assert min(epochs) < len(outputs) - 1


def test_it_is_the_same_after_an_interruption(tmp_path):
    spec = spec_of("best_epoch", {"type": "checkpoint", "every_epochs": 4})
    whole = trained(tmp_path / "whole", spec)

    def interrupted(event):
        if getattr(event, "epoch", 0) == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "part", spec, listener=interrupted)
    declnet.resume(tmp_path / "part/out", {"train": noise()})
    for name in ("held_out.safetensors", "metrics.json"):
        assert (tmp_path / "part/out" / name).read_bytes() == (whole.path / name).read_bytes()


def test_without_a_selection_the_metrics_are_the_models(tmp_path):
    spec = spec_of({"type": "best_epoch", "monitor": "loss"}, steps=())
    run = trained(tmp_path, spec)
    assert run.held_out is None
    assert not (run.path / "held_out.safetensors").exists()


def test_validation_data_of_another_source_needs_no_column_to_split_by(tmp_path):
    rng = np.random.default_rng(0)
    rows = {"a": rng.normal(size=90), "group": rng.integers(0, 9, 90), "y": rng.normal(size=90)}
    train = declnet.Table(rows, target="y")
    validation = declnet.Table({"a": rows["a"][:40], "y": rows["y"][:40]}, target="y")
    spec = {
        "data": {"test": 0.2, "split": {"method": "grouped", "column": "group"}},
        "model": {"layers": [{"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "training": {"epochs": 3, "callbacks": ["best_epoch"]},
    }
    declnet.run(spec, {"train": train, "validation": validation}, out=tmp_path / "out")
    assert sorted(np.bincount(open_run(tmp_path / "out").held_out.part_of)) == [8] * PARTS


class Forgets(Metric):
    """A third-party metric that computes a wrong number of parts."""

    type = "forgets"
    better = "lower"

    def start(self):
        return [0.0]

    def update(self, state, y_pred, y_true):
        state[0] += len(y_true)

    def result(self, state):
        return state[0]

    def leaving_out(self, y_pred, y_true, part_of):
        return super().leaving_out(y_pred, y_true, part_of)[1:]


def test_a_metric_without_a_number_for_each_part_breaks_its_contract(tmp_path):
    registry = registry_with([Forgets])
    callback = {"type": "best_epoch", "monitor": "validation_forgets"}
    spec = parse_spec(spec_of(callback, metrics=("forgets",)), registry)
    with pytest.raises(ComponentError, match=r"an array \(4,\) of float64, not a number for each"):
        declnet.run(spec, {"train": noise()}, registry=registry)
