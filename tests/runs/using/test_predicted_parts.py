"""Predictions for a file do not depend on how it is cut."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.runs.using import predicted_parts as module
from declnet.runs.using.part_size import samples_in_part
from declnet.runs.using.predicted_parts import predicted_parts


@pytest.mark.parametrize("samples", [1, 7, 120, 1000])
def test_parts_are_what_the_whole_is(samples, flowers, monkeypatch):
    registry = declnet.default_registry()
    predictor = declnet.load_predictor(flowers.run)
    (whole,) = predicted_parts(predictor, flowers.table, registry)
    monkeypatch.setattr(module, "samples_in_part", lambda _: samples)
    parts = list(predicted_parts(predictor, flowers.table, registry))
    assert [len(part) for part in parts[:-1]] == [samples] * (len(parts) - 1)
    assert sum(map(len, parts)) == 120
    found = np.concatenate([part.outputs for part in parts])
    assert np.allclose(found, whole.outputs, rtol=0, atol=1e-6)
    assert [each for part in parts for each in part.prediction] == whole.prediction.tolist()


def test_a_row_at_fault_is_told_by_its_place_in_the_file(flowers, tmp_path, monkeypatch):
    predictor = declnet.load_predictor(flowers.run)
    rows = ["1,red,2\n"] * 20
    rows[16] = "1,red,inf\n"
    (tmp_path / "new.csv").write_text("length,colour,width\n" + "".join(rows))
    monkeypatch.setattr(module, "samples_in_part", lambda _: 5)
    with pytest.raises(declnet.DataError, match=r'new\.csv: row 17, column "width" is infinite'):
        list(predicted_parts(predictor, tmp_path / "new.csv", declnet.default_registry()))


def test_a_part_is_as_many_samples_as_the_model_takes_at_once(flowers):
    predictor = declnet.load_predictor(flowers.run)
    assert samples_in_part(predictor) == 2**16
    assert samples_in_part(predictor) % predictor.model.samples_at_once == 0
