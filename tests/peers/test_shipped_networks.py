"""Networks of shipped specs against the same networks in PyTorch, from equal weights."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.sets import load_sets, split_sets
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

CHANGES = {"model.dtype": "float64", "training.shuffle": False, "optimizer.epsilon": 1e-8}
PAST, HORIZON = 28, 7


def tensor(array: Any, kind: str = "float64") -> Any:
    return torch.tensor(np.array(array, kind))


def linear(w, name):
    layer = nn.Linear(*w[f"{name}.weights"].shape).double()
    layer.weight.data, layer.bias.data = tensor(w[f"{name}.weights"].T), tensor(w[f"{name}.biases"])
    return layer


def convolution(kind, w, name, **arguments):
    weights = w[f"{name}.weights"]
    weights = weights.transpose(2, 1, 0) if kind is nn.Conv1d else weights
    layer = kind(*weights.shape[1::-1], weights.shape[2:], **arguments).double()
    layer.weight.data, layer.bias.data = tensor(weights), tensor(w[f"{name}.biases"])
    return layer


class WithLSTM(nn.Module):
    """The network of strokes_lstm.toml; torch's second bias is not trained."""

    def __init__(self, w):
        super().__init__()
        units = len(w["lstm_1.recurrent_weights"])
        self.lstm = nn.LSTM(2, units, batch_first=True, bidirectional=True).double()
        peers = {"weights": "weight_ih", "recurrent_weights": "weight_hh", "biases": "bias_ih"}
        for prefix, suffix in (("", ""), ("backward_", "_reverse")):
            for name, peer in peers.items():
                i, f, o, g = np.split(w[f"lstm_1.{prefix}{name}"], 4, axis=-1)
                array = np.concatenate([i, f, g, o], axis=-1).T
                getattr(self.lstm, f"{peer}_l0{suffix}").data = tensor(array)
            second = getattr(self.lstm, f"bias_hh_l0{suffix}")
            second.data.zero_()
            second.requires_grad_(False)
        self.dense = linear(w, "dense_1")

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)
        return self.dense(torch.cat(tuple(last), dim=1))


class WithAttention(nn.Module):
    """The network of strokes_attention.toml."""

    def __init__(self, w):
        super().__init__()
        names = ("conv1d_1", "conv1d_2")
        self.convolutions = nn.ModuleList(
            convolution(nn.Conv1d, w, name, padding="same") for name in names
        )
        prefix, projections = "multi_head_attention_1", ("query", "key", "value")
        features = len(w[f"{prefix}.query_weights"])
        self.attention = nn.MultiheadAttention(features, 4, batch_first=True).double()
        for array, part in (("weight", "weights"), ("bias", "biases")):
            joined = np.concatenate([w[f"{prefix}.{name}_{part}"].T for name in projections])
            getattr(self.attention, f"in_proj_{array}").data = tensor(joined)
            getattr(self.attention.out_proj, array).data = tensor(w[f"{prefix}.output_{part}"].T)
        self.dense = linear(w, "dense_1")

    def forward(self, x, lengths):
        outside = torch.arange(x.shape[1]) >= lengths[:, None]

        def convolved(layer, x):
            masked = x.masked_fill(outside[:, :, None], 0)
            y = torch.relu(layer(masked.transpose(1, 2)).transpose(1, 2))
            return y.masked_fill(outside[:, :, None], 0)

        first = convolved(self.convolutions[0], x)
        k = torch.arange(first.shape[2])
        angles = torch.arange(x.shape[1])[:, None] * 10000.0 ** (-(k - k % 2) / len(k)).double()
        placed = first + torch.where(k % 2 == 1, torch.cos(angles), torch.sin(angles))
        seen, _ = self.attention(placed, placed, placed, key_padding_mask=outside)
        last = convolved(self.convolutions[1], first + seen)
        return self.dense(last.masked_fill(outside[:, :, None], -torch.inf).amax(dim=1))


class WithWords(nn.Module):
    """The network of messages.toml: the mean of the word vectors, without the padding 0."""

    def __init__(self, w):
        super().__init__()
        self.table = nn.Embedding.from_pretrained(tensor(w["embedding_1.weights"]), freeze=False)
        self.dense = linear(w, "dense_1")

    def forward(self, x):
        there = (x != 0).double()[:, :, None]
        return self.dense((self.table(x) * there).sum(dim=1) / there.sum(dim=1))


class WithCategories(nn.Module):
    """The network of two_inputs.toml, with an embedding table for each column."""

    def __init__(self, w, levels):
        super().__init__()
        rows = tensor(w["embedding_1.weights"])
        starts = np.cumsum([0, *levels])
        self.tables = nn.ParameterList(rows[start:stop] for start, stop in pairwise(starts))
        self.dense = nn.ModuleList(linear(w, f"dense_{number}") for number in (1, 2, 3))

    def forward(self, numbers, categories):
        tables = enumerate(self.tables)
        rows = [functional.embedding(categories[:, at], table) for at, table in tables]
        first, second, last = self.dense
        return last(torch.relu(second(torch.relu(first(torch.cat([numbers, *rows], dim=1))))))


def with_images(w):
    """Return the network of shapes_convolution.toml."""
    first, second, third = (
        convolution(nn.Conv2d, w, f"conv2d_{number}", padding=1) for number in (1, 2, 3)
    )
    return nn.Sequential(
        *(first, nn.Mish(), nn.MaxPool2d(2)),
        *(second, nn.GroupNorm(4, 16).double(), nn.Mish(), nn.MaxPool2d(2)),
        *(third, nn.Mish(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), linear(w, "dense_1")),
    )


def pinball(y_pred, y):
    quantiles = tensor([0.1, 0.5, 0.9])
    return torch.maximum(quantiles * (y - y_pred), (quantiles - 1) * (y - y_pred)).mean()


class Case(NamedTuple):
    """A shipped spec and its network.

    Attributes:
        network: builds the network from our weights.
        inputs: the names of the data's inputs, with the type of each.
        loss: from predictions and targets.
        epochs, changes: of the spec.
    """

    network: Callable[..., Any]
    inputs: dict[str, str]
    loss: Callable[..., Any] = functional.cross_entropy
    epochs: int = 1
    changes: dict[str, Any] = {}  # noqa: RUF012


STEPS = {"x": "float64", "lengths": "int64"}
FLAT = {"optimizer.learning_rate": 0.005}
CASES = {
    "strokes_lstm": Case(WithLSTM, STEPS, changes=FLAT),
    "strokes_attention": Case(WithAttention, STEPS, changes=FLAT),
    "messages": Case(WithWords, {"": "int64"}, epochs=4),
    "shapes_convolution": Case(
        with_images, {"": "float64"}, epochs=2, changes={"data.prepare": ["normalize"]}
    ),
    "two_inputs": Case(
        lambda w: WithCategories(w, (12, 4, 3, 2)),
        {"numbers": "float64", "categories": "int64"},
        functional.mse_loss,
        12,
        FLAT,
    ),
    "quantile_regression": Case(
        lambda w: nn.Sequential(linear(w, "dense_1"), nn.Tanh(), linear(w, "dense_2")),
        {"": "float64"},
        pinball,
        8,
        FLAT,
    ),
    "demand": Case(
        lambda w: nn.Sequential(linear(w, "dense_1"), nn.ReLU(), linear(w, "dense_2")),
        {},
        functional.mse_loss,
        5,
        {"optimizer.learning_rate": 0.003},
    ),
}


def arrays_of(case, sets, windows):
    """Return inputs and targets of the training and test data, by data set."""
    if not case.inputs:
        return {name: ((tensor(x),), tensor(y)) for name, (x, y, _) in windows.items()}
    arrays = {}
    for name, data in sets.datasets.items():
        x = data.x if isinstance(data.x, dict) else {"": data.x}
        inputs = tuple(tensor(x[key], kind) for key, kind in case.inputs.items())
        arrays[name] = inputs, torch.tensor(np.array(data.y))
    return arrays


@pytest.mark.parametrize("name", CASES)
def test_training_gives_the_weights_and_metrics_of_torch(shipped_spec, windows, name):
    case = CASES[name]
    changes = {**CHANGES, **case.changes, "training.epochs": case.epochs}
    spec = declnet.load_spec(shipped_spec(f"{name}.toml"), changes)
    sets = prepared_sets(spec.data, loss_targets_of(spec.heads), spec.seed)
    start = declnet.build_model(spec.model, sets.input_infos, spec.seed).parameters()
    peer, arrays = case.network(start), arrays_of(case, sets, windows)
    if case.loss is pinball:
        logs = {part: np.log(y.numpy()) for part, (_, y) in arrays.items()}
        mean, deviation = logs["train"].mean(), logs["train"].std()
        scaled = {part: tensor((log - mean) / deviation)[:, None] for part, log in logs.items()}
        arrays = {part: (arrays[part][0], scaled[part]) for part in arrays}
    elif case.loss is functional.mse_loss:
        arrays = {part: (x, y.double().reshape(len(y), -1)) for part, (x, y) in arrays.items()}
    else:
        arrays = {part: (x, y.long()) for part, (x, y) in arrays.items()}
    torch.set_num_threads(1)  # threads that wait for busy processors take twenty times as long
    trained = [parameter for parameter in peer.parameters() if parameter.requires_grad]
    rate = changes.get("optimizer.learning_rate", spec.optimizer.learning_rate)
    optimizer, (x, y) = torch.optim.Adam(trained, lr=rate, eps=1e-8), arrays["train"]
    for _ in range(case.epochs):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            case.loss(peer(*(array[part] for array in x)), y[part]).backward()
            optimizer.step()
    result, (x, y) = declnet.run(spec), arrays["test"]
    metrics = result.metrics["test"]
    with torch.no_grad():
        y_pred = peer(*x)
    assert metrics["loss"] == pytest.approx(float(case.loss(y_pred, y)), rel=1e-7)
    if "accuracy" in metrics:
        assert metrics["accuracy"] == float((y_pred.argmax(dim=1) == y).double().mean())
    last = [module for module in peer.modules() if isinstance(module, nn.Linear)][-1]
    ours = next(w for key, w in reversed(result.model.parameters().items()) if w.ndim == 2)
    np.testing.assert_allclose(ours, last.weight.detach().numpy().T, rtol=1e-6, atol=1e-9)


@pytest.fixture(scope="module")
def windows(repository):
    """The windows of demand.toml as (x, y, past sales), built here with loops."""
    with (repository / "specs" / "data" / "demand.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = np.array(
        [(float(r["temperature"]), r["promotion"] == "true", float(r["sales"])) for r in rows]
    )
    held = round(len(table) * 0.15)
    parts = {"train": table[: -2 * held], "test": table[-held - PAST :]}
    mean, std = parts["train"].mean(axis=0), parts["train"].std(axis=0)
    mean[1], std[1] = 0, 1  # booleans are not scaled
    arrays = {}
    for name, part in parts.items():
        scaled, starts = (part - mean) / std, range(len(part) - PAST - HORIZON + 1)
        x = [
            [*scaled[at : at + PAST].reshape(-1), *part[at + PAST : at + PAST + HORIZON, 1]]
            for at in starts
        ]
        y = [part[at + PAST : at + PAST + HORIZON, 2] for at in starts]
        past = [part[at : at + PAST, 2] for at in starts]
        arrays[name] = np.array(x), np.array(y), np.array(past)
    return arrays


def test_texts_are_classified_as_well_as_by_a_linear_model_of_word_counts(repository):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear_model = pytest.importorskip("sklearn.linear_model")
    spec = declnet.load_spec(repository / "specs" / "messages.toml")
    loaded = split_sets(load_sets(spec.data, spec.seed), spec.data, spec.seed)
    (x, y), (x_test, y_test) = (
        (table.columns["message"].tolist(), table.columns["subject"].tolist())
        for table in (loaded["train"], loaded["test"])
    )
    count = text.CountVectorizer(min_df=2).fit(x)
    peer = linear_model.LogisticRegression(max_iter=1000).fit(count.transform(x), y)
    score = peer.score(count.transform(x_test), y_test)
    page = (repository / "docs" / "how_to" / "text_and_series.md").read_text("utf-8")
    assert f"(`CountVectorizer(min_df=2)`) | {score:.3f} |" in page
    assert declnet.run(spec).metrics["test"]["accuracy"] > score - 0.02
