"""Arrays of data sets, which always have names inside, and outside only if they were named."""

from __future__ import annotations

import numpy as np

from declnet import DataInfo, Dataset, InputInfo


def test_an_array_without_a_name_has_the_empty_name_inside_and_none_outside():
    x, y = np.ones((4, 3)), np.arange(4)
    for data in (Dataset(x, y), Dataset({"": x}, {"": y}), Dataset({"": x}, y).take(np.arange(4))):
        assert list(data.inputs) == list(data.targets) == [""]
        assert np.array_equal(data.x, x)
        assert np.array_equal(data.y, y)
    several = Dataset({"a": x, "b": x[:, 0]}, {"price": y})
    assert (several.x, several.y) == (several.inputs, several.targets)
    assert several.take(np.array([1])).targets == {"price": 1}
    info = DataInfo((3,), target="classes", classes=2)
    assert info.inputs == {"": InputInfo((3,))}
    assert info.targets[""].classes == 2
    assert DataInfo.of(several.x, several.y).for_target("price").classes == 4
