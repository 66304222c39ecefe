"""The base of presets that model a table, alone or as a member of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from declnet import Preset
from declnet_plugins.standard.templates.facts import Column, Target
from declnet_plugins.standard.templates.plan import (
    FEWEST_TO_HOLD_OUT,
    FOLDS,
    ROWS_OF_A_CLASS,
    Plan,
    names_of,
)

Table = dict[str, Any]
"""A table of a spec."""


@dataclass(frozen=True)
class Sections:
    """What a model adds to the data of a table.

    Attributes:
        prepare: the transforms.
        inputs: the columns of each input by name; empty if there is only one.
        model: the section of the layers.
        losses: the fields of the loss of each head, by the names in `Plan.heads`.
        optimizer: the section of the optimizer and of its groups.
        training: the section of the training.
    """

    prepare: Sequence[Table]
    inputs: Mapping[str, Sequence[str]]
    model: Table
    losses: Mapping[str, Table]
    optimizer: Table
    training: Table

    def document(self, plan: Plan) -> Table:
        """Return what the model adds to the data and the metrics, as tables of a spec."""
        data = {"prepare": list(self.prepare), "inputs": dict(self.inputs)}
        data = {key: value for key, value in data.items() if value}
        if len(plan.targets) == 1:
            losses = {"loss": self.losses[""]}
        else:
            heads = plan.heads.items()
            losses = {"losses": {n: {**self.losses[n], **_of_head(plan, n, t)} for n, t in heads}}
        parts = {"model": self.model, **losses}
        parts |= {"optimizer": self.optimizer, "training": self.training}
        return {**({"data": data} if data else {}), **parts}


def _of_head(plan: Plan, name: str, target: Target) -> Table:
    """Return what one of several losses has besides its own fields."""
    column = {"target": target.name} if name != target.name else {}
    calibration = plan.calibration(target)
    calibrated = {"calibration": calibration} if calibration else {}
    return {**column, "metrics": plan.metrics(target), **calibrated}


class TablePreset(Preset):
    """A preset whose fields are facts about a table."""

    rows: int = Field(gt=0, description="the number of rows, which decides sizes and epochs")
    targets: tuple[Target, ...] = Field(min_length=1, description="the columns to predict")
    columns: tuple[Column, ...] = Field(min_length=1, description="the columns to predict from")
    missing: tuple[Literal["numbers", "categories"], ...] = Field(
        default=(), description="the kinds of columns in which values are missing"
    )
    folds: int | None = Field(
        default=None,
        ge=1,
        description="models, each with another part of the rows as validation data; default: 5 of "
        "a small table, else 1",
    )
    test: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="fraction of the rows to measure the finished model; default: none with folds",
    )
    stream: bool = Field(
        default=False, description="whether the table is so large that training reads it in parts"
    )

    def plan(self) -> Plan:
        """Return the choices for the table."""
        raise NotImplementedError

    def plan_with(self, **choices: Any) -> Plan:
        """Return a plan for the table with some choices."""
        return Plan(
            rows=self.rows,
            targets=self.targets,
            columns=self.columns,
            gaps="numbers" in self.missing,
            category_gaps="categories" in self.missing,
            streams=self.stream,
            **choices,
        )

    def sections(self, plan: Plan) -> Sections:
        """Return what the model adds to the data, as the preset's `plan` says."""
        raise NotImplementedError

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        raise NotImplementedError

    def about(self) -> tuple[str, ...]:
        """Return sentences on what is trained, and how long that takes; default: none."""
        return ()

    def document(self) -> dict[str, Any]:
        """Return the spec, except for where the table is."""
        plan = self.plan()
        return _merged(shared_document(plan), self.sections(plan).document(plan))

    @property
    def has_texts_alone(self) -> bool:
        """Whether all columns are texts."""
        return all(column.is_text for column in self.columns)

    def suitable_folds(self, *, quick: bool = False) -> int:
        """Return into how many folds to divide the rows, 1 for a single split.

        Args:
            quick: whether training a model for each of several folds is quick.
        """
        if self.folds is not None:
            return self.folds
        rows_of_classes = (target.rarest for target in self.targets if target.rarest is not None)
        enough = min(rows_of_classes, default=self.rows) >= FOLDS * ROWS_OF_A_CLASS
        return FOLDS if quick and enough and self.rows >= FEWEST_TO_HOLD_OUT else 1


def shared_document(plan: Plan) -> Table:
    """Return the tables that all models of a table share: the data, metrics and calibration."""
    document: Table = {"data": _data(plan)}
    if len(plan.targets) == 1:
        (target,) = plan.targets
        document["training"] = {"metrics": plan.metrics(target)}
        calibration = plan.calibration(target)
        if calibration:
            document["calibration"] = calibration
    return document


def _data(plan: Plan) -> Table:
    """Return the held-out shares, the preparation of targets and the columns in use."""
    data: Table = {}
    if plan.streams:
        data["stream"] = True
    if plan.folds > 1:
        data["folds"] = plan.folds
    elif plan.sizes.validation:
        data["validation"] = plan.sizes.validation
    if plan.sizes.test:
        data["test"] = plan.sizes.test
    split = _split(plan)
    if split and (plan.sizes.test or plan.sizes.validation) and not plan.streams:
        data["split"] = split
    prepared = {target.name: plan.prepare_target(target) for target in plan.targets}
    prepared = {name: transforms for name, transforms in prepared.items() if transforms}
    if prepared:
        data["prepare_targets"] = prepared
    return {**data, "train": {"features": names_of(plan.columns)}}


def _split(plan: Plan) -> Table:
    """Return a split by the target with the rarest class, of which the training needs a row."""
    classes = [target for target in plan.targets if target.classes is not None]
    if not classes:
        return {}
    rarest = min(classes, key=lambda target: target.rarest or 0)
    column = {"column": rarest.name} if len(plan.targets) > 1 else {}
    return {"method": "stratified", **column}


def _merged(under: Table, over: Table) -> Table:
    """Return two documents in one; tables are merged."""
    both = {key: _merged(under[key], over[key]) for key in under.keys() & over.keys()}
    return {**under, **over, **both}
