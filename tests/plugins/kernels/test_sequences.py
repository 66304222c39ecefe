"""Impossible lengths of sequences are reported, not read."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import parse_spec, run

pytestmark = pytest.mark.usefixtures("numba")


@pytest.mark.parametrize("kind", ["lstm", "multi_head_attention"])
@pytest.mark.parametrize("wrong", [-1, 6])
def test_an_impossible_length_is_named(kind, wrong):
    options = {"units": 4} if kind == "lstm" else {"heads": 1}
    first = {"type": kind, "inputs": ["input.x", "input.lengths"], **options}
    after = ["flatten"] if kind != "lstm" else []
    document = {
        "declnet": 1,
        "model": {"layers": [first, *after, {"type": "dense", "units": 1}]},
        "loss": "mean_squared_error",
        "optimizer": "sgd",
        "training": {"epochs": 5, "metrics": []},
        "engine": {"kernels": "jit"},
    }
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 6, 30)
    lengths[7] = wrong
    x = {"x": rng.normal(size=(30, 5, 3)), "lengths": lengths}
    with pytest.raises(Exception, match=f"{wrong}"):
        run(parse_spec(document), data=(x, rng.normal(size=(30, 1))))
