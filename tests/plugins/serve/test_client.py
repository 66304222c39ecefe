"""Servers, compared with the runs that they serve."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, default_registry, load_predictor
from declnet.runs.inference.differences import compared_predictions
from declnet.runs.inference.opened_model import open_model


def opened(name):
    return open_model(str(name), default_registry(), print)


def test_a_server_predicts_as_its_runs(start, runs, tmp_path):
    names = ("flowers", "houses", "pixels")
    server = start(*(runs / name for name in names), "--port", 0, "--max-rows", 25)
    url = f"http://127.0.0.1:{server.port}"
    table = (runs / "flowers.csv").read_text().splitlines()
    table[5] = f"long,{table[5].partition(',')[2]}"
    (tmp_path / "flowers.csv").write_text("\n".join(table))
    for name in names:
        data = runs / "pixels.npz" if name == "pixels" else tmp_path / "flowers.csv"
        if name == "houses":
            data = load_predictor(runs / name).spec.data.train.path
        result = compared_predictions(opened(runs / name), opened(f"{url}/models/{name}"), data)
        assert result.are_equal, name
        assert result.neither.rows == ((5,) if name == "flowers" else ())
        assert result.compared > 25
        assert any(output.is_label for output in result.outputs)
    other = compared_predictions(
        opened(runs / "flowers_again"), opened(f"{url}/models/flowers"), tmp_path / "flowers.csv"
    )
    assert not other.are_equal
    assert np.isfinite([output.absolute for output in other.outputs]).all()
    with pytest.raises(DataError, match=r"name one of its models, as .*/models/NAME: flowers, ho"):
        opened(url)
    assert server.end() == 0
    with pytest.raises(DataError, match="cannot be reached"):
        opened(f"{url}/models/flowers")
