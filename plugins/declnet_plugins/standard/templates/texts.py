"""Columns of text: their words and pairs of words, as features of a linear model.

A text adds to the scores of the classes, or to the predicted number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from declnet_plugins.standard.templates.facts import Target
from declnet_plugins.standard.templates.plan import Plan, Sizes
from declnet_plugins.standard.templates.table_preset import Table

RATES = {"binary": 2.0, "classes": 1.0, "values": 0.25}
"""Learning rates by task, with the momentum below. How far the weights move until the best epoch is
what regularizes them: the sum of the rates, divided by 1 - momentum and by the number of rows, is
about what C is to scikit-learn's logistic regression. One unit moves as far as the difference of
two."""
MOMENTUM = 0.9

EPOCHS, PATIENCE = 100, 15
STEPS = 8
"""Minimum number of steps of an epoch of texts alone, so that the best epoch is near the best step.
"""
BATCH_SIZES = (256, 128, 64, 32, 16)

ROWS_IN_FOLDS = 20_000
"""Maximum number of texts alone for which training five models is quick."""


def layer_of_table(plan: Plan, target: Target, name: str, members: int = 0) -> str:
    """Return the name of the layer that gives the scores of the columns other than texts.

    An activation follows, unless the scores are numbers or belong to members.

    Args:
        plan: the plan.
        target: what the scores are of.
        name: of the output; "" for the only one.
        members: how many members have scores; 0 for no members.
    """
    if name and not _ends(target, members):
        return f"{name}_logits"
    return f"table_{name}" if name and plan.texts else name or "output"


def _ends(target: Target, members: int) -> bool:
    return members > 0 or target.activation is None


def scores_of_texts(
    plan: Plan, target: Target, name: str, units: int | None = None, members: int = 0
) -> Iterator[Table]:
    """Yield a layer for each text, and the sum of what all columns give.

    Args:
        plan: the plan.
        target: what the scores are of.
        name: of the output; "" for the only one.
        units: number of scores; default: the units of the last layer.
        members: how many members get the scores; 0 for no members.
    """
    parts = [layer_of_table(plan, target, name, members)] if plan.others else []
    last = {"name": name} if name and _ends(target, members) else {}
    alone = not parts and not members and len(plan.texts) == 1
    for text in plan.texts:
        part = f"{text}_{name}" if name else text
        yield {
            "type": "embedding_bag",
            **(last if alone and last else {"name": part}),
            "inputs": [f"input.{text}", f"input.{text}_weights"]
            if plan.inputs
            else ["input", "input.weights"],
            "units": units or target.last_units,
            **({"use_bias": False} if parts else {}),
            "weight_initializer": "zeros",
        }
        if members:
            shares = {"members": members, "scale_initializer": "ones"}
            yield {"type": "members", "name": f"members_{part}", "inputs": [part], **shares}
        parts.append(f"members_{part}" if members else part)
    if len(parts) > 1:
        yield {"type": "add", **last, "inputs": parts}


def sizes_of_texts(sizes: Sizes, rows: int) -> Sizes:
    """Return the sizes for texts alone."""
    training = rows * (1 - sizes.validation - sizes.test)
    batch = next((size for size in BATCH_SIZES if size * STEPS <= training), BATCH_SIZES[-1])
    return replace(sizes, batch_size=batch, epochs=EPOCHS, patience=PATIENCE)


def groups_of_texts(plan: Plan) -> Iterator[Table]:
    """Yield the groups of the optimizer for texts in addition to other columns.

    The best epoch is their regularization.
    """
    for task, rate in RATES.items():
        names = [name for name, target in plan.heads.items() if target.task == task]
        layers = [
            f"{text}_{name}.weights" if name else f"{text}.weights"
            for name in names
            for text in plan.texts
        ]
        if layers:
            yield {"parameters": layers, **_sgd(rate)}


def optimizer_of_texts(plan: Plan) -> Table:
    """Return the optimizer for texts alone."""
    first, *_ = rates = [RATES[target.task] for target in plan.targets]
    groups = []
    for (name, target), rate in zip(plan.heads.items(), rates, strict=True):
        if rate != first:
            last = [f"{name}.*"] if target.activation is None else []
            parameters = [*last, *(f"{text}_{name}.*" for text in plan.texts)]
            groups.append({"parameters": parameters, "learning_rate_factor": rate / first})
    return {**_sgd(first), **({"groups": groups} if groups else {})}


def _sgd(rate: float) -> Table:
    falling = {"type": "cosine", "initial_rate": rate}
    return {"type": "sgd", "learning_rate": falling, "momentum": MOMENTUM}
