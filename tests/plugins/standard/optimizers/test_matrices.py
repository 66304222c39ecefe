"""LAMB and Muon against their papers, written here in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import ParameterInfo, RunContext, parse_spec
from declnet.graph.update import FLUSH_EVERY, ParameterUpdate
from declnet.training.checks.check import check_spec
from declnet_plugins.standard.optimizers.matrices import LAMB, Muon

STEPS = 8
SHAPES = {
    "a.weights": (5, 3),
    "b.weights": (3, 7),
    "c.weights": (4, 2, 3, 5),
    "d.weights": (2, 3, 5, 2),
}


def our_path(optimizer, shapes, rate):
    """Yield all parameters after each step; the gradients come from a fixed stream."""
    rng = np.random.default_rng(6)
    w = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    dw = {name: np.empty(shape) for name, shape in shapes.items()}
    infos = [(ParameterInfo(name, w[name].shape), w[name], dw[name]) for name in shapes]
    update = ParameterUpdate(optimizer, infos, STEPS)
    yield {name: array.copy() for name, array in w.items()}
    for step in range(1, STEPS + 1):
        for name, shape in shapes.items():
            dw[name][...] = rng.normal(size=shape)
        update.apply(rate, step)
        yield {name: array.copy() for name, array in w.items()}


def gradients_of(shapes):
    rng = np.random.default_rng(6)
    for shape in shapes.values():
        rng.normal(size=shape)
    for _ in range(STEPS):
        yield {name: rng.normal(size=shape) for name, shape in shapes.items()}


def lamb(w, gradients, rate, decay=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-6):
    """Algorithm 2 of You et al., line by line."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        r = (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        u = r + decay * w
        trust = np.linalg.norm(w) / np.linalg.norm(u) if np.linalg.norm(w) else 1.0
        w = w - rate * trust * u
        yield w


def newton_schulz(g, steps=5):
    """Jordan's zeropower_via_newtonschulz5, in float64."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (np.linalg.norm(g) + 1e-7)
    if g.shape[0] > g.shape[1]:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if g.shape[0] > g.shape[1] else x


def muon(w, gradients, rate, beta=0.95, nesterov=True, decay=0.0):
    """Jordan's muon_update and Muon.step; his weights are (outputs, inputs), ours transposed."""
    momentum = np.zeros_like(w)
    for g in gradients:
        momentum = beta * momentum + (1 - beta) * g
        update = (1 - beta) * g + beta * momentum if nesterov else momentum
        if w.ndim == 2:
            theirs, size = update.T, update.T.shape
            result = newton_schulz(theirs).T
        else:
            size = update.shape
            result = newton_schulz(update.reshape(len(update), -1)).reshape(update.shape)
        result = result * max(1, size[-2] / size[-1]) ** 0.5
        w = w * (1 - rate * decay) - rate * result
        yield w


@pytest.mark.parametrize(
    ("optimizer", "reference", "fields"),
    [
        (LAMB(), lamb, {}),
        (LAMB(weight_decay=0.3, beta_1=0.5, beta_2=0.8, epsilon=0.01), lamb,
         {"decay": 0.3, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.01}),
        (Muon(), muon, {}),
        (Muon(nesterov=False, beta=0.5, weight_decay=0.4), muon,
         {"nesterov": False, "beta": 0.5, "decay": 0.4}),
    ],
    ids=["lamb", "lamb, other fields", "muon", "muon, other fields"],
)  # fmt: skip
def test_each_step_matches_the_paper(optimizer, reference, fields):
    start, *result = our_path(optimizer, SHAPES, 0.05)
    slopes = list(gradients_of(SHAPES))
    for name in SHAPES:
        expected = list(reference(start[name], [slope[name] for slope in slopes], 0.05, **fields))
        for ours, theirs in zip(result, expected, strict=True):
            np.testing.assert_allclose(ours[name], theirs, rtol=1e-12, atol=1e-13)


def test_parameters_of_zeros_move_and_zero_gradients_are_finite():
    w, dw = np.zeros(3), np.ones(3)
    update = ParameterUpdate(LAMB(weight_decay=0.0), [(ParameterInfo("b", (3,), "bias"), w, dw)], 9)
    update.apply(0.1, 1)
    np.testing.assert_allclose(w, -0.1, rtol=1e-5)
    w, dw = np.ones((2, 2)), np.zeros((2, 2))
    muon = ParameterUpdate(Muon(), [(ParameterInfo("w", (2, 2)), w, dw)], 9)
    muon.state["w:momentum"][...] = np.finfo(float).tiny / 8
    muon.apply(0.1, FLUSH_EVERY)
    assert (muon.state["w:momentum"] == 0).all()
    assert np.isfinite(w).all()


def test_frozen_parameters_are_not_refused(document):
    document["optimizer"] = {"type": "muon"}
    for place in (0, 2):
        document["model"]["layers"][place]["trainable"] = False
    assert check_spec(parse_spec(document)).errors == ()
    assert list(Muon().check(RunContext())) == []
