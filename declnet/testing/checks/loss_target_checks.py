"""What a loss promises about targets: it takes what it declares, in each form of it."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array, Shape
from declnet.testing.benches.loss_bench import LossBench, LossData
from declnet.testing.benches.loss_data import USUAL_SHAPES, data_for, shapes_of
from declnet.testing.check import check
from declnet.testing.comparison import difference, same
from declnet.testing.failures import CheckFailed, CheckSkipped, calling
from declnet.testing.settings import USUAL
from declnet.testing.subjects import Subject

FLOAT = np.dtype("float64")


@check
def takes_usual_predictions(subject: Subject) -> None:
    """Takes targets of its sort for at least one usual shape of prediction."""
    targets = subject.instance.targets
    if targets not in USUAL_SHAPES:
        raise CheckFailed(f'targets is {targets!r}; it must be "values", "classes" or "binary"')
    try:
        shapes_of(subject)
    except CheckSkipped as reason:
        shapes = ", ".join(str(shape) for shape in USUAL_SHAPES[targets])
        raise CheckFailed(f"{reason} ({shapes}), with targets of {targets}") from None


@check
def prepares_what_it_declares(subject: Subject) -> None:
    """Prepares a data set's y without changing it, one target a sample."""
    for shape in shapes_of(subject):
        y = data_for(subject, shape).y
        given = y.copy()
        with calling("prepare"):
            prepared = subject.instance.prepare(given, shape, FLOAT)
        if not isinstance(prepared, np.ndarray) or len(prepared) != len(y):
            raise CheckFailed("prepare must return an array with a target for each sample")
        if not same(given, y):
            raise CheckFailed("prepare writes to y, which metrics read later; copy it first")


@check
def takes_each_form_of_targets(subject: Subject) -> None:
    """Gives the same for labels as for one-hot rows, and for y (n,) as for y (n, 1)."""
    compared = 0
    for shape in shapes_of(subject):
        other = _other_form(subject, shape)
        if other is None:
            continue
        compared += 1
        data = data_for(subject, shape)
        bench = LossBench(subject.instance, shape, USUAL.but(capacity=len(data.y)))
        first, second = bench.run(data), bench.run(LossData(data.y_pred, other))
        for name, left, right in zip(("losses", "dy_pred"), first, second, strict=True):
            fault = difference(right, left)
            if fault:
                raise CheckFailed(
                    f"{name} for y of shape {other.shape} differs from that for the same targets "
                    f"of shape {data.y.shape}: {fault}; let prepare bring both to one form"
                )
    if not compared:
        raise CheckSkipped("its targets have one form only")


@check
def refuses_wrong_targets(subject: Subject) -> None:
    """Refuses with a ValueError targets that do not fit, before any step is taken."""
    for shape in shapes_of(subject):
        y = data_for(subject, shape).y.copy()
        if subject.instance.targets == "classes":
            y[0], what = shape[0], f"the label {shape[0]} of {shape[0]} classes"
        elif subject.instance.targets == "binary":
            y[0], what = 2, "a binary target of 2"
        else:
            y, what = np.zeros((len(y), *shape, 2)), f"y of shape {(*shape, 2)} a sample"
        try:
            subject.instance.prepare(y, shape, FLOAT)
        except ValueError:
            continue
        except Exception as error:
            raise CheckFailed(
                f"prepare raises {type(error).__name__} for {what}; raise a ValueError that says "
                "why"
            ) from error
        raise CheckFailed(f"prepare takes {what} for predictions of shape {shape}; refuse it")


CHECKS = (
    takes_usual_predictions,
    prepares_what_it_declares,
    takes_each_form_of_targets,
    refuses_wrong_targets,
)


def _other_form(subject: Subject, shape: Shape) -> Array | None:
    """The same targets in the other form that users have them in, if there is one."""
    y = data_for(subject, shape).y
    if subject.instance.targets == "classes":
        return np.eye(shape[0])[y]
    return y.reshape(-1) if shape == (1,) else None
