"""The base of presets of published networks for tables: the parts of a spec and their order."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from declnet_plugins.standard.templates.dense import (
    EXAMPLE,
    Linear,
    callbacks,
    category_layers,
    model,
)
from declnet_plugins.standard.templates.facts import MOST_ONE_HOT, Column, Target
from declnet_plugins.standard.templates.plan import RESERVED, Plan, sizes_for
from declnet_plugins.standard.templates.preparing import tokenized
from declnet_plugins.standard.templates.table_preset import Sections, Table, TablePreset
from declnet_plugins.standard.templates.texts import groups_of_texts

NAMES = re.compile(
    f"{RESERVED.pattern}|numbers|categories|embed|vectors|feature_scale|ntp_dense|selu|mish|"
    "parametric|members|softmax"
)
"""How names of layers begin that an output cannot have."""


class PublishedPreset(TablePreset):
    """A spec of fixed parts for any table.

    Attributes:
        most_one_hot: the maximum number of categories of a column to one-hot encode.
        clamps: whether predicted numbers stay in the range of the training data.
        unit_for_each: whether an output for two classes has two units, rather than one.
    """

    examples = (EXAMPLE, {**EXAMPLE, "targets": [{"name": "kind", "classes": 3, "rarest": 200}]})
    most_one_hot: ClassVar[int] = MOST_ONE_HOT
    clamps: ClassVar[bool] = False
    unit_for_each: ClassVar[bool] = False

    def plan(self) -> Plan:
        """Return the choices for the table; for a small one, folds if that is quick.

        Texts alone are read by a linear model, whose plan it returns.
        """
        if self.has_texts_alone:
            return self._linear().plan()
        folds = self.suitable_folds(quick=self._is_quick())
        plan = self.plan_with(
            sizes=sizes_for(self.rows, folds, self.test),
            folds=folds,
            most_one_hot=self.most_one_hot,
            clamps=self.clamps,
            unit_for_each=self.unit_for_each,
            reserved=NAMES,
        )
        return replace(plan, sizes=replace(plan.sizes, epochs=self._epochs(plan)))

    def _linear(self) -> Linear:
        return Linear(**dict(self))

    def sections(self, plan: Plan) -> Sections:
        """Return the parts, with the preparation and loss to suit the table."""
        if self.has_texts_alone:
            return self._linear().sections(plan)
        others = {name: columns for name, columns in self._inputs(plan).items() if columns}
        named = plan.named_inputs(others)
        read = {name: f"input.{name}" if named else "input" for name in others}
        optimizer = self._optimizer(plan)
        groups = [*optimizer.get("groups", ()), *groups_of_texts(plan)]
        return Sections(
            [*tokenized(plan), *self._prepare(plan)],
            named,
            model(plan, [*self._layers(plan, read)]),
            {name: self._loss(plan, target) for name, target in plan.heads.items()},
            {**optimizer, "groups": groups},
            self._training(plan),
        )

    def _is_quick(self) -> bool:
        """Return whether a model for each of several folds is trained quickly."""
        return False

    @abstractmethod
    def _epochs(self, plan: Plan) -> int:
        """Return the number of epochs, at most."""

    def _inputs(self, plan: Plan) -> dict[str, tuple[Column, ...]]:
        """Return the columns of each input other than texts, perhaps none."""
        table = tuple(column for column in plan.others if column not in plan.embedded)
        return {"table": table, "many": plan.embedded}

    @abstractmethod
    def _prepare(self, plan: Plan) -> Iterator[Table]:
        """Yield the transforms of columns other than texts."""

    @abstractmethod
    def _layers(self, plan: Plan, read: Mapping[str, str]) -> Iterator[Any]:
        """Yield the layers.

        Args:
            plan: the plan.
            read: what layers that read an input name, by its name.
        """

    @abstractmethod
    def _loss(self, plan: Plan, target: Target) -> Table:
        """Return the loss of a target."""

    @abstractmethod
    def _optimizer(self, plan: Plan) -> Table:
        """Return the optimizer, without the groups of texts."""

    @abstractmethod
    def _training(self, plan: Plan) -> Table:
        """Return the section of the training."""


def inputs_by_kind(plan: Plan) -> dict[str, tuple[Column, ...]]:
    """Return inputs of numbers, of categories and of columns of many categories."""
    return {"numbers": plan.numbers, "categories": plan.categories, "many": plan.embedded}


def embedded(read: Mapping[str, str], parts: list[str]) -> Iterator[Table]:
    """Yield the layers of columns of many categories, if there are any, and add their vector."""
    if "many" in read:
        yield from category_layers(read["many"])
        parts.append("vectors")


def training_of(plan: Plan, batch: int, chooses_epoch: Table, *, drop_last: bool = False) -> Table:
    """Return the training with the callback that chooses the epoch.

    Args:
        plan: the table.
        batch: samples per step; in smaller tables, all.
        chooses_epoch: the callback.
        drop_last: whether a smaller last batch is left out.
    """
    batches: Table = {}
    if plan.training_rows > batch:
        batches = {"batch_size": batch, **({"drop_last": True} if drop_last else {})}
    return {"epochs": plan.sizes.epochs, **batches, **callbacks(plan, chooses_epoch)}


def concatenated(parts: Sequence[str]) -> Iterator[Table]:
    """Yield the layer that joins several vectors."""
    if len(parts) > 1:
        yield {"type": "concatenate", "inputs": list(parts)}
