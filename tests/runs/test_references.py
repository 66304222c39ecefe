"""References: forecasts that data declares, whose metrics are shown next to the model's."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import Dataset, load_predictor, open_run, parse_spec, run


def test_references_of_the_data_are_measured_like_the_model(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3))
    y, other = x.sum(axis=1), x.sum(axis=1) + rng.normal(size=90)
    data = Dataset(x, y, references={"a formula": {"": other}})
    spec = parse_spec(
        {
            "data": {"validation": 0.3, "prepare_targets": {"y": ["standardize"]}},
            "model": {"layers": [{"type": "dense", "units": 1}]},
            "loss": "mean_squared_error",
            "optimizer": {"type": "adam"},
            "training": {"epochs": 2, "metrics": ["mean_absolute_error"]},
        }
    )
    result = run(spec, data, out=tmp_path / "run")
    for name, references in result.references.items():
        (reference,) = references
        assert reference.prediction == "a formula"
        assert 0.5 < reference.metrics["mean_absolute_error"] < 1.1, name
    both = [
        references[0].metrics["mean_absolute_error"] * rows
        for references, rows in zip(result.references.values(), (63, 27), strict=True)
    ]
    assert sum(both) / 90 == pytest.approx(np.abs(other - y).mean(), rel=1e-6)
    stored = open_run(tmp_path / "run")
    assert "validation baseline: a formula" in stored.metrics_table().columns
    (evaluated,) = load_predictor(tmp_path / "run").evaluate(data).references
    assert evaluated.metrics["mean_absolute_error"] == pytest.approx(np.abs(other - y).mean())
