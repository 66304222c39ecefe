from __future__ import annotations

import numpy as np
import pytest

from declnet import SpecError, parse_spec, run

FIGURES = {"loss", "data_loss", "regularization_loss", "accuracy"}


def test_validation_follows_the_epochs_last_update(document, blobs):
    document["training"]["epochs"] = 2
    document["data"]["validation"] = document["data"]["train"]
    first, second = run(parse_spec(document)).history
    assert first["validation_loss"] == pytest.approx(second["loss"], rel=1e-12)
    assert first["validation_accuracy"] == second["accuracy"]
    assert first["validation_loss"] != first["loss"]
    assert {key for key in first if key.startswith("validation_")} == {
        f"validation_{name}" for name in FIGURES
    }


def test_a_fraction_is_held_out_of_the_training_data(document):
    document["data"]["validation"] = 0.2
    result = run(parse_spec(document))
    assert set(result.metrics) == {"train", "validation"}
    assert "validation_loss" in result.history[0]


def test_held_out_samples_are_not_learned_from(document, blobs):
    document["data"]["validation"] = 0.5
    document["training"]["epochs"] = 1
    spec = parse_spec(document)
    from declnet import Dataset
    from declnet.data.splits import split

    alone = run(spec, data=split(Dataset(*blobs), {"validation": 0.5}, spec.data.split, spec.seed))
    together = run(spec)
    assert alone.history == together.history
    assert alone.metrics == together.metrics


def test_a_fraction_that_leaves_nothing_is_refused(document):
    document["data"]["validation"] = 0.001
    with pytest.raises(SpecError, match="leaves 0 for validation"):
        run(parse_spec(document))


def test_test_data_is_evaluated_at_the_end_only(document):
    document["data"]["test"] = document["data"]["train"]
    result = run(parse_spec(document))
    assert result.metrics["test"] == result.metrics["train"]
    assert not [key for key in result.history[-1] if key.startswith("test")]


def test_validation_leaves_training_as_it_is(document):
    plain = run(parse_spec(document))
    document["data"]["validation"] = {"type": "nnfs_spiral", "samples": 5, "classes": 3}
    watched = run(parse_spec(document))
    ours, theirs = plain.model.parameters(), watched.model.parameters()
    assert all((ours[key] == theirs[key]).all() for key in ours)
    assert np.isfinite(watched.history[-1]["validation_loss"])
