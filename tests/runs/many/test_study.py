"""A study that selects weights of its trials: one predictor with an unbiased estimate."""

from __future__ import annotations

import numpy as np
import pytest

import declnet
from declnet import SpecError, open_group, open_run
from declnet.runs.many.selection import selected_weights

SPACE = {
    "optimizer.learning_rate": {"low": 0.003, "high": 1.0, "log": True},
    "model.layers.0.units": [2, 4, 8],
}
TUNE = {
    "trials": 4,
    "weights": "selected",
    "search": {"type": "random", "pruner": "none"},
    "space": SPACE,
}
KEEPS_BEST = {"type": "best_epoch", "monitor": "validation_loss"}


@pytest.fixture
def weighted(document, changed):
    """Return a spec whose study selects weights, with changes."""

    def make(**values):
        training = {"training.epochs": 5, "training.callbacks": [KEEPS_BEST]}
        return changed({**document, "tune": TUNE}, {"data.folds": 3, **training, **values})

    return make


def test_the_trials_become_members_of_one_predictor(weighted, blobs, tmp_path):
    group = declnet.tune(weighted(), out=tmp_path / "study")
    weights, x = group.weights, blobs[0]
    best = f"trials/{group.best_trial.number:04}"
    assert {"untuned", best} <= weights.keys() <= {"untuned", *(f"trials/000{n}" for n in range(4))}
    assert sum(weights.values()) == pytest.approx(1)
    mean, models = 0, 0
    for point, weight in weights.items():
        runs = [open_run(tmp_path / f"study/{point}/fold-{fold}") for fold in (1, 2, 3)]
        mean += weight * np.mean([run.predictor().predict(x).outputs for run in runs], axis=0)
        models += 3 * (weight > 0)
    predictor = declnet.load_predictor(tmp_path / "study")
    np.testing.assert_allclose(predictor.predict(x).outputs, mean, rtol=1e-12)
    assert len(predictor.members) == models
    assert [trial.number for trial in group.trials] == list(range(4))
    alone = group.of_members("validation")
    assert alone["untuned"][1].metrics["accuracy"] > 0
    assert group.evaluate().samples == len(x)
    assert group.tables()[1].footer[0][0] == "all together"


def test_each_member_equals_its_folder_in_any_order_of_runs(weighted, tmp_path):
    declnet.tune(weighted(), out=tmp_path / "study")
    group = open_group(tmp_path / "study")
    tasks = sorted(group.journal.tasks.values(), key=lambda task: task.folder[::-1])
    in_parallel = [*tasks[:5], *tasks[:4:-1]]  # the last folds in the reverse order of trials
    group.journal.tasks = {task.folder: task for task in in_parallel}
    for point, (_, evaluation) in group.of_members("validation").items():
        alone = open_group(tmp_path / "study" / point).evaluate()
        assert evaluation.metrics == pytest.approx(alone.metrics)


def test_the_other_folds_select_the_weights_for_a_fold(weighted, tmp_path):
    group = declnet.tune(weighted(), out=tmp_path / "study")
    points = [*group.points()]
    parts = {point: group.validation_parts(point, None) for point in points}

    def selected(*folds):
        of_folds = [
            [part for part in of_point if part.predictor.spec.data.fold in folds]
            for of_point in parts.values()
        ]
        weights = dict(zip(points, selected_weights(of_folds)[0], strict=True))
        assert {point for point, weight in weights.items() if weight} <= group.weights.keys()
        return {point: weights[point] for point in group.weights}

    assert group.file.fold_weights == {
        "fold-1": selected(2, 3),
        "fold-2": selected(1, 3),
        "fold-3": selected(1, 2),
    }
    assert group.weights == selected(1, 2, 3)
    for part in group.examined("validation"):
        of_fold = group.file.fold_weights[f"fold-{part.predictor.spec.data.fold}"]
        assert list(part.predictor.weights) == [weight for weight in of_fold.values() if weight]


def test_rows_in_another_order_have_the_same_weights(weighted, tmp_path):
    group = declnet.tune(weighted(), out=tmp_path / "study")
    members = [group.validation_parts(point, None) for point in group.points()]
    turned = [[part.take(np.arange(len(part))[::-1]) for part in members[0][::-1]], *members[1:]]
    weights, by_fold = selected_weights(members)
    again, again_by_fold = selected_weights(turned)
    np.testing.assert_allclose(again, weights)
    assert again_by_fold.keys() == by_fold.keys()
    with pytest.raises(declnet.DataError, match="hold out other rows than each other"):
        selected_weights([members[0], members[1][:-1]])


def test_a_trial_that_fails_has_no_weight(weighted, tmp_path):
    space = {"optimizer.learning_rate": {"low": 0.1, "high": 1e300, "log": True}}
    group = declnet.tune(weighted(**{"tune.space": space}), out=tmp_path / "study")
    failed = {f"trials/{t.number:04}" for t in group.trials if t.state == "failed"}
    assert failed
    assert not failed & group.weights.keys()
    assert open_group(tmp_path / "study").evaluate().metrics


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.folds": None, "data.validation": 0.3}, '"best_epoch" chooses by the validation'),
        ({"tune.space": {"data.folds": [2, 3]}}, "some trials hold out other rows"),
        ({"tune.space": {"seed": [2, 3]}}, "some trials hold out other rows"),
        (
            {"data.folds": None, "tune.objective": "train.loss", "training.callbacks": []},
            "which the spec does not have",
        ),
    ],
)
def test_weights_that_cannot_be_selected_are_refused_before_training(
    weighted, changes, message, tmp_path
):
    with pytest.raises(SpecError) as refused:
        declnet.tune(weighted(**changes), out=tmp_path / "study")
    assert any(message in problem.message for problem in refused.value.problems)
    assert not (tmp_path / "study").exists()
