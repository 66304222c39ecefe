"""The engine: stretches of steps in compiled code give the same bits as single steps."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest

import declnet
from declnet import Dataset, DivergenceError, Layer, Schedule, Scheduled, parse_spec, run
from declnet.graph.kernels import Kernels
from declnet.training import heartbeat
from declnet.training.evaluation import MANY_BATCHES, Evaluation
from declnet.training.preparation import prepare
from declnet_plugins.jit.driver import StepsInThreads
from declnet_plugins.jit.engine import NativeEngine
from declnet_plugins.standard.schedules import FlatCosine

pytestmark = pytest.mark.usefixtures("numba")

NETWORKS = {
    "kernels": ({"type": "dense", "units": 40}, "relu", {"type": "dense", "units": 4}, "softmax"),
    "replays": (
        "layer_norm",
        {"type": "dense", "units": 5},
        "tanh",
        {"type": "dense", "units": 4},
        "softmax",
    ),
}
TRAININGS = {
    "full batches": {},
    "batches": {"batch_size": 32},
    "a last batch of fewer": {"batch_size": 37, "clip_norm": 0.5, "clip_value": 0.3},
    "accumulated": {"batch_size": 16, "accumulate": 3},
}


@pytest.fixture
def document(spiral):
    """A training on `blobs`, four classes, without metrics."""
    del spiral["data"]["train"]
    spiral["training"] = {"epochs": 13, "metrics": []}
    return spiral


def trained(document, data, **training):
    document = {**document, "training": {**document["training"], **training}}
    return run(parse_spec(document), data=data)


def bits(result):
    return result.model.store.vector.tobytes()


@pytest.mark.parametrize("training", TRAININGS.values(), ids=TRAININGS)
@pytest.mark.parametrize("network", NETWORKS)
def test_stretches_of_steps_give_the_bits_of_single_steps(document, blobs, network, training):
    """With `log_every = 1`, the spiral's penalty is needed, so Python runs step by step."""
    document["model"]["layers"] = list(NETWORKS[network])
    document["engine"] = {"kernels": "jit"}
    document["data"] |= {"class_weights": "balanced"}
    results = {bits(trained(document, blobs, log_every=every, **training)) for every in (1, 6, 13)}
    assert len(results) == 1


@pytest.fixture
def native(monkeypatch):
    """The number of steps in each call of the engine."""
    steps, run_natively = [], StepsInThreads.run

    def run(self, values):
        steps.append(len(values))
        return run_natively(self, values)

    monkeypatch.setattr(StepsInThreads, "run", run)
    monkeypatch.setattr(heartbeat, "PART", 1e9)
    monkeypatch.setattr(heartbeat, "HEARTBEAT", 1e9)
    return steps


@pytest.mark.parametrize(("batches", "batch_size"), [(1, None), (1, 150), (2, 75)])
@pytest.mark.parametrize("shuffle", [True, False])
def test_one_call_makes_many_short_epochs(document, blobs, native, batches, batch_size, shuffle):
    document["model"]["layers"] = list(NETWORKS["kernels"])
    document["engine"] = {"kernels": "jit"}
    training = {"batch_size": batch_size, "shuffle": shuffle, "epochs": 82, "log_every": 81}
    trained(document, blobs, **training)
    logged = [batches] if batches > 1 else []
    assert native == [*logged, 80 * batches, *logged]


class Scaled(Layer):
    """y = x * (1 + factor / 2), which no kernel computes."""

    type = "scaled"
    backward_needs = frozenset()

    factor: Annotated[float | Schedule, Scheduled(ge=0)]

    def forward(self, x, y, state):
        np.multiply(x, 1 + state.now.factor / 2 if state.training else 1, out=y)

    def backward(self, x, y, dy, dx, state):
        np.multiply(dy, 1 + state.now.factor / 2, out=dx)


def test_scheduled_fields_change_within_stretches(document, blobs, native):
    """Fields of kernels, of a replayed layer, and of an optimizer and its groups."""
    falling = {"type": "flat_cosine", "initial_rate": 0.4}
    dropout = [{"type": type_, "rate": falling} for type_ in ("dropout", "dropout")]
    noise = {"type": "gaussian_noise", "std": {"type": "polynomial", "initial_rate": 0.2}}
    hidden, logits = ({"type": "dense", "units": n} for n in (9, 4))
    scaled = Scaled(factor=FlatCosine(initial_rate=0.5))
    document["model"]["layers"] = [
        *(noise, hidden, "relu", dropout[0], scaled, dropout[1], logits, "softmax")
    ]
    document["optimizer"] = {
        "type": "adamw",
        "weight_decay": falling,
        "groups": [{"parameters": ["*.biases"], "type": "lion", "weight_decay": falling}],
    }
    steps, results = 20 * -(-len(blobs[0]) // 37), set()
    for training, expected in (
        ({"log_every": 20}, steps),
        ({"log_every": 1, "metrics": ["accuracy"]}, steps),
        ({"log_every": 20, "callbacks": ["ema"]}, 0),  # follows updates, one by one
    ):
        document["engine"] = {"kernels": "jit"}
        native.clear()
        result = trained(document, blobs, batch_size=37, epochs=20, **training)
        assert sum(native) == expected
        results.add(result.history[-1]["loss"])
    assert len(results) == 1
    document["engine"] = {"kernels": "numpy"}
    numpy = trained(document, blobs, batch_size=37, epochs=20, log_every=20)
    assert numpy.history[-1]["loss"] == pytest.approx(results.pop(), rel=1e-3)


TWO_LOSSES = {
    "one": {"type": "categorical_crossentropy", "metrics": ["accuracy"]},
    "two": {"type": "mean_squared_error", "weight": 0.3, "metrics": ["mean_absolute_error"]},
}


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("losses", [1, 2])
def test_metrics_of_recorded_steps_match_single_steps(document, blobs, losses, weights):
    """A callback after each update forces single steps. 75 steps are recorded in two parts."""
    x, y = blobs
    document["engine"] = {"kernels": "jit"}
    if losses == 1:
        document["model"]["layers"] = list(NETWORKS["kernels"])
        document["training"]["metrics"] = ["accuracy"]
    else:
        first, second = ({"type": "dense", "units": n, "name": f"d{n}"} for n in (4, 1))
        second |= {"name": "two", "inputs": ["relu_1"]}
        softmax = {"type": "softmax", "name": "one"}
        layers = [{"type": "dense", "units": 9}, "relu", first, softmax, second]
        document["model"] |= {"layers": layers, "outputs": ["one", "two"]}
        del document["loss"], document["training"]["metrics"]
        document["losses"] = TWO_LOSSES
        y = {"one": y, "two": x[:, 0]}
    sample_weights = np.random.default_rng(0).uniform(size=len(x)) if weights else None
    data = Dataset(x, y, weights=sample_weights)
    single, recorded = (
        trained(document, {"train": data}, batch_size=2, epochs=3, callbacks=callbacks).history
        for callbacks in (["ema"], [])
    )
    assert recorded == single
    assert recorded[-1]["loss"] < recorded[0]["loss"]


def test_a_divergence_within_a_stretch_names_its_epoch(document, blobs):
    document["model"]["layers"] = list(NETWORKS["kernels"])
    document["optimizer"] = {"type": "sgd", "learning_rate": 1e30}
    messages = []
    for kernels in ("numpy", "jit"):
        document["engine"] = {"kernels": kernels}
        with pytest.raises(DivergenceError) as caught:
            trained(document, blobs, batch_size=64, epochs=50, log_every=50)
        messages.append(str(caught.value).partition(";")[0])
    assert messages[0] == messages[1]


def test_frequent_evaluations_are_native_and_give_the_same_bits(document):
    """Evaluations of `MANY_BATCHES` or more batches; here a full and a shorter one, weighted."""
    left = []

    class Counting(NativeEngine):
        type = "counting"

        def compile(self, calls, exact=False):
            compiled = super().compile(calls, exact)
            left.append(len(compiled.calls))
            return compiled

    document["model"]["layers"] = [
        "batch_norm",
        {"type": "dropout", "rate": 0.5},
        *NETWORKS["replays"],
    ]
    document["training"]["metrics"] = ["accuracy"]
    rng, samples = np.random.default_rng(1), 1100
    x, y = rng.normal(size=(samples, 4)), rng.integers(4, size=samples)
    data = {"train": Dataset(x, y, weights=rng.uniform(size=samples))}
    spec = parse_spec(document)
    prepared = prepare(spec, declnet.default_registry(), data)
    model, data = prepared.model, prepared.data["train"]
    kernels = Kernels()
    kernels.engine = Counting()
    expected = Evaluation(model, spec.heads, data).evaluate()
    evaluation = Evaluation(model, spec.heads, data, kernels=kernels)
    assert all(evaluation.evaluate() == expected for _ in range(MANY_BATCHES // 2 + 1))
    assert left == [5, 5]  # NumPy makes two sums of products, whose order is not documented
