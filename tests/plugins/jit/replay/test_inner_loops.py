"""Loops that NumPy does not give the address of."""

import numpy as np
import pytest

pytest.importorskip("llvmlite", reason="the extra jit is not installed")

from declnet_plugins.jit.replay.inner_loops import SOURCES, TARGETS, conversion

OTHERS = tuple(map(np.dtype, ("f2", "c16", "u4")))


@pytest.mark.parametrize("source", [*SOURCES, *OTHERS], ids=str)
@pytest.mark.parametrize("target", [*TARGETS, *OTHERS], ids=str)
def test_numbers_are_converted_but_for_floats_to_integers(source, target):
    loop = conversion(source, target)
    has_loop = source in SOURCES and target in TARGETS and source.kind + target.kind != "fi"
    assert (loop is not None) == has_loop
