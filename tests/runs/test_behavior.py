"""Results that a run stores to recognize its components, and when two are the same."""

from __future__ import annotations

import numpy as np
import pytest

from declnet.data.synthetic_rows import SyntheticRows
from declnet.runs.behavior import BEHAVIOR_FILE, Behavior
from declnet.runs.computed import Computed

from ..waves import wave

LAYER = wave(1.0)()
ROWS = SyntheticRows({})


def result(array, what="output"):
    return Computed.by(("model", "layers", 0), LAYER, what, array)


def stored(*results):
    def compute(_rows):
        for item in results:
            if isinstance(item, Exception):
                raise item
            yield item

    return compute


def difference(before, after):
    content = BEHAVIOR_FILE.write(Behavior.recorded(ROWS, {"predictions": stored(*before)}))
    return BEHAVIOR_FILE.parse(content).difference({"predictions": stored(*after)})


@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 1e-6), (np.float64, 1e-12)])
def test_rounding_is_no_difference_and_any_other_number_is_one(dtype, rounding):
    rng = np.random.default_rng(0)
    for size in (1, 16, 3000, 300_000):
        y = rng.normal(0, 3, size).astype(dtype)
        rounded = (y * (1 + rounding * rng.uniform(-1, 1, size))).astype(dtype)
        assert difference([result(y)], [result(rounded)]) is None
        one = y.copy()
        one[size // 2] += 5
        for other in (one, -y, 3 * y, *([y[::-1]] if size > 1 else [])):
            assert difference([result(y)], [result(other)]).what == "output"


def test_text_and_numbers_that_are_not_finite_are_compared():
    for before, after in (
        (np.array(["a", None, "b"], object), np.array(["a", "b", "b"], object)),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0])),
    ):
        assert difference([result(before)], [result(before)]) is None
        assert difference([result(before)], [result(after)]) is not None


def test_the_first_difference_counts_and_an_incomplete_aspect_is_unknown():
    one, two = result(np.ones(3), "a"), result(np.ones(3), "b")
    changed = result(np.zeros(3), "b")
    assert difference([one, two], [one, changed]) is changed
    broken = ValueError("no such city")
    assert difference([one, broken], [one, broken]) == "ValueError: no such city"
    assert difference([two, broken], [changed, broken]) is changed
    assert difference([one, two], [one, broken]) == "ValueError: no such city"
