from __future__ import annotations

import pytest

from declnet.registry.spelling import closest, is_misspelling


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("mse", "mean_squared_error"),
        ("MSE", "mean_squared_error"),
        ("log-cosh", "log_cosh"),
        ("log cosh", "log_cosh"),
        ("h", None),
        ("", None),
        ("x" * 10**6, None),
    ],
    ids=lambda value: str(value)[:10],
)
def test_initials_and_other_spellings_lead_to_a_name(written, expected):
    assert closest(written, ["mean_squared_error", "log_cosh", "hinge"]) == expected


def test_a_word_with_another_beginning_is_not_a_misspelling():
    columns = ["Home", "Capital gain", "leaky_relu"]
    assert closest("Income", columns) is None
    assert closest("capital_gain", columns) == "Capital gain"
    assert closest("leaky", columns) == "leaky_relu"


@pytest.mark.parametrize(
    ("written", "name", "known", "expected"),
    [
        ("epohcs", "epochs", [], True),
        ("batchSize", "batch_size", [], True),
        ("mse", "mean_squared_error", [], True),
        ("spiral", "nnfs_spiral", [], False),  # a word of several
        ("linear_layer", "linear", [], False),
        ("losss", "losses", ["loss", "losses"], False),  # two are as close
        ("beta1", "beta_1", ["beta_1", "beta_2"], True),
    ],
)
def test_a_name_is_suggested_if_only_one_is_close(written, name, known, expected):
    assert is_misspelling(written, name, known) is expected


@pytest.mark.parametrize(
    ("written", "known", "expected"),
    [
        ("val_loss", ["loss", "validation_loss", "validation_log_loss"], "validation_loss"),
        ("val_accuracy", ["accuracy", "validation_accuracy"], "validation_accuracy"),
        ("val_loss", ["train.loss", "validation.loss", "validation.data_loss"], "validation.loss"),
        ("val_acc", ["validation.accuracy", "validation.loss"], "validation.accuracy"),
        ("val_loss", ["loss", "regularization_loss"], "loss"),  # there is no validation data
        ("interval_loss", ["loss", "interval"], "interval"),
    ],
)
def test_val_is_short_for_validation(written, known, expected):
    assert closest(written, known) == expected
