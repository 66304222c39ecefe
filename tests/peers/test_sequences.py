"""Layers of sequences against torch, in float64, with lengths and without."""

from __future__ import annotations

import numpy as np
import pytest

from declnet_standard.layers import GRU, LSTM, LastStep, MaxOverTime, MeanOverTime, SimpleRNN

from ..plain_arrays import run_layer_of_many

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(23)
N, TIME, FEATURES, UNITS = 5, 7, 3, 4
LENGTHS = np.array([7, 1, 4, 6, 2])


def require_same(found, expected):
    assert set(expected) <= set(found)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-9, atol=1e-9, err_msg=name)


def order_of_torch(name, w):
    """Return gates in torch's order: of the LSTM's i, f, o, g, the last two change places."""
    if name != "lstm":
        return w
    i, f, o, g = np.split(w, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def peer_of(layer, parameters):
    """The recurrent layer of torch with the same weights; all of its second biases are 0, save
    those of the GRU's candidate."""
    kinds = {"simple_rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    extra = {"nonlinearity": layer.activation} if layer.type == "simple_rnn" else {}
    peer = kinds[layer.type](
        FEATURES, UNITS, batch_first=True, bidirectional=layer.bidirectional, **extra
    ).double()
    for prefix, suffix in (("", "_l0"), ("backward_", "_l0_reverse")):
        if prefix + "weights" not in parameters:
            continue
        own = {key: parameters[prefix + key] for key in ("weights", "recurrent_weights", "biases")}
        own = {key: order_of_torch(layer.type, each) for key, each in own.items()}
        second = np.zeros_like(own["biases"])
        if layer.type == "gru":
            second[2 * UNITS :] = parameters[prefix + "candidate_biases"]
        for name, each in (
            ("weight_ih", own["weights"].T),
            ("weight_hh", own["recurrent_weights"].T),
            ("bias_ih", own["biases"]),
            ("bias_hh", second),
        ):
            getattr(peer, name + suffix).data = torch.tensor(each)
    return peer


def by_torch(layer, x, dy, lengths, parameters):
    """y, dx and the gradients of the parameters, by torch's layer on packed sequences."""
    peer, given = peer_of(layer, parameters), torch.tensor(x, requires_grad=True)
    if lengths is None:
        states, last = peer(given)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            given, torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        states, last = peer(packed)
        states, _ = torch.nn.utils.rnn.pad_packed_sequence(
            states, batch_first=True, total_length=TIME
        )
    if not layer.return_sequences:
        last = last[0] if isinstance(last, tuple) else last
        states = torch.cat(tuple(last), dim=1)
    states.backward(torch.tensor(dy))
    found = {"y": states.detach().numpy(), "dx[0]": given.grad.numpy()}
    for prefix, suffix in (("", "_l0"), ("backward_", "_l0_reverse")):
        if prefix + "weights" in parameters:
            grad = {name: getattr(peer, name + suffix).grad.numpy() for name in NAMES}
            for name, of_torch in (
                ("weights", grad["weight_ih"].T),
                ("recurrent_weights", grad["weight_hh"].T),
                ("biases", grad["bias_ih"]),
            ):
                found[f"grad.{prefix}{name}"] = order_of_torch(layer.type, of_torch)
            if layer.type == "gru":
                found[f"grad.{prefix}candidate_biases"] = grad["bias_hh"][2 * UNITS :]
    return found


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
    given = (x,) if lengths is None else (x, lengths)
    shapes = tuple(each.shape[1:] for each in given)
    parameters = {
        name: RNG.normal(size=each.shape) for name, each in layer.parameters(shapes).items()
    }
    dy = RNG.normal(size=(N, *layer.output_shape(shapes)))
    found = run_layer_of_many(layer, given, dy, **parameters)
    require_same(found, by_torch(layer, x, dy, lengths, parameters))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
@pytest.mark.parametrize("layer", [LastStep(), MeanOverTime(), MaxOverTime()], ids=lambda x: x.type)
def test_layers_over_time(layer, lengths):
    x, dy = RNG.normal(size=(N, TIME, FEATURES)), RNG.normal(size=(N, FEATURES))
    given = torch.tensor(x, requires_grad=True)
    ends = [TIME] * N if lengths is None else lengths
    each = [row[:end] for row, end in zip(given, ends, strict=True)]
    of = {
        "last_step": lambda row: row[-1],
        "mean_over_time": lambda row: row.mean(dim=0),
        "max_over_time": lambda row: row.max(dim=0).values,
    }[layer.type]
    y = torch.stack([of(row) for row in each])
    y.backward(torch.tensor(dy))
    found = run_layer_of_many(layer, (x,) if lengths is None else (x, lengths), dy)
    require_same(found, {"y": y.detach().numpy(), "dx[0]": given.grad.numpy()})
