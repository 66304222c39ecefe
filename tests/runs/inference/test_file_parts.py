"""Files that are predicted part by part."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.runs.inference.predictor import Predictor


@pytest.fixture(scope="module")
def predictor(flowers):
    return declnet.load_predictor(flowers.run)


@pytest.mark.parametrize("samples", [1, 7, 120, 1000])
def test_parts_are_predicted_like_the_whole_file(samples, predictor, flowers, monkeypatch):
    """Nothing is fitted again, so the other rows of a part do not matter."""
    (whole,) = predictor.predict_parts(flowers.table)
    monkeypatch.setattr(Predictor, "samples_in_part", samples)
    parts = list(predictor.predict_parts(flowers.table))
    assert [len(part) for part in parts[:-1]] == [samples] * (len(parts) - 1)
    assert sum(map(len, parts)) == 120
    outputs = np.concatenate([part.outputs for part in parts])
    assert np.allclose(outputs, whole.outputs, rtol=0, atol=1e-6)
    assert [label for part in parts for label in part.prediction] == whole.prediction.tolist()


def test_an_invalid_row_is_reported_by_its_place_in_the_file(predictor, tmp_path, monkeypatch):
    rows = ["1,red,2\n"] * 20
    rows[16] = "1,red,inf\n"
    (tmp_path / "new.csv").write_text("length,color,width\n" + "".join(rows))
    monkeypatch.setattr(Predictor, "samples_in_part", 5)
    with pytest.raises(declnet.DataError, match=r'new\.csv: row 17, column "width" is infinite'):
        list(predictor.predict_parts(tmp_path / "new.csv"))


def test_settings_that_a_hint_names_can_be_given_for_one_file(predictor, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("length;color;width\n1;red;2\n")
    with pytest.raises(declnet.DataError, match="there is no column") as error:
        list(predictor.predict_parts(path))
    source = f"'{{ path = \"{path}\", delimiter = … }}'"
    assert error.value.hint == f"is the delimiter ';'? Then give {source} in place of the file"
    path.write_text("length,color,width\n1,red,inf\n")
    with pytest.raises(declnet.DataError, match="is infinite") as error:
        list(predictor.predict_parts(path))
    assert str(error.value.hint).endswith(", missing = … }' in place of the file")
    path.write_text("length,color\n1,red\n")
    with pytest.raises(declnet.DataError, match="there is no column") as error:
        list(predictor.predict_parts(path))
    assert error.value.hint == "columns: length, color"
