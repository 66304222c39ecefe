"""Recording and replaying components' NumPy calls."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from declnet.testing.checking import Subject
from declnet.testing.checks.native import arrays_of
from declnet.testing.trial import Setting
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.jit.replay.replay import joined, replay
from tests.plugins.jit.component_calls import calls_of, is_native, subjects, why_not

pytestmark = pytest.mark.usefixtures("numba")

PYTHON = {
    ("layer", "embedding"): "the value of an array",
    ("layer", "embedding_bag"): "the value of an array",
    ("layer", "gru"): "calls np.getitem",
    ("layer", "lstm"): "calls np.getitem",
    ("layer", "simple_rnn"): "calls np.getitem",
    ("loss", "ordinal"): "calls np.cumsum",
    ("optimizer", "lamb"): "the value of an array",
    ("optimizer", "muon"): "the value of an array",
}
"""Why some calls of these components are not native throughout."""


@pytest.mark.parametrize("kind", ["layer", "loss", "optimizer", "regularizer"])
def test_no_first_party_component_is_left_to_python(kind: str) -> None:
    for number, subject in enumerate(subjects(kind, 1)):
        kinds = ("float32", "float64")[number % 2], ("batch_last", "batch_first")[number // 2 % 2]
        setting = Setting(samples=7, dtype=kinds[0], input_order=kinds[1], order=kinds[1])  # type: ignore[arg-type]
        component = kind, subject.instance.type
        for what, call in calls_of(subject, setting):
            recorded = replay(call)
            if component in PYTHON and not is_native(recorded.parts):
                reason = recorded.problem or "; ".join(recorded.python)
                assert PYTHON[component] in reason
            else:
                assert is_native(recorded.parts), (component, what, why_not(call))


EVERY = [subject for kind in ("layer", "loss", "optimizer") for subject in subjects(kind, 2)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(EVERY), st.integers(1, 70), st.booleans(), st.booleans())
def test_replay_gives_the_same_bits_for_every_component(
    subject: Subject, samples: int, wide: bool, last: bool
) -> None:
    """With any number of samples, either float type and either memory order."""
    order: Any = "batch_last" if last else "batch_first"
    dtype = "float64" if wide else "float32"
    setting = Setting(samples=samples, dtype=dtype, input_order=order, order=order)
    for what, call in calls_of(subject, setting):
        parts = replay(call, exact=True).parts
        if parts is not None:
            before = [array.copy() for array in arrays_of([call])]
            results = [_results(call, before, calls) for calls in ((call,), joined(parts))]
            assert results[0] == results[1], (subject.component, what)


def _results(call: Any, before: Sequence[Any], calls: Sequence[Callable[[], object]]) -> list[str]:
    """Return the bits of a call's arrays after calls; all NaN count as equal."""
    arrays = list(arrays_of([call]))
    for array, numbers in zip(arrays, before, strict=True):
        if array.flags.writeable:
            array[...] = numbers
    for state in [x for x in getattr(call, "args", ()) if hasattr(x, "rng")]:
        state.rng.bit_generator.state = np.random.PCG64(3).state
    with np.errstate(all="ignore"):
        for step in calls:
            step()
    return [(np.where(x != x, 7, x) if x.dtype.kind == "f" else x).tobytes().hex() for x in arrays]


@pytest.mark.parametrize("exact", [False, True])
def test_empty_sums_and_products_match_numpy(exact: bool) -> None:
    x, y, product = np.ones((4, 0)), np.full(4, 7.0), np.full(4, 7.0)
    calls = [
        partial(np.add.reduce, x, axis=1, out=y),
        partial(np.multiply.reduce, x, axis=1, out=product),
        partial(np.add, x, 1, out=x),
        partial(np.multiply, y, 3, out=y),
    ]
    for call in NativeEngine().compile(calls, exact).calls:
        call()
    assert (y == 0).all()
    assert (product == 1).all()
