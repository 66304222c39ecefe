from __future__ import annotations

import pytest

from declnet.spec.nesting import DEEPEST, is_too_deep


def nested(depth, wrap):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap",
    [lambda value: [value], lambda value: {"a": value, "b": 2}, lambda value: (1, value)],
    ids=["list", "table", "tuple"],
)
def test_the_deepest_is_right_and_one_more_is_not(wrap):
    assert not is_too_deep(nested(DEEPEST, wrap))
    assert is_too_deep(nested(DEEPEST + 1, wrap))


def test_the_depth_of_the_deepest_branch_counts():
    assert is_too_deep({"a": 1, "b": [1, {"c": nested(DEEPEST, lambda value: [value])}, 2]})
    assert not is_too_deep({"a": [[], {}, ()] * 1000})


def test_a_scalar_is_not_deep():
    assert not is_too_deep("x" * 1000)


def test_no_depth_is_too_much_for_it():
    assert is_too_deep(nested(100_000, lambda value: [value]))
