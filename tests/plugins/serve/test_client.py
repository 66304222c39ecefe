"""Predictions of servers, compared with the runs that they serve."""

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


def test_a_token_is_read_from_the_environment(start, runs, tmp_path, monkeypatch):
    token = "3f0c9a47d1b24e6e"
    (tmp_path / "tokens").write_text(f"{token}\n")
    (tmp_path / "tokens").chmod(0o600)
    server = start(runs / "flowers", "--port", 0, "--token-file", tmp_path / "tokens")
    url = f"http://127.0.0.1:{server.port}"
    for value in ("", "another token"):
        monkeypatch.setenv("DECLNET_TOKEN", value)
        with pytest.raises(DataError, match="the server answers 401: ") as refusal:
            opened(url)
        assert "DECLNET_TOKEN" in refusal.value.hint
    monkeypatch.setenv("DECLNET_TOKEN", f"{token}\nX-More: 1")
    with pytest.raises(DataError, match="DECLNET_TOKEN holds no token") as refusal:
        opened(url)
    assert token not in str(refusal.value)
    monkeypatch.setenv("DECLNET_TOKEN", token)
    result = compared_predictions(opened(runs / "flowers"), opened(url), runs / "flowers.csv")
    assert result.are_equal
    assert server.end() == 0
