"""The shipped classifier of texts against the same network in PyTorch, weight for weight."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet.data.preparing.targets import WantedTarget
from declnet.data.sets import load_sets, split_sets
from declnet.data.streaming.fitting import prepared_sets

torch = pytest.importorskip("torch")

EPOCHS = 4


def test_training_gives_the_test_loss_and_accuracy_of_pytorch(repository):
    changes = {
        "model.dtype": "float64",
        "training.epochs": EPOCHS,
        "training.shuffle": False,
        "optimizer.epsilon": 1e-8,
    }
    spec = declnet.load_spec(repository / "specs" / "messages.toml", changes)
    sets = prepared_sets(spec.data, [WantedTarget("", "classes")], spec.seed)
    start = declnet.build_model(spec.model, sets.input_infos, spec.seed).parameters()
    given = {name: torch.tensor(each) for name, each in start.items()}
    linear = torch.nn.Linear(*given["dense_1.weights"].shape, dtype=torch.float64)
    linear.weight.data, linear.bias.data = (
        given["dense_1.weights"].T.clone(),
        given["dense_1.biases"],
    )
    table = torch.nn.Embedding.from_pretrained(given["embedding_1.weights"], freeze=False)

    def network(x):
        """Classify by the mean of the vectors of all words but the padding, which is 0."""
        there = (x != 0).double()[:, :, None]
        return linear((table(x) * there).sum(dim=1) / there.sum(dim=1))

    parameters = [*table.parameters(), *linear.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=spec.optimizer.learning_rate, eps=1e-8)
    (x, y), (x_test, y_test) = (
        (torch.tensor(np.asarray(each.x[""])), torch.tensor(each.y))
        for each in (sets.datasets["train"], sets.datasets["test"])
    )
    for _ in range(EPOCHS):
        for at in range(0, len(y), spec.training.batch_size):
            part = slice(at, at + spec.training.batch_size)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[part]), y[part]).backward()
            optimizer.step()
    with torch.no_grad():
        scores = network(x_test)
        loss = float(torch.nn.functional.cross_entropy(scores, y_test))
        accuracy = float((scores.argmax(dim=1) == y_test).double().mean())
    found = declnet.run(spec).metrics["test"]
    assert found["loss"] == pytest.approx(loss, rel=1e-7)
    assert found["accuracy"] == accuracy > 0.8


def test_the_shipped_spec_is_as_good_as_a_linear_model_of_word_counts(repository):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear_model = pytest.importorskip("sklearn.linear_model")
    spec = declnet.load_spec(repository / "specs" / "messages.toml")
    loaded = split_sets(load_sets(spec.data, spec.seed), spec.data, spec.seed)
    (x, y), (x_test, y_test) = (
        (each.columns["message"].tolist(), each.columns["subject"].tolist())
        for each in (loaded["train"], loaded["test"])
    )
    count = text.CountVectorizer(min_df=2).fit(x)
    peer = linear_model.LogisticRegression(max_iter=1000).fit(count.transform(x), y)
    score = peer.score(count.transform(x_test), y_test)
    page = (repository / "docs" / "guide" / "text_and_series.md").read_text("utf-8")
    assert f"(`CountVectorizer(min_df=2)`) | {score:.3f} |" in page
    assert declnet.run(spec).metrics["test"]["accuracy"] > score - 0.02
