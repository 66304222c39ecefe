"""Templates: spec files to run unchanged or adapt, and a spec tailored to a table."""

from importlib.resources import files
from math import ceil
from typing import ClassVar

from declnet_plugins.new import TableProfile, Template
from declnet_plugins.standard.templates.data_lines import transforms
from declnet_plugins.standard.templates.model_template import (
    ModelTemplate,
    Sections,
    usable_features_of,
)
from declnet_plugins.standard.templates.plan import Plan, folds_for, sizes_for
from declnet_plugins.standard.templates.texts import (
    ROWS_IN_FOLDS,
    optimizer_of_texts,
    sizes_of_texts,
)
from declnet_plugins.standard.templates.writing import (
    loss_sections,
    model_section,
    optimizer_section,
    training_section,
)

SCIKIT_LEARN = "scikit-learn>=1.5"

STEP, ROW, COLUMN = 2e-4, 6.5e-6, 3e-8
"""Processor time of a step, of a row through the hidden layers and of each of its columns."""


class ExampleTemplate(Template):
    """A spec in the file `specs/<type>.toml`."""

    def spec(self) -> str:
        """Return the file's text."""
        return (
            files("declnet_plugins.standard.templates") / "specs" / f"{self.type}.toml"
        ).read_text("utf-8")


class Classification(ExampleTemplate):
    """One of several classes, for points on a spiral."""

    type = "classification"
    default_for = "example"


class Binary(ExampleTemplate):
    """Yes or no, for points on a spiral of two arms."""

    type = "binary"


class Regression(ExampleTemplate):
    """Numbers, for the sine."""

    type = "regression"


class OwnData(ExampleTemplate):
    """Your arrays, from a NumPy file data.npz that you write."""

    type = "own_data"


class MLP(ModelTemplate):
    """A multilayer perceptron of two hidden layers, with dropout and weight decay."""

    type = "mlp"
    hidden: ClassVar[bool] = True

    def plan(self, table: TableProfile, installed: frozenset[str]) -> Plan:
        """Return the choices for a table; a single split unless its profile names folds.

        Texts alone are read by a linear model, in folds if that is quick.
        """
        features = usable_features_of(table)
        if features.others:
            folds = folds_for(table)
            return Plan(table, features, sizes_for(table, folds), installed, self.hidden, folds)
        folds = folds_for(table, quick=table.rows <= ROWS_IN_FOLDS)
        sizes = sizes_of_texts(sizes_for(table, folds), table.rows)
        return Plan(table, features, sizes, installed, hidden=False, folds=folds)

    def sections(self, plan: Plan) -> Sections:
        """Return a dense network, its preparation and its training."""
        return Sections(
            [*transforms(plan)],
            plan.inputs,
            [*model_section(plan)],
            loss_sections(plan),
            [*(optimizer_section(plan) if plan.columns else optimizer_of_texts(plan))],
            [*training_section(plan)],
        )

    def seconds_per_epoch(self, plan: Plan) -> float:
        """Return about how much processor time an epoch of all folds takes."""
        rows = plan.training_rows
        steps = ceil(rows / (plan.sizes.batch_size or rows))
        of_row = ROW + COLUMN * plan.features.width if self.hidden else 0.0
        return plan.folds * (steps * STEP + rows * of_row)


class Linear(MLP):
    """A linear or logistic regression: quick to train, and a bar for other models to clear."""

    type = "linear"
    hidden = False


class TableTemplate(MLP, ExampleTemplate):
    """Columns on different scales: your table (--data), or wines (needs scikit-learn)."""

    type = "table"
    requires = (SCIKIT_LEARN,)
