"""Fractions, folds and batches that leave too few samples."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("batch_size", "held_out", "message"),
    [
        (30, None, None),
        (31, None, "there are 30 samples; without batch_size, each step takes all"),
        (24, 0.2, None),
        (25, 0.2, "there are 24 samples (6 of 30 are held out)"),
    ],
)
def test_a_batch_may_be_as_large_as_the_training_data(
    problems, document, batch_size, held_out, message
):
    document["training"]["batch_size"] = batch_size
    document["data"]["validation"] = held_out
    found = problems(document)
    assert len(found) == (message is not None)
    assert all(message in each for each in found)


def test_one_sample_is_counted_in_the_singular(problems, document, tmp_path):
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 2)), y=np.zeros(1, int))
    document["data"]["train"]["path"] = str(tmp_path / "one.npz")
    document["training"]["batch_size"] = 2
    batch, labels = problems(document)
    assert "there is 1 sample; without batch_size, each step takes all" in batch
    assert "units, but all labels are 0 (classification needs at least two classes)" in labels
    document["data"]["validation"] = 0.5
    fraction, _ = problems(document)
    assert "0.5 of 1 sample leaves 0 for validation and 1 for training" in fraction


def test_a_fraction_that_leaves_nothing_is_reported_alone(problems, document):
    document["training"]["batch_size"] = 31
    document["data"]["validation"] = 0.999
    assert problems(document) == [
        "data.validation: error[E033]: 0.999 of 30 samples leaves 30 for validation and 0 for "
        "training (use a smaller fraction)"
    ]
