from __future__ import annotations

import numpy as np
import pytest

from declnet import DataError, SpecError, cross_validate, parse_spec, run


@pytest.fixture
def folded(document):
    document["data"]["folds"] = 3
    return document


def test_every_sample_is_validated_on_once(folded):
    x = np.arange(30.0)[:, None]
    spec = parse_spec(folded)
    seen = cross_validate(spec, (x, np.arange(30) % 3))
    assert len(seen.results) == 3
    losses = [each.metrics["validation"]["loss"] for each in seen.results]
    found = seen.metrics["validation"]["loss"]
    assert (found.mean, found.minimum) == (pytest.approx(np.mean(losses)), min(losses))
    assert found.standard_deviation == pytest.approx(np.std(losses, ddof=1))
    assert len(set(losses)) == 3


def test_a_run_is_of_one_fold(folded):
    with pytest.raises(SpecError, match="which of the 3 folds") as caught:
        run(parse_spec(folded))
    assert caught.value.problems[0].path == ("data", "fold")


def test_without_folds_there_is_nothing_to_cross(document):
    with pytest.raises(SpecError, match='"folds" is missing'):
        cross_validate(parse_spec(document))
    document["data"] |= {"folds": 3, "fold": 1}
    with pytest.raises(SpecError, match="one fold is chosen"):
        cross_validate(parse_spec(document))


def test_validation_data_of_a_program_is_refused(folded):
    data = (np.zeros((9, 1)), np.arange(9) % 3)
    with pytest.raises(DataError, match="each fold is the validation data once"):
        cross_validate(parse_spec(folded), {"train": data, "validation": data})
