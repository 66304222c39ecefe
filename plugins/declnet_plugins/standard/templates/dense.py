"""Presets of dense networks for tables: a multilayer perceptron and a linear model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, ClassVar

from declnet_plugins.standard.templates.facts import Target
from declnet_plugins.standard.templates.plan import Plan, sizes_for
from declnet_plugins.standard.templates.preparing import standardized
from declnet_plugins.standard.templates.table_preset import Sections, Table, TablePreset
from declnet_plugins.standard.templates.texts import (
    ROWS_IN_FOLDS,
    groups_of_texts,
    layer_of_table,
    optimizer_of_texts,
    scores_of_texts,
    sizes_of_texts,
)

CATEGORY_UNITS = 8
LEARNING_RATE = 0.0015
LINEAR_RATE = 0.01
WEIGHT_DECAY = 0.05

STEP, ROW, COLUMN = 2e-4, 6.5e-6, 3e-8
"""Processor time of a step, of a row through the hidden layers and of each of its columns."""

LOSSES = {
    "binary": "binary_crossentropy",
    "classes": "categorical_crossentropy",
    "values": "mean_squared_error",
}

EXAMPLE = {
    "rows": 1000,
    "targets": ["price"],
    "columns": ["size", {"name": "city", "categories": 5}],
}


class MLP(TablePreset):
    """A multilayer perceptron of two hidden layers, with dropout and weight decay.

    Texts alone are read by a linear model, in folds if that is quick.
    """

    type = "mlp"
    examples = (EXAMPLE, {**EXAMPLE, "targets": [{"name": "sold", "classes": 2, "rarest": 80}]})
    hidden: ClassVar[bool] = True

    def plan(self) -> Plan:
        """Return the choices for the table; a single split unless there are fields for folds."""
        texts_alone = self.has_texts_alone
        folds = self.suitable_folds(quick=texts_alone and self.rows <= ROWS_IN_FOLDS)
        sizes = sizes_for(self.rows, folds, self.test)
        return self.plan_with(
            sizes=sizes_of_texts(sizes, self.rows) if texts_alone else sizes,
            folds=folds,
            hidden=self.hidden and not texts_alone,
        )

    def sections(self, plan: Plan) -> Sections:
        """Return a dense network, its preparation and its training."""
        return Sections(
            [*standardized(plan)],
            plan.inputs,
            model(plan, [*_layers(plan)]),
            {name: loss(target, LOSSES) for name, target in plan.heads.items()},
            _optimizer(plan) if plan.others else optimizer_of_texts(plan),
            _training(plan),
        )

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        rows = plan.training_rows
        steps = ceil(rows / (plan.sizes.batch_size or rows))
        of_row = ROW + COLUMN * plan.width if self.hidden else 0.0
        return plan.folds * (steps * STEP + rows * of_row)


class Linear(MLP):
    """A linear or logistic regression: quick to train, and a bar for other models to clear."""

    type = "linear"
    hidden = False


def model(plan: Plan, layers: Sequence[Any]) -> Table:
    """Return the section of the layers."""
    dtype = {"dtype": "float64"} if plan.float64 else {}
    outputs = {"outputs": list(plan.heads)} if len(plan.targets) > 1 else {}
    return {**dtype, **outputs, "layers": list(layers)}


def loss(target: Target, losses: dict[str, str]) -> Table:
    """Return the loss that a target asks for, or else the default of its task."""
    return {"type": target.loss or losses[target.task]}


def category_layers(read: str) -> Iterator[Table]:
    """Yield the layers that make one vector, `vectors`, of columns of many categories.

    Args:
        read: the input of the columns, as layers name it.
    """
    yield {"type": "embedding", "name": "embeddings", "inputs": [read], "units": CATEGORY_UNITS}
    yield {"type": "flatten", "name": "vectors"}


def callbacks(plan: Plan, chooses_epoch: Table) -> Table:
    """Return the field with what chooses the epoch and, of a single model, checkpoints.

    Without validation data there are none.
    """
    if not plan.sizes.validation:
        return {}
    checkpoints = [] if plan.is_member else [{"type": "checkpoint", "every_minutes": 1}]
    return {"callbacks": [{**chooses_epoch, "monitor": plan.monitor}, *checkpoints]}


def _layers(plan: Plan) -> Iterator[Any]:
    """Yield the layers from the input to the outputs."""
    if plan.embedded:
        yield from category_layers("input.many" if plan.inputs else "input")
    table = _table(plan)
    if table == "joined":
        yield {"type": "concatenate", "name": "joined", "inputs": ["vectors", "input.table"]}
    first = {"inputs": ["input.table"]} if table == "input.table" else {}
    if plan.hidden:
        yield from _hidden_layers(plan, first)
    for name, target in plan.heads.items():
        if plan.others:
            yield _scores(plan, target, name, {} if plan.hidden else first)
        yield from scores_of_texts(plan, target, name)
        if target.activation is not None:
            yield {"type": target.activation, "name": name} if name else target.activation


def _scores(plan: Plan, target: Target, name: str, first: Table) -> Table:
    """Return the layer of an output that reads the columns other than texts.

    Args:
        plan: the plan.
        target: what is predicted.
        name: of the output; "" for the only one, which reads the layer before it.
        first: the inputs of the only one, unless it reads these.
    """
    if name:
        read = "trunk" if plan.hidden else _table(plan)
        fields = {"name": layer_of_table(plan, target, name), "inputs": [read]}
    else:
        named = {"name": layer_of_table(plan, target, name)} if plan.texts else {}
        fields = {**named, **first}
    return {"type": "dense", **fields, "units": target.last_units}


def _table(plan: Plan) -> str:
    """Return what the first layer of the columns other than texts reads."""
    if plan.embedded:
        return "joined" if "table" in plan.inputs else "vectors"
    return "input.table" if plan.inputs else "input"


def _hidden_layers(plan: Plan, first: Table) -> Iterator[Any]:
    sizes = plan.sizes
    trunk = {"name": "trunk"} if len(plan.targets) > 1 else {}
    dense = {"type": "dense", "units": sizes.units}
    drop = {"type": "dropout", "rate": sizes.dropout}
    yield {**dense, **first}
    yield "relu"
    if sizes.dropout:
        yield drop
    yield dense
    yield {"type": "relu", **trunk} if trunk and not sizes.dropout else "relu"
    if sizes.dropout:
        yield {**drop, **trunk}


def _optimizer(plan: Plan) -> Table:
    """Return AdamW, whose learning rate falls to 0; biases do not decay."""
    rate = LEARNING_RATE if plan.hidden else LINEAR_RATE
    biases = {"parameters": ["*.biases"], "weight_decay": 0.0}
    return {
        "type": "adamw",
        "learning_rate": {"type": "cosine", "initial_rate": rate},
        "weight_decay": WEIGHT_DECAY,
        "groups": [biases, *groups_of_texts(plan)],
    }


def _training(plan: Plan) -> Table:
    """Return the training, which stops early if there is validation data."""
    sizes = plan.sizes
    batches = {"batch_size": sizes.batch_size} if sizes.batch_size is not None else {}
    stop = {"type": "early_stopping", "patience": sizes.patience}
    return {"epochs": sizes.epochs, **batches, **callbacks(plan, stop)}
