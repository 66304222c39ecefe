from __future__ import annotations

import pytest

from declnet.registry.spelling import closest, is_misspelling

NAMES = ["mean_squared_error", "log_cosh", "hinge"]
COLUMNS = ["Home", "Capital gain", "leaky_relu"]


@pytest.mark.parametrize(
    ("written", "known", "expected"),
    [
        ("mse", NAMES, "mean_squared_error"),
        ("MSE", NAMES, "mean_squared_error"),
        ("log-cosh", NAMES, "log_cosh"),
        ("log cosh", NAMES, "log_cosh"),
        ("h", NAMES, None),
        ("", NAMES, None),
        ("x" * 10**6, NAMES, None),
        ("Income", COLUMNS, None),  # another beginning than "Home"
        ("capital_gain", COLUMNS, "Capital gain"),
        ("leaky", COLUMNS, "leaky_relu"),
        ("val_loss", ["loss", "validation_loss", "validation_log_loss"], "validation_loss"),
        ("val_accuracy", ["accuracy", "validation_accuracy"], "validation_accuracy"),
        ("val_loss", ["train.loss", "validation.loss", "validation.data_loss"], "validation.loss"),
        ("val_acc", ["validation.accuracy", "validation.loss"], "validation.accuracy"),
        ("val_loss", ["loss", "regularization_loss"], "loss"),  # without validation data
        ("interval_loss", ["loss", "interval"], "interval"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_initials_other_spellings_and_abbreviations_lead_to_a_name(written, known, expected):
    assert closest(written, known) == expected


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
