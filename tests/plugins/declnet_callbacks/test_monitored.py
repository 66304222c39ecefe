"""A figure that the run will not have is told before it starts."""

from __future__ import annotations

import pytest

from declnet import EpochLogged, SpecError, parse_spec
from declnet.training.checks.check import check_spec
from declnet_callbacks import EarlyStopping
from declnet_callbacks.monitored import figure_of


@pytest.fixture
def problems(document):
    def find(monitor, kind="early_stopping", **changes):
        document["training"]["callbacks"] = [{"type": kind, "monitor": monitor}]
        return [str(each) for each in check_spec(parse_spec(document)).problems]

    return find


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
@pytest.mark.parametrize("monitor", ["loss", "data_loss", "accuracy", "learning_rate"])
def test_figures_of_the_run_are_right(problems, kind, monitor):
    assert problems(monitor, kind) == []


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
def test_others_are_told_with_a_suggestion(problems, kind):
    (found,) = problems("acuracy", kind)
    assert found == (
        "training.callbacks.0.monitor: error[E045]: the run will have no figure "
        '"acuracy" (did you mean "accuracy"?)'
    )


def test_validation_figures_need_validation_data(problems, document):
    (found,) = problems("validation_loss")
    assert 'name validation data, or monitor = "loss"' in found
    document["data"]["validation"] = 0.2
    assert problems("validation_loss") == problems("validation_accuracy") == []
    assert "validation_accuracy" in problems("validation_acuracy")[0]


def test_names_of_metrics_count(problems, document):
    document["training"]["metrics"] = [{"type": "accuracy", "name": "hits"}]
    assert problems("hits") == []
    assert "there are loss, data_loss" in problems("accuracy")[0]


def test_where_metrics_or_data_are_wrong_nothing_is_guessed(document):
    document["training"]["callbacks"] = [{"type": "early_stopping", "monitor": "hits"}]
    document["training"]["metrics"] = [{"type": "accuracyy", "name": "hits"}]
    with pytest.raises(SpecError) as caught:
        parse_spec(document)
    assert [each.code for each in caught.value.problems] == ["E015"]


def test_it_is_told_at_its_place_on_the_command_line(declnet_cli, spec_file, document):
    document["training"]["callbacks"] = ["early_stopping"]
    done = declnet_cli("check", spec_file(document))
    assert done.returncode == 2
    assert 'error[E045]: the run will have no figure "validation_loss"' in done.stderr


def test_an_epoch_without_the_figure_is_named():
    with pytest.raises(ValueError, match='epoch 3 has no figure "hits", but epoch, loss'):
        figure_of(EpochLogged(3, 0.1, {"loss": 1.0}), "hits")


@pytest.mark.parametrize(
    ("monitor", "smaller"),
    [("loss", True), ("validation_mean_absolute_error", True), ("r2", False), ("f1", False)],
)
def test_names_say_what_is_better(monitor, smaller):
    assert EarlyStopping(monitor=monitor).smaller_is_better is smaller
