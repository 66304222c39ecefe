"""Layers of sequences: lengths, and independence of padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import declnet
from declnet import DataError, InputInfo, SpecError

FIELDS = {
    "last_step": [{}],
    "mean_over_time": [{}],
    "max_over_time": [{}],
    "simple_rnn": [{"units": 2, "activation": "relu", "return_sequences": True}],
    "lstm": [{"units": 2}, {"units": 2, "bidirectional": True, "return_sequences": True}],
    "conv1d": [
        {"filters": 2, "kernel_size": 4, "padding": "same"},
        {"filters": 2, "kernel_size": 2, "padding": "causal", "dilation": 2},
    ],
    "multi_head_attention": [{"heads": 3}, {"heads": 2, "units": 4, "causal": True}],
    "gru": [{"units": 2, "bidirectional": True}, {"units": 2, "return_sequences": True}],
}
LAYERS = [(name, fields) for name, sequence in FIELDS.items() for fields in sequence]
RNG = np.random.default_rng(17)

each_layer = pytest.mark.parametrize(("name", "fields"), LAYERS)


def model_of(name, fields, time, *, lengths=True, features=3):
    """A model of the layer alone, in float64."""
    inputs = {"x": InputInfo((time, features))}
    layer = {"type": name, **fields, "inputs": ["input.x"]}
    if lengths:
        inputs["lengths"] = InputInfo((), "integer")
        layer["inputs"].append("input.lengths")
    spec = declnet.ModelSpec.model_validate({"dtype": "float64", "layers": [layer]})
    return declnet.build_model(spec, inputs)


def padded(sequences, time, filler=0.0):
    """Sequences padded to a number of steps, with their lengths."""
    x = np.full((len(sequences), time, 3), filler)
    for row, sequence in zip(x, sequences, strict=True):
        row[: len(sequence)] = sequence
    return {"x": x, "lengths": np.array([len(sequence) for sequence in sequences])}


@each_layer
@settings(max_examples=15, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5), more=st.integers(0, 4))
def test_predictions_do_not_depend_on_padding(name, fields, lengths, more):
    sequences = [RNG.normal(size=(length, 3)) for length in lengths]
    time = max(*lengths, 1) if len(lengths) > 1 else max(lengths[0], 1)
    together = model_of(name, fields, time).predict(padded(sequences, time))
    further = model_of(name, fields, time + more).predict(padded(sequences, time + more, 7.5))
    keeps_time = together.ndim == 3
    np.testing.assert_allclose(
        further[:, :time] if keeps_time else further, together, rtol=0, atol=1e-12
    )
    if keeps_time:
        assert not further[:, time:].any()
    for row, sequence in zip(together, sequences, strict=True):
        if not len(sequence):
            assert not row.any()
            continue
        (alone,) = model_of(name, fields, len(sequence), lengths=False).predict(
            {"x": sequence[None]}
        )
        np.testing.assert_allclose(row[: len(sequence)] if keeps_time else row, alone, atol=1e-12)
        assert not keeps_time or not row[len(sequence) :].any()


@each_layer
@pytest.mark.parametrize(("lengths", "wrong"), [([1, 6], (1, 6)), ([-1, 2], (0, -1))])
def test_lengths_out_of_range_are_named(name, fields, lengths, wrong):
    x = {"x": np.zeros((2, 5, 3)), "lengths": np.array(lengths)}
    message = 'sample {}, "lengths" is {}, but the sequences have 5 steps'.format(*wrong)
    with pytest.raises(DataError, match=message):
        model_of(name, fields, 5).predict(x)


@pytest.mark.parametrize("which", [2, 3])
def test_the_lengths_of_two_sequences_have_separate_limits(which):
    inputs = ["input.x", "input.other", "input.other_lengths", "input.x_lengths"]
    layer = {"type": "cross_attention", "units": 2, "heads": 1, "inputs": inputs[: which + 1]}
    document = {"model": {"layers": [layer, "last_step"]}, "loss": "mean_squared_error"}
    document |= {"optimizer": "sgd", "training": {"epochs": 1}}
    x = {"x": np.zeros((4, 5, 2)), "other": np.zeros((4, 3, 2))}
    names, limits = (
        ["other_lengths", "x_lengths"][: which - 1],
        {"other_lengths": 3, "x_lengths": 5},
    )
    x |= {name: np.full(4, limits[name]) for name in names}
    spec = declnet.parse_spec(document)
    declnet.run(spec, (x, np.zeros((4, 2))))
    x[names[-1]] = x[names[-1]] + np.array([0, 0, 1, 0])
    limit = limits[names[-1]]
    message = f'sample 3, "{names[-1]}" is {limit + 1}, but the sequences have {limit} steps'
    with pytest.raises(SpecError, match=message):
        declnet.run(spec, (x, np.zeros((4, 2))))
