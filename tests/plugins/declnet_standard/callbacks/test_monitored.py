"""A metric that the run will not have, or that cannot get better, is an error before it starts."""

from __future__ import annotations

import pytest

from declnet import EpochLogged, Metric, Registry, SpecError, default_registry, parse_spec
from declnet.training.checks.check import check_spec


@pytest.fixture
def problems(document):
    def find(monitor, kind="early_stopping", registry=None, **fields):
        document["training"]["callbacks"] = [{"type": kind, "monitor": monitor, **fields}]
        spec = parse_spec(document, registry)
        return [str(each) for each in check_spec(spec, registry).problems]

    return find


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
@pytest.mark.parametrize("monitor", ["loss", "data_loss", "accuracy"])
def test_metrics_of_the_run_are_right(problems, kind, monitor):
    assert problems(monitor, kind) == []


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
def test_others_are_told_with_a_suggestion(problems, kind):
    (found,) = problems("acuracy", kind)
    assert found == (
        "training.callbacks.0.monitor: error[E045]: the run will have no metric "
        '"acuracy" (did you mean "accuracy"?)'
    )


def test_validation_metrics_need_validation_data(problems, document):
    (found,) = problems("validation_loss")
    assert 'add validation data, or set monitor = "loss"' in found
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
    assert 'error[E045]: the run will have no metric "validation_loss"' in done.stderr


def test_an_epoch_without_the_metric_is_named():
    with pytest.raises(ValueError, match='epoch 3 has no metric "hits", but epoch, loss'):
        EpochLogged(3, 0.1, {"loss": 1.0}).metric("hits")


class Undirected(Metric):
    """A metric that does not declare which values are better."""

    type = "undirected_error"

    def start(self):
        return []

    def update(self, state, y_pred, y_true):
        state.append(len(y_true))

    def result(self, state):
        return float(sum(state))


@pytest.fixture
def registry():
    made = Registry()
    for entry in default_registry().entries():
        made.register(entry.component, entry.plugin)
    made.register(Undirected)
    return made


@pytest.mark.parametrize("kind", ["early_stopping", "reduce_on_plateau", "checkpoint"])
@pytest.mark.parametrize("monitor", ["learning_rate", "undirected_error", "count"])
def test_a_metric_that_says_nothing_needs_a_mode(problems, document, registry, kind, monitor):
    document["training"]["metrics"] = [
        "undirected_error",
        {"type": "undirected_error", "name": "count"},
    ]
    (found,) = problems(monitor, kind, registry)
    assert found == (
        "training.callbacks.0.monitor: error[E045]: nothing says whether higher or lower values "
        f'of "{monitor}" are better (add mode = "min" or mode = "max")'
    )
    for mode in ("min", "max"):
        assert problems(monitor, kind, registry, mode=mode) == []
