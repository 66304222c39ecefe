"""The base of presets for tables: the parts of a spec and their order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.commented_toml import Line, toml
from declnet_plugins.standard.templates.data_lines import INDICATORS, finite, grouping
from declnet_plugins.standard.templates.examples import Linear
from declnet_plugins.standard.templates.model_template import (
    ModelTemplate,
    Sections,
    usable_features_of,
)
from declnet_plugins.standard.templates.plan import Features, Plan, folds_for, sizes_for
from declnet_plugins.standard.templates.suggestions import MOST_ONE_HOT
from declnet_plugins.standard.templates.texts import groups_of_texts, tokenizing
from declnet_plugins.standard.templates.writing import (
    callbacks_lines,
    category_layers,
    loss_end,
    loss_head,
    metrics_line,
)
from declnet_plugins.tabular.presets.plan import TablePlan


class TablePreset(ModelTemplate):
    """A spec of fixed parts for any table; subclasses are listed by `declnet new --help`.

    Attributes:
        about_loss: a comment on the loss.
        most_one_hot: the maximum number of categories of a column to one-hot encode.
        clamps: whether predicted numbers stay in the range of the training data.
        unit_for_each: whether an output for two classes has two units, rather than one.
    """

    about_loss: ClassVar[str] = "what training minimizes"
    most_one_hot: ClassVar[int] = MOST_ONE_HOT
    clamps: ClassVar[bool] = False
    unit_for_each: ClassVar[bool] = False

    def plan(self, table: TableProfile, installed: frozenset[str]) -> Plan:
        """Return the choices for a table; for a small one, folds if that is quick.

        Texts alone are read by a linear model, whose plan it returns.
        """
        features = usable_features_of(table)
        if not features.others:
            return Linear().plan(table, installed)
        folds = folds_for(table, quick=self._is_quick(table, features))
        plan = TablePlan(
            table,
            features,
            sizes_for(table, folds),
            installed,
            folds=folds,
            most_one_hot=self.most_one_hot,
            clamps=self.clamps,
            unit_for_each=self.unit_for_each,
        )
        return replace(plan, sizes=replace(plan.sizes, epochs=self._epochs(plan)))

    def sections(self, plan: Plan) -> Sections:
        """Return the parts, with the preparation and loss to suit the table."""
        if not isinstance(plan, TablePlan):
            return Linear().sections(plan)
        texts = {name: (column,) for name, column in plan.text_inputs.items()}
        inputs: dict[str, Sequence[ColumnProfile]] = {**texts, **self._inputs(plan)}
        several = len(inputs) > 1
        named = {
            name: [column.name for column in columns] for name, columns in inputs.items() if several
        }
        read = {name: f"input.{name}" if several else "input" for name in inputs}
        return Sections(
            [*tokenizing(plan.features), *self._prepare(plan)],
            named,
            [*self._model_section(plan, read)],
            [[*self._loss_section(head, name)] for name, head in plan.plans.items()],
            [*self._optimizer(plan), *groups_of_texts(plan)],
            [*self._training(plan)],
        )

    def _is_quick(self, table: TableProfile, features: Features) -> bool:
        """Return whether a model for each of several folds is trained quickly."""
        return False

    def _epochs(self, plan: TablePlan) -> int:
        """Return the number of epochs, at most."""
        raise NotImplementedError

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        """Return the columns of each input other than texts; a single input needs no name."""
        table = [column for column in plan.columns if column not in plan.embedded]
        inputs = {"table": table, "many": plan.embedded}
        return {name: columns for name, columns in inputs.items() if columns}

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _model_section(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        yield "[model]"
        if plan.double:
            yield 'dtype = "float64"', "the target varies too little for its size in float32"
        if plan.table.others:
            yield f"outputs = {toml(list(plan.plans))}", "the layers that give the predictions"
        yield "layers = [  # from the input to the output"
        yield from self._layers(plan, read)
        yield "]"

    def _layers(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        """Yield the layers.

        Args:
            read: what layers that read an input name, by its name.
        """
        raise NotImplementedError

    def _loss_section(self, plan: TablePlan, name: str) -> Iterator[Line]:
        yield from loss_head(plan, name, self.about_loss)
        yield from self._loss(plan)
        yield from loss_end(plan, name)

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError


def repaired(plan: TablePlan) -> Iterator[Line]:
    """Yield what precedes other transforms: of dates, rare categories and infinite numbers."""
    if plan.features.dates:
        yield '  { type = "datetime" },', "dates to numbers: years elapsed, cycles of year and week"
    yield from grouping(plan.columns)
    yield from finite(plan.features)


def embedded(read: Mapping[str, str], parts: list[str]) -> Iterator[Line]:
    """Yield the layers of columns of many categories, if there are any, and add their vector."""
    if "many" in read:
        yield from category_layers(read["many"])
        parts.append("vectors")


def filled(plan: TablePlan) -> Iterator[Line]:
    """Yield what follows a transform that makes the median 0."""
    if plan.features.gaps:
        yield INDICATORS
    yield '  { type = "impute", strategy = "constant", value = 0.0 },', "the median, if missing"


def training_of(
    plan: TablePlan, about_epochs: str, batch: int, callback: str, *, drop_last: bool = False
) -> Iterator[Line]:
    """Yield the training with the callback that chooses the epoch.

    Args:
        plan: the table.
        about_epochs: a comment on the number of epochs.
        batch: samples per step.
        callback: the type of what chooses the epoch, with its settings.
        drop_last: whether a smaller last batch is left out.
    """
    yield "[training]"
    yield f"epochs = {plan.sizes.epochs}", about_epochs
    if plan.training_rows > batch:
        yield f"batch_size = {batch}", "samples per step; in smaller tables, all"
        if drop_last:
            yield "drop_last = true", "leaves out a smaller last batch"
    yield from metrics_line(plan)
    chooses = f'  {{ type = {callback}, monitor = "{plan.monitor}" }},'
    yield from callbacks_lines(plan, [chooses] if plan.sizes.validation else [])


def concatenated(parts: Sequence[str]) -> Iterator[Line]:
    """Yield the layer that joins several vectors."""
    if len(parts) > 1:
        yield f'  {{ type = "concatenate", inputs = {toml(list(parts))} }},'


def group(parameters: str, *settings: str) -> Iterator[Line]:
    """Yield a group of the optimizer for some parameters."""
    yield "[[optimizer.groups]]"
    yield f"parameters = [{parameters}]"
    yield from settings
