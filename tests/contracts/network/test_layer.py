"""Inputs of layers, as their contract declares them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from declnet.contracts.network.layer import input_dtypes


@pytest.mark.parametrize(
    ("declared", "types"),
    [
        ("float", "ffff"),
        ("integer", "iiii"),
        (("integer",), "iiii"),
        (("float", "integer"), "fiii"),
    ],
)
def test_the_last_type_applies_to_all_further_inputs(declared, types):
    for count in range(1, 5):
        kinds = input_dtypes(SimpleNamespace(input_dtype=declared), count)
        assert "".join(kind[0] for kind in kinds) == types[:count]
