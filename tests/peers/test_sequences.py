"""Sequence layers against torch, in float64, with and without lengths."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_plugins.standard.layers.attention import CrossAttention, MultiHeadAttention
from declnet_plugins.standard.layers.conv1d import Conv1d
from declnet_plugins.standard.layers.gru import GRU
from declnet_plugins.standard.layers.lstm import LSTM
from declnet_plugins.standard.layers.over_time import LastStep, MaxOverTime, MeanOverTime
from declnet_plugins.standard.layers.simple_rnn import SimpleRNN

from ..plain_arrays import run_layer_of_many

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(23)
N, TIME, FEATURES, UNITS = 5, 7, 3, 4
LENGTHS = np.array([7, 1, 4, 6, 2])


def require_same(ours, expected):
    assert set(expected) <= set(ours)
    for name, array in expected.items():
        np.testing.assert_allclose(ours[name], array, rtol=1e-9, atol=1e-9, err_msg=name)


def drawn(layer, inputs):
    """Draw parameters for these inputs, and a gradient of the output."""
    shapes = tuple(array.shape[1:] for array in inputs)
    declared = layer.parameters(shapes).items()
    parameters = {name: RNG.normal(size=parameter.shape) for name, parameter in declared}
    return parameters, RNG.normal(size=(N, *layer.output_shape(shapes)))


def order_of_torch(name, w):
    """Return gates in torch's order: i, f, g, o instead of i, f, o, g for an LSTM."""
    if name != "lstm":
        return w
    i, f, o, g = np.split(w, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def peer_of(layer, parameters):
    """Return torch's recurrent layer with the same weights.

    Its second biases are 0, except the GRU's candidate biases.
    """
    kinds = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    extra = {"nonlinearity": layer.activation} if layer.type == "simple_rnn" else {}
    peer = kinds[layer.type](
        FEATURES, UNITS, batch_first=True, bidirectional=layer.bidirectional, **extra
    ).double()
    for prefix, suffix in (("", "_l0"), ("backward_", "_l0_reverse")):
        if prefix + "weights" not in parameters:
            continue
        weights, recurrent_weights, biases = (
            order_of_torch(layer.type, parameters[prefix + key])
            for key in ("weights", "recurrent_weights", "biases")
        )
        second = np.zeros_like(biases)
        if layer.type == "gru":
            second[2 * UNITS :] = parameters[prefix + "candidate_biases"]
        for name, array in (
            ("weight_ih", weights.T),
            ("weight_hh", recurrent_weights.T),
            ("bias_ih", biases),
            ("bias_hh", second),
        ):
            getattr(peer, name + suffix).data = torch.tensor(array)
    return peer


def by_torch(layer, x, dy, lengths, parameters):
    """Return y, dx and the parameters' gradients of torch's layer on packed sequences."""
    peer, leaf = peer_of(layer, parameters), torch.tensor(x, requires_grad=True)
    if lengths is None:
        states, last = peer(leaf)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            leaf, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        states, last = peer(packed)
        states, _ = torch.nn.utils.rnn.pad_packed_sequence(
            states, batch_first=True, total_length=TIME
        )
    if not layer.return_sequences:
        last = last[0] if isinstance(last, tuple) else last
        states = torch.cat(tuple(last), dim=1)
    states.backward(torch.tensor(dy))
    results = {"y": states.detach().numpy(), "dx[0]": leaf.grad.numpy()}
    for prefix, suffix in (("", "_l0"), ("backward_", "_l0_reverse")):
        if prefix + "weights" in parameters:
            grad = {name: getattr(peer, name + suffix).grad.numpy() for name in NAMES}
            for name, of_torch in (
                ("weights", grad["weight_ih"].T),
                ("recurrent_weights", grad["weight_hh"].T),
                ("biases", grad["bias_ih"]),
            ):
                results[f"grad.{prefix}{name}"] = order_of_torch(layer.type, of_torch)
            if layer.type == "gru":
                results[f"grad.{prefix}candidate_biases"] = grad["bias_hh"][2 * UNITS :]
    return results


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("sequences", [False, True], ids=["last", "all"])
@pytest.mark.parametrize("both", [False, True], ids=["one_way", "both_ways"])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [(SimpleRNN, {}), (SimpleRNN, {"activation": "relu"}), (LSTM, {}), (GRU, {})],
    ids=["tanh", "relu", "lstm", "gru"],
)
def test_recurrent_layers(kind, fields, both, sequences, lengths):
    layer = kind(units=UNITS, bidirectional=both, return_sequences=sequences, **fields)
    x = RNG.normal(size=(N, TIME, FEATURES))
    inputs = (x,) if lengths is None else (x, lengths)
    parameters, dy = drawn(layer, inputs)
    ours = run_layer_of_many(layer, inputs, dy, **parameters)
    require_same(ours, by_torch(layer, x, dy, lengths, parameters))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("layer", [LastStep(), MeanOverTime(), MaxOverTime()], ids=lambda x: x.type)
def test_layers_over_time(layer, lengths):
    x, dy = RNG.normal(size=(N, TIME, FEATURES)), RNG.normal(size=(N, FEATURES))
    leaf = torch.tensor(x, requires_grad=True)
    ends = [TIME] * N if lengths is None else lengths
    sequences = [row[:end] for row, end in zip(leaf, ends, strict=True)]
    pooled = {
        "last_step": lambda row: row[-1],
        "mean_over_time": lambda row: row.mean(dim=0),
        "max_over_time": lambda row: row.max(dim=0).values,
    }[layer.type]
    y = torch.stack([pooled(row) for row in sequences])
    y.backward(torch.tensor(dy))
    ours = run_layer_of_many(layer, (x,) if lengths is None else (x, lengths), dy)
    require_same(ours, {"y": y.detach().numpy(), "dx[0]": leaf.grad.numpy()})


def attention_of(parameters, features, units, heads, dropout=0.0):
    """Return torch's attention with the same weights."""
    names = {"kdim": features[1], "vdim": features[1]} if len(set(features)) > 1 else {}
    peer = torch.nn.MultiheadAttention(units, heads, dropout, batch_first=True, **names).double()
    of = {name: torch.tensor(np.ascontiguousarray(w.T)) for name, w in parameters.items()}
    three = ("query", "key", "value")
    if names:
        for name in three:
            getattr(peer, f"{name[0]}_proj_weight").data = of[f"{name}_weights"]
    else:
        peer.in_proj_weight.data = torch.cat([of[f"{name}_weights"] for name in three])
    peer.in_proj_bias.data = torch.cat([of[f"{name}_biases"] for name in three])
    peer.out_proj.weight.data, peer.out_proj.bias.data = of["output_weights"], of["output_biases"]
    return peer


def gradients_of(peer):
    projections = ("query", "key", "value")
    if peer.in_proj_weight is not None:
        weights = peer.in_proj_weight.grad.chunk(3)
    else:
        weights = [getattr(peer, f"{name[0]}_proj_weight").grad for name in projections]
    biases, gradients = peer.in_proj_bias.grad.chunk(3), {}
    for name, w, b in zip(projections, weights, biases, strict=True):
        gradients |= {f"{name}_weights": w.numpy().T, f"{name}_biases": b.numpy()}
    gradients["output_weights"] = peer.out_proj.weight.grad.numpy().T
    gradients["output_biases"] = peer.out_proj.bias.grad.numpy()
    return {f"grad.{name}": gradient for name, gradient in gradients.items()}


def padding_of(lengths, time):
    return None if lengths is None else torch.tensor(np.arange(time) >= lengths[:, None])


@pytest.fixture
def drop_as_ours(monkeypatch):
    """Let torch's attention use the dropout masks that our layer draws in this test."""

    def dropped(shares, p, training=True):
        drawn = np.random.Generator(np.random.PCG64(0)).random(tuple(shares.shape))
        return shares * torch.tensor((drawn >= p) / (1 - p)) if training else shares

    monkeypatch.setattr(torch.nn.functional, "dropout", dropped)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.3], ids=["whole", "dropped"])
def test_self_attention(rate, causal, lengths, drop_as_ours):
    layer = MultiHeadAttention(heads=2, causal=causal, dropout=rate)
    x = RNG.normal(size=(N, TIME, 6))
    inputs = (x,) if lengths is None else (x, lengths)
    parameters, dy = drawn(layer, inputs)
    leaf = torch.tensor(x, requires_grad=True)
    peer, padding = attention_of(parameters, (6, 6), 6, 2, rate), padding_of(lengths, TIME)
    later = torch.ones(TIME, TIME).triu(1).bool() if causal else None
    y, _ = peer(leaf, leaf, leaf, key_padding_mask=padding, attn_mask=later)
    if padding is not None:
        y = y.masked_fill(padding[:, :, None], 0)
    y.backward(torch.tensor(dy))
    expected = {"y": y.detach().numpy(), "dx[0]": leaf.grad.numpy(), **gradients_of(peer)}
    require_same(run_layer_of_many(layer, inputs, dy, **parameters), expected)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("rate", [0.0, 0.3], ids=["whole", "dropped"])
def test_cross_attention(rate, lengths, drop_as_ours):
    layer, x, other = (
        CrossAttention(heads=3, dropout=rate),
        RNG.normal(size=(N, 4, 6)),
        RNG.normal(size=(N, TIME, 2)),
    )
    query_lengths = np.array([4, 2, 1, 3, 4])
    inputs = (x, other) if lengths is None else (x, other, lengths, query_lengths)
    parameters, dy = drawn(layer, inputs)
    query, context = (torch.tensor(array, requires_grad=True) for array in (x, other))
    peer = attention_of(parameters, (6, 2), 6, 3, rate)
    y, _ = peer(query, context, context, key_padding_mask=padding_of(lengths, TIME))
    if lengths is not None:
        y = y.masked_fill(padding_of(query_lengths, 4)[:, :, None], 0)
    y.backward(torch.tensor(dy))
    expected = {"y": y.detach().numpy(), "dx[0]": query.grad.numpy(), "dx[1]": context.grad.numpy()}
    ours = run_layer_of_many(layer, inputs, dy, **parameters)
    require_same(ours, {**expected, **gradients_of(peer)})


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize(
    ("fields", "pads", "arguments"),
    [
        ({"padding": "same"}, (1, 1), {}),
        ({"padding": "causal", "dilation": 2}, (4, 0), {"dilation": 2}),
        ({"padding": "same", "kernel_size": 4}, (1, 2), {}),
        ({}, (0, 0), {}),
        ({"padding": "causal", "stride": 2}, (2, 0), {"stride": 2}),
        ({"padding": "same", "stride": 3, "kernel_size": 4}, (1, 2), {"stride": 3}),
        ({"stride": 2, "dilation": 2, "kernel_size": 2}, (0, 0), {"stride": 2, "dilation": 2}),
        ({"padding": "same", "groups": 2}, (1, 1), {"groups": 2}),
        ({"groups": 6, "filters": 12, "use_bias": False}, (0, 0), {"groups": 6}),
    ],
)
def test_convolution(fields, pads, arguments, lengths):
    layer = Conv1d(**{"filters": 4, "kernel_size": 3, **fields})
    x = RNG.normal(size=(N, TIME, 6))
    if lengths is not None and (layer.stride > 1 or layer.padding == "valid"):
        return  # refused: see test_conv1d
    inputs = (x,) if lengths is None else (x, lengths)
    parameters, dy = drawn(layer, inputs)
    leaves = {name: torch.tensor(w, requires_grad=True) for name, w in parameters.items()}
    leaf = torch.tensor(x, requires_grad=True)
    padding = torch.tensor(
        np.arange(TIME) >= (np.full(N, TIME) if lengths is None else lengths)[:, None]
    )
    seen = leaf.masked_fill(padding[:, :, None], 0).transpose(1, 2)
    y = torch.nn.functional.conv1d(
        torch.nn.functional.pad(seen, pads),
        leaves["weights"].permute(2, 1, 0),
        leaves.get("biases"),
        **arguments,
    ).transpose(1, 2)
    if lengths is not None:
        y = y.masked_fill(padding[:, :, None], 0)
    y.backward(torch.tensor(dy))
    gradients = {f"grad.{name}": array.grad.numpy() for name, array in leaves.items()}
    expected = {"y": y.detach().numpy(), "dx[0]": leaf.grad.numpy(), **gradients}
    require_same(run_layer_of_many(layer, inputs, dy, **parameters), expected)
