"""The base of templates that write a model for a table, alone or as a member of several."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from declnet import DataError, Registry
from declnet_plugins.new import TableProfile, Template
from declnet_plugins.standard.templates.commented_toml import Line, joined
from declnet_plugins.standard.templates.data_lines import data_section
from declnet_plugins.standard.templates.notes import table_notes
from declnet_plugins.standard.templates.plan import Features, Plan, features_of
from declnet_plugins.standard.templates.writing import calibration_section, head

COMPONENTS = ("callback", "schedule", "transform", "calibrator")
"""The kinds of components that a spec names only if they are installed."""


@dataclass(frozen=True)
class Sections:
    """What a model adds to the data of a table.

    Attributes:
        prepare: the transforms, an item a line.
        inputs: the columns of each input by name; empty if there is only one.
        model: the section of the layers.
        losses: a section for each loss.
        optimizer: the section of the optimizer and of its groups.
        training: the section of the training.
    """

    prepare: Sequence[Line]
    inputs: Mapping[str, Sequence[str]]
    model: Sequence[Line]
    losses: Sequence[Sequence[Line]]
    optimizer: Sequence[Line]
    training: Sequence[Line]

    @property
    def blocks(self) -> Iterable[Iterable[Line]]:
        """The sections after the data, in order."""
        return (self.model, *self.losses, self.optimizer, self.training)


class ModelTemplate(Template):
    """A template that writes a model for a table: its plan, and the sections of a spec.

    Attributes:
        where: how to try another loss that is suggested; None: as the spec says.
    """

    several_targets = True
    where: ClassVar[str | None] = None

    def plan(self, table: TableProfile, installed: frozenset[str]) -> Plan:
        """Return the choices for a table, into as many folds as its profile or the template says.

        Raises:
            DataError: the table has nothing to learn from.
        """
        raise NotImplementedError

    def sections(self, plan: Plan) -> Sections:
        """Return what the model adds to the data, as the template's `plan` says."""
        raise NotImplementedError

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        raise NotImplementedError

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec, with the preparation, loss and sizes to suit the table."""
        plan = self.plan(table, installed_components(registry))
        sections = self.sections(plan)
        data = data_section(plan, sections.prepare, sections.inputs)
        return joined((head(plan), data, *sections.blocks, calibration_section(plan)))

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how texts, rare values and targets are treated, and what is left out."""
        return table_notes(table, self.where)


def installed_components(registry: Registry) -> frozenset[str]:
    """Return the types of the components that specs name only if they are installed."""
    return frozenset(type_ for kind in COMPONENTS for type_ in registry.types(kind))


def usable_features_of(table: TableProfile) -> Features:
    """Return the sorted columns of a table; raise DataError if none is useful."""
    features = features_of(table)
    if not features.used:
        reasons = "; ".join(f'"{column.name}": {why}' for column, why in features.left_out[:5])
        raise DataError(
            f'has no column to predict "{table.target}" from',
            hint=reasons or "it has no other column",
        )
    return features
