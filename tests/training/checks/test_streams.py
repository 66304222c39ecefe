"""Errors in streamed data that its first samples show are reported before it is read."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import OutputError, SpecError, parse_spec, run
from declnet.data.streaming.source import StreamedSource

pytest.importorskip("polars")

ROWS = 3000


@pytest.fixture
def document(tmp_path):
    cities = [f"city {min(row // 500, 4)}" for row in range(ROWS)]  # the first samples have 2
    lines = [f"{row % 7}.5,{city},{'abc'[row % 3]}" for row, city in enumerate(cities)]
    (tmp_path / "table.csv").write_text("size,city,kind\n" + "\n".join(lines) + "\n")
    return {
        "data": {
            "train": {"type": "csv", "path": str(tmp_path / "table.csv"), "target": "kind"},
            "prepare": ["standardize", "one_hot"],
            "stream": True,
        },
        "model": {"layers": [{"type": "dense", "units": 3}, "softmax"]},
        "loss": "categorical_crossentropy",
        "optimizer": "adam",
        "training": {"epochs": 1, "batch_size": 500},
    }


@pytest.fixture
def unread(monkeypatch):
    def refuse(self):
        raise AssertionError("the data is read")

    monkeypatch.setattr(StreamedSource, "in_order", refuse)


WRONG = {
    "a column": (
        {"prepare": [{"type": "standardize", "columns": ["weight"]}, "one_hot"]},
        'there is no column "weight"',
    ),
    "a column of text": ({"prepare": ["standardize"]}, "is the text"),
    "a target": ({"prepare_targets": {"price": ["standardize"]}}, 'no target "price"'),
    "another file": ({"validation": {"type": "csv", "path": "no.csv", "target": "kind"}}, "no.csv"),
}


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("case", WRONG)
def test_an_error_in_the_data_comes_before_it_is_read(document, case):
    changes, message = WRONG[case]
    document["data"] |= changes
    with pytest.raises(SpecError, match=message):
        run(parse_spec(document))


@pytest.mark.usefixtures("unread")
def test_errors_in_the_model_come_before_the_data_is_read(document):
    document["model"]["layers"][0]["units"] = 2
    document["optimizer"] = {"type": "adam", "groups": [{"parameters": ["dense_7.*"]}]}
    with pytest.raises(SpecError) as error:
        run(parse_spec(document))
    assert "3 classes" in str(error.value)
    assert "dense_7" in str(error.value)


@pytest.mark.usefixtures("unread")
def test_a_folder_that_is_not_empty_is_an_error_before_the_data_is_read(document, tmp_path):
    with pytest.raises(OutputError, match="not empty"):
        run(parse_spec(document), out=tmp_path)


def test_classes_missing_from_the_first_samples_are_not_an_error(document):
    """A reshape to what all five cities need, in a class order that the first rows do not show."""
    document["model"]["layers"] = [{"type": "reshape", "shape": [3, 2]}, "flatten"] + document[
        "model"
    ]["layers"]
    rest = parse_spec(document).data.train.path.read_text().replace(",a\n", ",b\n", 500)
    parse_spec(document).data.train.path.write_text(rest)
    document["data"]["class_order"] = ["c", "a", "b"]
    result = run(parse_spec(document))
    assert np.isfinite(result.metrics["train"]["loss"])
