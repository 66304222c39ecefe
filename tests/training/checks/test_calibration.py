"""Data that a calibrator cannot use is reported before training, with the key of the step."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import DataError, SpecError
from declnet.training.checks.calibration import require_targets

STEPS = "calibration.steps.0"
THRESHOLD = {"type": "threshold", "metric": "f1"}


@pytest.fixture
def problems_with(document, problems, changed):
    """Return the errors of the valid spec with these steps and other changes."""

    def find(steps, **changes):
        values = {"data.validation": 0.3, **changes, "calibration": {"steps": steps}}
        return problems(changed(document, {k: v for k, v in values.items() if v is not None}))

    return find


@pytest.mark.parametrize("coverage", [0.95, 0.99])
def test_too_few_samples(problems_with, document, coverage, changed):
    """For a file of 30 samples, before it is loaded; for a share, once it is loaded."""
    steps, least = [{"type": "conformal", "coverage": coverage}], round(coverage / (1 - coverage))
    expected = f'"conformal" needs at least {least} validation samples, but there are'
    messages = problems_with(steps, **{"data.validation": document["data"]["train"]})
    assert len(messages) == (least > 30)
    assert all(expected in message and message.startswith(STEPS) for message in messages)
    values = {"data.validation": 0.3, "calibration": {"steps": steps}}
    with pytest.raises((DataError, SpecError), match=f"{expected} 9"):
        declnet.run(changed(document, values))


def test_metrics_with_thresholds_for_several_labels(problems_with, document, problems, changed):
    y = np.random.default_rng(0).integers(0, 2, (30, 3))
    np.savez(document["data"]["train"]["path"], x=np.ones((30, 2)), y=y)
    layers = [{"type": "dense", "units": 3}, "sigmoid"]
    changes = {"loss": "binary_crossentropy", "model.layers": layers}
    assert problems_with([THRESHOLD], **changes, **{"training.metrics": ["binary_accuracy"]}) == []
    wrong = {"type": "binary_accuracy", "threshold": [0.5, 0.1]}
    message = problems(changed(document, {**changes, "training.metrics": [wrong]}))[0]
    assert message.startswith("training.metrics.0.threshold: error[E044]: 2 thresholds, but the")
    for threshold in ("0.5", [0.5, "0.1"], True):
        wrong = {"type": "binary_accuracy", "threshold": threshold}
        with pytest.raises(SpecError) as caught:
            declnet.parse_spec(changed(document, {**changes, "training.metrics": [wrong]}))
        (problem,) = caught.value.problems
        assert (
            problem.message
            == '"threshold" must be a finite number, or a list of one for each output'
        )


OF_VALUES = {"loss": "mean_squared_error", "model.layers": [{"type": "dense", "units": 1}]}
IN_LOGARITHMS = {"type": "conformal", "scale": "log", "coverage": 0.5}


def test_targets_without_logarithms(document, changed):
    """Reported before training for a separate validation set and for a share."""
    x, y = np.ones((30, 2)), np.arange(30.0)
    values = {**OF_VALUES, "training.metrics": [], "calibration": {"steps": [IN_LOGARITHMS]}}
    spec = changed(document, values)
    del spec["data"]
    declnet.run(spec, {"train": (x, y), "validation": (x[1:], y[1:])})
    message = "the target is 0, but must be positive"
    with pytest.raises(DataError, match=f'validation sample 30: {message} .*"conformal"') as error:
        declnet.run(spec, {"train": (x, y), "validation": (x, y[::-1])})
    assert error.value.path == ("calibration", "steps", 0)
    np.savez(document["data"]["train"]["path"], x=x, y=np.zeros(30))
    with pytest.raises(DataError, match=f"validation sample 1: {message}"):
        declnet.run(changed(document, {**values, "data.validation": 0.5}))


def test_targets_of_streams_are_checked_part_by_part(document, changed):
    values = {**OF_VALUES, "training.metrics": [], "data.validation": 0.5}
    for shift in (0.0, 3.0):
        steps = {"steps": [{**IN_LOGARITHMS, "shift": shift}]}
        heads = declnet.parse_spec(changed(document, {**values, "calibration": steps})).heads
        read = iter([(np.ones(9),), (np.arange(4.0) - 2,)])
        if shift:
            require_targets(heads, read)
            assert list(read) == []
        else:
            with pytest.raises(DataError, match="validation sample 10: the target is -2"):
                require_targets(heads, read)
