"""The ordinal loss: the likelihood of its own probabilities, and classes of a table in order."""

from __future__ import annotations

import numpy as np
import pytest

from declnet import SpecError, parse_spec, run
from declnet_plugins.standard.losses import Ordinal

from ....plain_arrays import run_loss


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_loss_is_the_negative_logarithm_of_the_probability(classes):
    rng = np.random.default_rng(classes)
    y_pred, y = 3 * rng.normal(size=(40, classes - 1)), rng.integers(0, classes, 40)
    probabilities = Ordinal().predictions(y_pred)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert (probabilities > 0).all()
    losses, _ = run_loss(Ordinal(), y_pred, y)
    np.testing.assert_allclose(losses, -np.log(probabilities[range(40), y]), rtol=1e-9)


def test_far_classes_have_finite_losses_where_probabilities_round_to_0():
    y_pred = np.array([[400.0, -50.0], [-400.0, -50.0]])
    losses, gradient = run_loss(Ordinal(), y_pred, np.array([0, 2]))
    np.testing.assert_allclose(losses, [400, 400])
    np.testing.assert_allclose(gradient[:, 0], [1, -1])


@pytest.fixture
def grades(tmp_path):
    """A table whose grades depend on one column, with texts that sort otherwise."""
    rng = np.random.default_rng(0)
    lines = ["x,noise,grade"]
    for x, noise in rng.normal(size=(300, 2)).round(3):
        grade = ["low", "middle", "high", "top"][int(np.digitize(x, [-0.7, 0.2, 1.0]))]
        lines.append(f"{x},{noise},{grade}")
    (tmp_path / "grades.csv").write_text("\n".join(lines) + "\n")

    def spec(units=3, **data):
        source = {"type": "csv", "path": str(tmp_path / "grades.csv"), "target": "grade"}
        return parse_spec(
            {
                "data": {"train": source, **data},
                "model": {"dtype": "float64", "layers": [{"type": "dense", "units": units}]},
                "loss": "ordinal",
                "optimizer": {"type": "adam", "learning_rate": 0.1},
                "training": {"epochs": 150, "metrics": ["accuracy"]},
            }
        )

    return spec


def test_grades_of_a_table_are_learned_in_their_order(grades):
    order = ["low", "middle", "high", "top"]
    result = run(grades(class_order=order))
    assert result.predictor.class_names == tuple(order)
    assert result.metrics["train"]["accuracy"] > 0.9
    rows = [{"x": x, "noise": 0.0} for x in (-2.0, -0.2, 0.6, 2.0)]
    found = result.predict(rows)
    assert found.prediction.tolist() == order
    assert (np.diff(found.probabilities @ np.arange(4)) > 0).all()


def problem_of(spec):
    with pytest.raises(SpecError) as caught:
        run(spec)
    (problem,) = caught.value.problems
    return problem


def test_an_order_that_is_missing_or_wrong_is_an_error(grades):
    found = problem_of(grades())
    assert found.message.endswith('which are texts: "high", "low", "middle", "top"')
    assert found.path == ("loss",)
    assert 'class_order = ["high"' in found.help
    found = problem_of(grades(class_order=["low", "medium", "high", "top"]))
    assert (found.message, found.code) == ('there is no class "medium"', "E034")
    assert found.path == ("data", "class_order", 1)
    found = problem_of(grades(class_order=["low", "middle", "high"]))
    assert 'the class "top" of the target "grade" is missing from the order' in found.message


def test_there_is_a_unit_between_two_classes(grades):
    order = ["low", "middle", "high", "top"]
    found = problem_of(grades(2, class_order=order))
    assert (found.code, found.path) == ("E040", ("model", "layers", 0, "units"))
    assert found.help == "use 3 units, for 4 classes"
