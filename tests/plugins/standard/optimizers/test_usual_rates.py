"""Learning rates that cause a warning."""

from __future__ import annotations

import pytest

from declnet import RunContext, default_registry

CLASSES = [
    entry.component
    for entry in default_registry().entries("optimizer")
    if entry.component.usual_learning_rates is not None
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.type)
def test_a_rate_out_of_the_range_causes_a_warning(cls, codes_of):
    smallest, largest = cls.usual_learning_rates
    for rate in (smallest, largest):
        assert codes_of(cls(learning_rate=rate), RunContext()) == []
    for rate, side in ((smallest / 2, "below"), (largest * 2, "above")):
        (finding,) = cls(learning_rate=rate).check(RunContext())
        assert (finding.code, finding.path) == ("W004", ("learning_rate",))
        assert f"is {side} the usual range of {cls.type}" in finding.message
        assert f"{smallest:g} to {largest:g}" in finding.message
        assert finding.help == f"its default is {cls().learning_rate:g}"
