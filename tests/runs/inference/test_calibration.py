"""Calibrations: fitted after the training, stored with the run, applied to all predictions."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet import (
    Calibrator,
    ComponentError,
    DataError,
    open_run,
    parse_spec,
)
from declnet.runs.inference.calibration import JointCalibration
from declnet.runs.inference.predictor import Predictor
from declnet.testing.examples import registry_with

STEPS = ["temperature", {"type": "conformal", "coverage": 0.8}]


@pytest.fixture(scope="module")
def classes():
    """Three overlapping classes, on which a long training becomes overconfident."""
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    return np.eye(3)[y][:, :2] + rng.normal(0, 0.7, (240, 2)), y


@pytest.fixture
def imbalanced():
    """Data where one of ten samples is 1, and hard to tell apart."""
    rng = np.random.default_rng(1)
    y = (np.arange(400) % 10 == 0).astype(int)
    return y[:, None] * 0.8 + rng.normal(0, 0.7, (400, 2)), y


def spec_of(steps, output, loss, *, metrics=(), epochs=150):
    calibration = {"calibration": {"steps": steps}} if steps else {}
    return parse_spec(
        {
            "data": {"validation": 0.3, "test": 0.3},
            "model": {"layers": [{"type": "dense", "units": 24}, "relu", *output]},
            "loss": loss,
            "optimizer": {"type": "adam", "learning_rate": 0.03},
            "training": {"epochs": epochs, "metrics": list(metrics), "log_every": 50},
            **calibration,
        }
    )


SOFTMAX = [{"type": "dense", "units": 3}, "softmax"]
LINEAR = [{"type": "dense", "units": 1}]


def of_classes(steps, **changes):
    return spec_of(steps, SOFTMAX, "categorical_crossentropy", **changes)


def parts_of(x, y):
    cuts = {"train": slice(100), "validation": slice(100, 170), "test": slice(170, None)}
    return {name: (x[part], y[part]) for name, part in cuts.items()}


def without_fractions(spec):
    fractions = {"validation": None, "test": None}
    return spec.model_copy(update={"data": spec.data.model_copy(update=fractions)})


@pytest.fixture(scope="module")
def run(classes, tmp_path_factory):
    spec = without_fractions(of_classes(STEPS, metrics=["log_loss", "accuracy"]))
    data = parts_of(*classes)
    return declnet.run(spec, data, tmp_path_factory.mktemp("runs") / "run"), data


@pytest.fixture
def copy(run, tmp_path):
    """Return a copy of the run's folder, which a test may damage."""
    return Path(shutil.copytree(run[0].directory, tmp_path / "run"))


class TestARunWithATemperatureAndSets:
    def test_the_stored_run_predicts_as_the_run_did_to_the_bit(self, run):
        result, data = run
        first = result.predict(data["test"][0])
        predictor = pickle.loads(pickle.dumps(open_run(result.directory).predictor()))
        again = predictor.predict(data["test"][0])
        for name in ("probabilities", "sets", "outputs"):
            assert np.array_equal(getattr(first, name), getattr(again, name))
        assert declnet.resume(result.directory).predictor.calibrations.keys() == {""}

    def test_probabilities_are_those_of_the_model_at_another_temperature(self, run):
        result, data = run
        raw = result.model.predict(data["test"][0])
        state = json.loads((result.directory / "calibration.json").read_text())
        state = state["losses"][""]["steps"][0]["state"]
        powers = raw.astype(float) ** (1 / state["temperature"])
        probabilities = result.predict(data["test"][0]).probabilities
        assert np.allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)
        assert state["temperature"] > 1

    def test_metrics_are_calibrated_and_the_loss_is_not(self, run, classes):
        result, data = run
        plain = declnet.run(without_fractions(of_classes(None, metrics=["log_loss"])), data)
        for name in ("train", "validation", "test"):
            assert result.metrics[name]["loss"] == pytest.approx(plain.metrics[name]["loss"])
        before = plain.metrics["test"]["log_loss"]
        assert result.metrics["test"]["log_loss"] < before
        evaluation = open_run(result.directory).predictor().evaluate(data["test"])
        assert evaluation.metrics == pytest.approx(result.metrics["test"])
        calibration = evaluation.as_data()["calibration"]
        assert calibration["before"]["log_loss"] == pytest.approx(before, rel=1e-5)
        assert calibration["after"]["log_loss"] == pytest.approx(result.metrics["test"]["log_loss"])
        assert calibration["after"]["expected_calibration_error"] < 1
        assert calibration["samples"] == 70

    def test_the_coverage_is_computed_from_the_sets_of_the_predictions(self, run):
        result, data = run
        x, y = data["test"]
        evaluated, sets = result.predictor.evaluate((x, y)), result.predict(x).sets
        assert evaluated.calibration.coverage == pytest.approx(
            {
                "coverage": sets[np.arange(len(y)), y].mean(),
                "mean_set_size": sets.sum(axis=1).mean(),
                "promised": 0.8,
            }
        )
        texts = result.predict(x).columns()["set"]
        rows = ["|".join(str(number) for number in np.flatnonzero(row)) for row in sets]
        assert texts.tolist() == rows

    def test_an_interrupted_run_says_that_it_is_not_calibrated(self, copy, classes):
        path = copy / "manifest.json"
        manifest = json.loads(path.read_text())
        del manifest["files"]["calibration.json"]
        path.write_text(json.dumps(manifest | {"status": "interrupted"}))
        (copy / "calibration.json").unlink()
        said = []
        predictor = open_run(copy, notice=said.append).predictor()
        assert said == ["the run is interrupted, so its predictions are not calibrated"]
        assert predictor.predict(classes[0]).sets is None


def test_a_run_that_was_killed_at_its_end_is_calibrated_again(classes, tmp_path):
    spec = without_fractions(of_classes(STEPS, epochs=3))
    data = parts_of(*classes)
    declnet.run(spec, data, tmp_path / "run")
    path, manifest = tmp_path / "run" / "calibration.json", tmp_path / "run" / "manifest.json"
    whole = path.read_bytes()
    ended = json.loads(manifest.read_text())
    del ended["files"], ended["ended"]
    manifest.write_text(json.dumps(ended | {"status": "running"}))
    path.write_text("of other weights")

    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        declnet.resume(tmp_path / "run", data, listener=stop)
    assert not path.exists()
    declnet.resume(tmp_path / "run", data)
    assert path.read_bytes() == whole


class TestAThreshold:
    def test_each_of_several_labels_has_its_own_threshold(self, imbalanced, tmp_path):
        x, rare = imbalanced
        y = np.stack([rare, (x[:, 1] > 0).astype(int), 0 * rare], axis=1)
        steps, output = [{"type": "threshold", "metric": "f1"}], [{"type": "dense", "units": 3}]
        loss, metrics = "binary_crossentropy", ["binary_accuracy"]
        spec = spec_of(steps, [*output, "sigmoid"], loss, metrics=metrics, epochs=40)
        declnet.run(spec, (x, y), tmp_path / "run")
        predictor = open_run(tmp_path / "run").predictor()
        thresholds = predictor.reading.threshold
        assert len(set(thresholds)) == 3
        prediction, evaluation = predictor.predict(x), predictor.evaluate((x, y))
        assert np.array_equal(prediction.prediction, prediction.outputs > np.array(thresholds))
        assert not prediction.prediction[:, 2].any()
        accuracy = (prediction.prediction == y).mean()
        assert evaluation.metrics["binary_accuracy"] == pytest.approx(accuracy)
        assert np.trace(evaluation.counts, axis1=1, axis2=2).sum() == round(accuracy * y.size)
        assert evaluation.as_data()["calibration"]["threshold"] == thresholds
        stored = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
        assert stored["validation"]["binary_accuracy"] > 0.8
        of_two = JointCalibration.from_members([predictor.calibrations[""]] * 2)
        assert of_two.threshold == pytest.approx(thresholds)


class TestIntervals:
    def test_intervals_are_columns_of_predictions_in_the_unit_of_the_target(self, tmp_path):
        rng = np.random.default_rng(2)
        with (tmp_path / "houses.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["size", "price"])
            for size in rng.uniform(1, 2, 300):
                writer.writerow([size, 1e5 * size + 1e4 * rng.normal()])
        spec = spec_of([{"type": "conformal"}], LINEAR, "mean_squared_error", epochs=60)
        source = {"type": "csv", "path": str(tmp_path / "houses.csv"), "target": "price"}
        document = spec.model_dump(mode="json", exclude_none=True)
        document["data"] |= {"train": source, "prepare_targets": {"price": ["standardize"]}}
        result = declnet.run(document, out=tmp_path / "run")
        prediction = result.predict({"size": [1.2, 1.8]})
        assert list(prediction.columns()) == ["prediction", "lower", "upper"]
        assert np.allclose((prediction.lower + prediction.upper) / 2, prediction.prediction)
        assert 2e4 < (prediction.upper - prediction.lower).mean() < 8e4
        coverage = open_run(tmp_path / "run").evaluate("test").calibration.coverage
        assert 0.75 < coverage["coverage"] <= 1
        assert coverage["mean_width"] == pytest.approx((prediction.upper - prediction.lower).mean())


class Forgotten(Calibrator):
    """A third-party calibrator that raises."""

    type = "forgotten"

    def fit(self, y_pred, y_true, task):
        raise ZeroDivisionError("division by zero")

    def threshold(self, state):
        return 0.5


def test_an_error_of_a_calibrator_names_it(classes, tmp_path):
    registry = registry_with([Forgotten])
    spec = of_classes(None, epochs=1).model_dump(mode="json", exclude_none=True)
    spec = parse_spec(spec | {"calibration": {"steps": ["forgotten"]}}, registry)
    with pytest.raises(ComponentError, match=r'calibrator "forgotten" .* ZeroDivisionError in fit'):
        declnet.run(spec, classes, tmp_path / "run", registry=registry)
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "failed"


@pytest.mark.parametrize("steps", [["conformal"], ["temperature"]])
def test_an_infinite_prediction_is_blamed_on_the_sample_and_not_the_calibrator(steps, classes):
    x, y = classes
    if steps == ["conformal"]:
        spec = spec_of(steps, LINEAR, "mean_squared_error", epochs=1)
        y = x[:, :1]
    else:
        spec = of_classes(steps, epochs=1)
    predictor = declnet.run(spec, (x, y)).predictor
    with pytest.raises(DataError, match="sample 2: the model's prediction is NaN or infinite"):
        predictor.predict(np.array([[0.0, 1.0], [1e308, -1e308]]))


def test_an_ensemble_averages_calibrated_predictions_and_joins_their_sets(classes, tmp_path):
    document = of_classes(STEPS, epochs=40).model_dump(mode="json", exclude_none=True)
    document["data"] = {"folds": 3, "test": 0.3}
    declnet.run(parse_spec(document), classes, out=tmp_path / "cv")
    folder = tmp_path / "cv"
    ensemble = declnet.open_group(folder)
    predictor, x = ensemble.predictor(), classes[0]
    singles = [Predictor([member]).predict(x) for member in predictor.members]
    joined = predictor.predict(x)
    mean = np.mean([single.probabilities for single in singles], axis=0)
    assert np.allclose(joined.probabilities, mean, atol=1e-6)
    limits = sorted(member.calibrations[""].steps[1].state["limit"] for member in predictor.members)
    by_median = 1 - joined.probabilities.astype(float) <= limits[1]
    assert np.array_equal(joined.sets, by_median)
    evaluation = predictor.evaluate(classes).calibration
    assert evaluation.coverage["coverage"] == joined.sets[np.arange(240), classes[1]].mean()
    raw = [
        member.outputs(member.prepared(declnet.Dataset(x, {})), calibrated=False)[""]
        for member in predictor.members
    ]
    p = np.mean(raw, axis=0)[np.arange(240), classes[1]]
    assert evaluation.before["log_loss"] == pytest.approx(-np.log(p).mean(), rel=1e-4)
    out_of_fold = declnet.open_group(folder).out_of_fold({"train": declnet.Dataset(*classes)})
    assert out_of_fold.sets.shape == (len(out_of_fold), 3)
