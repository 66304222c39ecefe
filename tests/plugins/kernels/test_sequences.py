"""Compiled layers of sequences: equal bits in any number of parts; impossible lengths are named."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import KernelSite, LayerState, parse_spec, run
from declnet_plugins.kernels.attention import CrossAttentionKernel, MultiHeadAttentionKernel
from declnet_plugins.kernels.recurrent import GRUKernel, LSTMKernel, SimpleRNNKernel
from declnet_plugins.standard.layers import GRU, LSTM, CrossAttention, MultiHeadAttention, SimpleRNN

pytestmark = pytest.mark.usefixtures("numba")

RECURRENT = {"units": 5, "bidirectional": True, "return_sequences": True}
CASES = {
    "lstm": (LSTM(**RECURRENT), LSTMKernel, (7, 3)),
    "gru": (GRU(**RECURRENT), GRUKernel, (7, 3)),
    "simple_rnn": (SimpleRNN(**RECURRENT), SimpleRNNKernel, (7, 3)),
    "self": (MultiHeadAttention(heads=2, units=6), MultiHeadAttentionKernel, (7, 3)),
    "cross": (CrossAttention(heads=2, units=6), CrossAttentionKernel, (7, 3), (5, 4)),
}


@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_the_number_of_parts(case):
    (layer, kernel, *shapes), n = CASES[case], 61
    rng, dtype = np.random.default_rng(1), np.float32
    x = [rng.normal(size=(n, *shape)).astype(dtype) for shape in shapes]
    lengths = rng.integers(0, shapes[-1][0] + 1, n)
    given = (*shapes, ())
    state = LayerState(rng, training=True)
    declared = {
        name: rng.normal(size=each.shape).astype(dtype)
        for name, each in layer.parameters(given).items()
    }
    vars(state).update(declared)
    dy = rng.normal(size=(n, *layer.output_shape(given))).astype(dtype)
    results = set()
    for parts in (1, 2, 3, 7):
        filled = {name: np.full_like(each, np.nan) for name, each in declared.items()}
        vars(state.grad).update(filled)
        y, dx = np.full_like(dy, np.nan), tuple(np.full_like(each, np.nan) for each in x)
        site = KernelSite(
            (layer,), x=(*x, lengths), y=y, dy=dy.copy(), dx=(*dx, None), states=(state,)
        )
        calls = kernel().bind(site)
        for call in (*calls.forward, *calls.backward):
            for part in reversed(range(parts)) if call.divisible else (0,):
                if call.divisible:
                    call.block[:2] = part, parts
                call()
        arrays = (y, *dx, *filled.values())
        assert all(np.isfinite(each).all() for each in arrays)
        results.add(tuple(each.tobytes() for each in arrays))
    assert len(results) == 1


@pytest.mark.parametrize("kind", ["lstm", "multi_head_attention"])
@pytest.mark.parametrize("wrong", [-1, 6])
def test_an_impossible_length_is_named(kind, wrong):
    own = {"units": 4} if kind == "lstm" else {"heads": 1}
    first = {"type": kind, "inputs": ["input.x", "input.lengths"], **own}
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
