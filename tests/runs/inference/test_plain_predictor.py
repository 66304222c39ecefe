"""Predictors as plain strings, numbers and arrays."""

from __future__ import annotations

import json

import numpy as np
import pytest

import declnet
from declnet import DataError, Predictor, plain_predictor, predictor_of_plain
from tests.documents import spec_document

PLAIN = (dict, list, str, int, float, np.ndarray)


def require_plain(value):
    assert type(value) in PLAIN, type(value)
    if isinstance(value, np.ndarray):
        assert value.dtype.kind in "fiub"
    for item in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        require_plain(item)


def test_an_ensemble_with_preparation_and_calibration_is_restored(flowers):
    member = declnet.load_predictor(flowers.run).member
    steps = {"steps": ["temperature", {"type": "conformal", "coverage": 0.8}]}
    changed = {"calibration": steps, "training.epochs": 2}
    spec = declnet.load_spec(flowers.table.with_name("flowers.json"), changed)
    calibrated = declnet.run(spec).predictor.member
    for predictor in (
        Predictor([member]),
        Predictor([calibrated]),
        Predictor([member] * 2, [1, 3]),
    ):
        plain = plain_predictor(predictor)
        require_plain(plain)
        (expected,) = predictor.predict_parts(flowers.table)
        (restored,) = predictor_of_plain(plain).predict_parts(flowers.table)
        for name in ("outputs", "prediction", "sets", "spread"):
            np.testing.assert_array_equal(getattr(restored, name), getattr(expected, name))


def test_a_threshold_is_restored():
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    layers = [{"type": "dense", "units": 1}, "sigmoid"]
    predictor = declnet.run(spec_document(layers, "binary_crossentropy"), (x, y)).predictor
    predictor.set_threshold(0.1)
    restored = predictor_of_plain(plain_predictor(predictor))
    assert restored.readings == predictor.readings
    assert (restored.predict(x).prediction == predictor.predict(x).prediction).all()


def test_anything_else_is_refused(flowers):
    plain = plain_predictor(declnet.load_predictor(flowers.run))
    (member,) = plain["members"]
    other_form = json.loads(member["preparation"]) | {"form": 99}
    for wrong in (
        {},
        {"members": [], "weights": [], "thresholds": []},
        plain | {"members": [member | {"preparation": json.dumps(other_form)}]},
        plain | {"members": [member | {"inputs": "[]"}]},
        plain | {"thresholds": []},
    ):
        with pytest.raises(DataError, match="not a predictor that this version"):
            predictor_of_plain(wrong)
    parameters = {**member["parameters"]}
    parameters.pop("dense_1.weights")
    with pytest.raises(declnet.WeightsError):
        predictor_of_plain(plain | {"members": [member | {"parameters": parameters}]})
