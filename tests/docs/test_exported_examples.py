"""Components on the pages for authors, exported by tracing, without translations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import declnet
from declnet.testing.examples import registry_with
from declnet_plugins.exchange import export

from .conftest import ExampleProject

ROWS = 2000
TYPES = {"rate", "center", "poisson_counts", "logarithm", "count_range"}
LAYERS = [
    {"type": "dense", "units": 8},
    "center",
    {"type": "dense", "units": 1},
    "rate",
]


@pytest.fixture
def run(tmp_path: Path, example_projects: dict[str, ExampleProject]) -> declnet.StoredRun:
    """Return a model of 2,000 rows that consists of the examples."""
    components = example_projects["declnet-counts"].components()
    registry = registry_with([component for component in components if component.type in TYPES])
    rng = np.random.default_rng(0)
    visits, hour = rng.uniform(-90, 900, ROWS), rng.normal(size=ROWS)
    counts = rng.poisson(np.exp(hour))
    rows = [f"{a},{b},{c}" for a, b, c in zip(visits, hour, counts, strict=True)]
    (tmp_path / "counts.csv").write_text("\n".join(["visits,hour,count", *rows]) + "\n")
    spec = declnet.parse_spec(
        {
            "data": {
                "train": {"type": "csv", "path": str(tmp_path / "counts.csv"), "target": "count"},
                "validation": 0.2,
                "prepare": [{"type": "logarithm", "columns": ["visits"]}],
            },
            "model": {"layers": LAYERS},
            "loss": "poisson_counts",
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "calibration": {"steps": ["count_range"]},
            "training": {"epochs": 20, "batch_size": 100},
            "engine": {"kernels": "numpy"},
        },
        registry=registry,
    )
    declnet.run(spec, registry=registry, out=tmp_path / "run")
    return declnet.open_run(tmp_path / "run", registry)


@pytest.mark.parametrize("file_format", ["c", "numpy", "onnx"])
def test_examples_are_exported_without_translations(
    file_format: str, run: declnet.StoredRun, tmp_path: Path
) -> None:
    exporter = declnet.default_registry().find("exporter", file_format)()
    if exporter.unavailable():
        pytest.skip("the format cannot be written here")
    path = tmp_path / f"model{exporter.suffixes[0]}"
    result = export(run, path)
    assert {part.translation for part in result.parts if part.type in TYPES} == {
        "recorded",
        "",
    }
    rng = np.random.default_rng(1)
    rows = {"visits": rng.uniform(-90, 900, ROWS), "hour": rng.normal(size=ROWS)}
    rows["visits"][:5] = [-100, -200, np.nan, np.inf, -99.99]
    predict = exporter.predictor(path)
    if predict is None:
        pytest.skip("the format cannot run files here")
    (prediction,) = predict(rows).values()
    valid = np.asarray(prediction.valid)
    assert valid[:5].tolist() == [False, False, False, False, True]
    assert valid[5:].all()
    expected = run.predictor().predict({name: column[valid] for name, column in rows.items()})
    for name in ("outputs", "lower", "upper"):
        numbers, exact = getattr(prediction, name)[valid], getattr(expected, name)
        difference = np.abs(numbers.reshape(exact.shape) - exact).max() / np.abs(exact).max()
        assert difference < 1e-6
