"""Trainings of RealMLP and TabM against their formulas in PyTorch, step by step to 1e-9."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import cos, log2, pi, sqrt
from typing import Any

import numpy as np
import pytest

from declnet import Dataset
from declnet_plugins.tabular.transforms import QuantileNormal

torch = pytest.importorskip("torch")

ROWS, FEATURES, CLASSES, UNITS, BATCH, EPOCHS = 43, 4, 3, 8, 10, 6
STEPS = EPOCHS * (ROWS // BATCH)
Parameters = dict[str, Any]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(8).normal(size=(ROWS, FEATURES))


SCHEDULE = {"epochs": EPOCHS, "batch_size": BATCH, "shuffle": False, "drop_last": True}


def torch_path(
    start: Mapping[str, np.ndarray],
    loss: Callable[[Parameters, Any], Any],
    rate: Callable[[float], float],
    decay: Callable[[float], float],
    factors: Mapping[str, float],
    undecayed: tuple[str, ...] = (),
) -> Iterator[Parameters]:
    """Yield the parameters after each epoch of AdamW.

    Args:
        start: the initial parameters.
        loss: the mean loss of the samples of a slice.
        rate: the learning rate as a function of the completed share of the training.
        decay: the weight decay, likewise.
        factors: factors of the rate, by the suffix of the parameter's name.
        undecayed: suffixes of the names of parameters without weight decay.
    """
    weights = {name: torch.tensor(array, requires_grad=True) for name, array in start.items()}
    groups = [{"params": [weight], "name": name} for name, weight in weights.items()]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-8)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            factor = next((f for end, f in factors.items() if group["name"].endswith(end)), 1.0)
            group["lr"] = factor * rate(step / STEPS)
            spared = group["name"].endswith(undecayed)
            group["weight_decay"] = 0.0 if spared else decay(step / STEPS)
        optimizer.zero_grad()
        first = step % (ROWS // BATCH) * BATCH
        loss(weights, slice(first, first + BATCH)).backward()
        optimizer.step()
        if (step + 1) % (ROWS // BATCH) == 0:
            yield {name: weight.detach().numpy().copy() for name, weight in weights.items()}


def coslog4(peak: float) -> Callable[[float], float]:
    return lambda t: peak * (1 - cos(2 * pi * log2(1 + 15 * t))) / 2


def flat_cos(value: float) -> Callable[[float], float]:
    return lambda t: value * (1 + cos(pi * max(0.0, 2 * t - 1))) / 2


def require_same(ours: list[Any], theirs: Iterator[Parameters], start: Mapping[str, Any]) -> None:
    """Assert that the paths agree and that every parameter changes."""
    count = 0
    for mine, other in zip(ours, theirs, strict=True):
        for name, values in other.items():
            np.testing.assert_allclose(mine[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
        count += 1
    assert count == EPOCHS
    assert all(np.abs(ours[-1][name] - start[name]).max() > 1e-4 for name in start)


def ntp(weights: Parameters, name: str, x: Any) -> Any:
    w, b = weights[f"{name}.weights"], weights[f"{name}.biases"]
    return x @ w / sqrt(len(w)) + b


def test_realmlp_td_for_numbers_follows_its_formulas(our_path: Any, x: np.ndarray) -> None:
    y = np.sin(x[:, :1]) + x[:, 1:2]
    layers: list[Any] = [{"type": "pbld", "name": "numbers"}, "feature_scale"]
    for number in (1, 2):
        names = f"dense_{number}", f"mish_{number}"
        layers += [
            {"type": "ntp_dense", "name": names[0], "units": UNITS},
            {"type": "mish", "name": names[1]},
            {"type": "parametric_activation", "name": f"act_{number}", "inputs": list(names)},
        ]
    layers.append({"type": "ntp_dense", "name": "last", "units": 1})
    optimizer = {
        "type": "adamw",
        "learning_rate": {"type": "coslog", "max_rate": 0.2},
        "weight_decay": {"type": "flat_cosine", "initial_rate": 0.02},
        "beta_2": 0.95,
        "epsilon": 1e-8,
        "groups": [
            {"parameters": ["*.biases"], "learning_rate_factor": 0.1, "weight_decay": 0.0},
            {"parameters": ["*.shares", "numbers.*"], "learning_rate_factor": 0.1},
        ],
    }
    start, ours = our_path(Dataset(x, y), layers, "mean_squared_error", optimizer, **SCHEDULE)

    def loss(weights: Parameters, part: slice) -> Any:
        inputs = torch.tensor(x[part])
        w, b, out, c = (
            weights[f"numbers.{name}"] for name in ("frequencies", "phases", "weights", "biases")
        )
        waves = torch.cos(2 * pi * inputs[:, :, None] * w + b)
        embedded = torch.einsum("nfh,fho->nfo", waves, out) + c
        z = torch.cat([embedded.flatten(1), inputs], dim=1) * weights["feature_scale_1.scale"]
        for number in (1, 2):
            before = ntp(weights, f"dense_{number}", z)
            change = torch.nn.functional.mish(before) - before
            z = before + weights[f"act_{number}.shares"] * change
        return ((ntp(weights, "last", z) - torch.tensor(y[part])) ** 2).mean()

    factors = {"dense_1.biases": 0.1, "dense_2.biases": 0.1, "last.biases": 0.1, ".shares": 0.1}
    factors |= {f"numbers.{name}": 0.1 for name in ("frequencies", "phases", "weights", "biases")}
    spared = ("dense_1.biases", "dense_2.biases", "last.biases")
    theirs = torch_path(start, loss, coslog4(0.2), flat_cos(0.02), factors, spared)
    require_same(ours, theirs, start)


@pytest.mark.parametrize("targets", ["classes", "values"])
def test_tabm_mini_follows_its_formulas_for_each_member(
    our_path: Any, x: np.ndarray, targets: str
) -> None:
    classes, rng = targets == "classes", np.random.default_rng(1)
    y = rng.integers(0, CLASSES, ROWS) if classes else rng.normal(size=(ROWS, 1))
    x[:, 0] = np.round(x[:, 0])  # few distinct values give fewer bins
    units, members = CLASSES if classes else 1, 5
    embedded = {"type": "piecewise_linear", "name": "numbers", "units": 3, "bins": 6}
    layers = [embedded, "flatten", {"type": "members", "members": members}]
    layers += [{"type": "dense", "units": UNITS}, "relu"] * 2
    layers.append({"type": "member_dense", "units": units})
    optimizer = {
        "type": "adamw",
        "learning_rate": 0.002,
        "weight_decay": 3e-4,
        "beta_2": 0.95,
        "epsilon": 1e-8,
        "groups": [{"parameters": ["*.biases"], "weight_decay": 0.0}],
    }
    loss_type = "members_crossentropy" if classes else "members_squared_error"
    start, ours = our_path(Dataset(x, y), layers, loss_type, optimizer, **SCHEDULE)
    edges = ours[0]["numbers.edges"]
    start.pop("numbers.edges")

    def loss(weights: Parameters, part: slice) -> Any:
        inputs = torch.tensor(x[part])
        z = inputs[:, :, None] * weights["numbers.slopes"] + weights["numbers.biases"]
        e = torch.tensor(encoded(x[part], edges))
        z = z + torch.einsum("nfb,fbu->nfu", e, weights["numbers.weights"])
        z = z.flatten(1)[:, None] * weights["members_1.scale"]
        for number in (1, 2):
            dense = weights[f"dense_{number}.weights"], weights[f"dense_{number}.biases"]
            z = torch.relu(z @ dense[0] + dense[1])
        out = torch.einsum("nkd,kdu->nku", z, weights["member_dense_1.weights"])
        out = out + weights["member_dense_1.biases"]
        expected = torch.tensor(np.repeat(y[part], members, axis=0))
        if classes:
            return torch.nn.functional.cross_entropy(out.flatten(0, 1), expected)
        return torch.nn.functional.mse_loss(out.flatten(0, 1), expected)

    spared = (".biases",)
    theirs = torch_path(start, loss, lambda _: 0.002, lambda _: 3e-4, {}, spared)
    require_same(ours, theirs, start)


def encoded(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the piecewise-linear encoding (n, features, bins), feature by feature."""
    encoding = np.zeros((len(x), *edges[:, 1:].shape))
    for feature, feature_edges in enumerate(edges):
        distinct = np.unique(feature_edges)
        for number, (left, right) in enumerate(pairwise(distinct)):
            e = (x[:, feature] - left) / (right - left)
            e = e if number == 0 else np.maximum(e, 0)
            encoding[:, feature, number] = e if number == len(distinct) - 2 else np.minimum(e, 1)
    return encoding


@pytest.mark.parametrize("rows", [40, 700, 40_000])
def test_quantile_normal_equals_scikit_learns_quantile_transformer(rows: int) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    rng = np.random.default_rng(rows)
    for x in (rng.lognormal(size=rows), rng.integers(0, 5, rows).astype(float)):
        count = max(min(rows // 30, 1000), 10)
        theirs = preprocessing.QuantileTransformer(
            n_quantiles=count, output_distribution="normal", subsample=None
        )
        theirs.fit(x[:, None])
        ours = QuantileNormal(noise=0.0)
        state, other = ours.fit(x), np.append(1.3 * x, 0.5)
        expected = theirs.transform(other[:, None])[:, 0]
        np.testing.assert_allclose(ours.apply(other, state), expected, rtol=1e-8, atol=1e-8)
