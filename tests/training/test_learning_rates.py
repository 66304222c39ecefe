from __future__ import annotations

import pytest

from declnet import parse_spec, run


def rates(document, optimizer, **training):
    document["training"] |= training
    result = run(parse_spec({**document, "optimizer": optimizer}))
    return [row["learning_rate"] for row in result.history], result


def test_decay_counts_updates_from_one(document):
    found, _ = rates(document, {"type": "sgd", "learning_rate": 0.2, "decay": 0.5}, epochs=3)
    assert found == [0.2, 0.2 / 1.5, 0.1]


def test_over_mini_batches_an_epoch_has_the_rate_of_its_last_update(document):
    optimizer = {"type": "sgd", "learning_rate": 0.2, "decay": 0.5}
    found, _ = rates(document, optimizer, epochs=2, batch_size=8)
    assert found == [0.2 / (1 + 0.5 * 3), 0.2 / (1 + 0.5 * 7)]


def test_decay_and_its_schedule_train_to_the_same_weights(document):
    schedule = {"type": "inverse_time", "initial_rate": 0.2, "decay": 0.5}
    decayed, one = rates(document, {"type": "adam", "learning_rate": 0.2, "decay": 0.5}, epochs=9)
    scheduled, other = rates(document, {"type": "adam", "learning_rate": schedule}, epochs=9)
    assert decayed == scheduled
    ours, theirs = one.model.parameters(), other.model.parameters()
    assert all((ours[key] == theirs[key]).all() for key in ours)


def test_epochs_that_are_not_logged_count_as_updates_too(document):
    optimizer = {"type": "sgd", "learning_rate": 0.2, "decay": 0.5}
    found, _ = rates(document, optimizer, epochs=9, log_every=4)
    assert found == pytest.approx([0.2, 0.2 / 3, 0.2 / 5])


@pytest.mark.parametrize(
    ("epochs", "log_every", "expected"),
    [
        (1, 1, [0]),
        (4, 1, [0, 1, 2, 3]),
        (7, 3, [0, 3, 6]),
        (6, 3, [0, 3, 5]),
        (5, 100, [0, 4]),
        (1, 100, [0]),
        (2, 2, [0, 1]),
    ],
)
def test_epochs_divisible_by_log_every_and_the_last_are_logged(
    document, epochs, log_every, expected
):
    document["training"] |= {"epochs": epochs, "log_every": log_every}
    assert [row["epoch"] for row in run(parse_spec(document)).history] == expected


def test_what_is_logged_does_not_change_what_is_learned(document):
    document["training"] |= {"epochs": 20, "batch_size": 7}
    dense = run(parse_spec(document))
    document["training"]["log_every"] = 8
    sparse = run(parse_spec(document))
    ours, theirs = dense.model.parameters(), sparse.model.parameters()
    assert all((ours[key] == theirs[key]).all() for key in ours)
    assert sparse.history == [row for row in dense.history if row["epoch"] in (0, 8, 16, 19)]
