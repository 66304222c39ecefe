"""Presets for tables: the spec of a published default network, written for a table."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from declnet import ColumnProfile, Registry, TableProfile, Template
from declnet_standard.templates import (
    INDICATORS,
    MOST_CATEGORIES,
    TAKEN,
    Features,
    Line,
    Plan,
    counts_loss,
    data_section,
    finite,
    folds_for,
    grouping,
    head,
    is_amount,
    is_category,
    joined,
    loss_head,
    ordinal_loss,
    rare_class,
    sizes_for,
    table_notes,
    text_layers,
    text_vector,
    threshold,
    tokenizing,
    toml,
    usable_features_of,
)

FEW_CATEGORIES = 8
"""Most categories that RealMLP-TD encodes one-hot; with the missing value, pytabkit counts 9."""

BINS = 48
"""Most bins of a number."""

TABM_BATCHES = {2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, 108_000: 512}
"""TabM's batch sizes for fewer training rows than each number."""

TABM_LARGEST_BATCH = 1024

MOST_STEPS = 6400
"""Steps above which RealMLP trains for fewer epochs than its authors': from this number of training
rows on, so that a table of 50,000 rows takes less than a minute."""

FEWEST_EPOCHS = 8

COLUMNS_OF_HIDDEN_LAYERS = 100
"""How many columns cost as much as RealMLP's hidden layers."""
MOST_IN_FOLDS = 500_000
"""Rows times columns, with those of the hidden layers, up to which five models take about a minute
on one core, e.g. 4,000 rows of 20 columns."""

AS_TWO = "# one unit moves as far as the difference of two, one for each class, would"


@dataclass(frozen=True)
class TablePlan(Plan):
    """A `Plan` whose columns are sorted by how a network of numbers and categories reads them.

    Attributes:
        clamps: whether predicted numbers stay in the range of the training data.
    """

    clamps: bool = False

    taken = re.compile(
        f"{TAKEN.pattern}|numbers|categories|embed|vectors|feature_scale|ntp_dense|selu|mish|"
        "parametric|members|softmax"
    )

    @cached_property
    def categories(self) -> tuple[ColumnProfile, ...]:
        """Return the columns of text and of booleans."""
        return tuple(each for each in self.columns if is_category(each) or each.type == "boolean")

    @cached_property
    def numbers(self) -> tuple[ColumnProfile, ...]:
        """Return the other columns, of numbers and of dates."""
        return tuple(each for each in self.columns if each not in self.categories)

    @property
    def training_rows(self) -> int:
        """Return the least number of rows that are not held out."""
        rows = self.table.rows
        return rows - sum(int(rows * each + 1) for each in self._held_out if each)

    @property
    def _held_out(self) -> tuple[float, float]:
        return self.sizes.validation, self.sizes.test

    @property
    def classes(self) -> int:
        """Return the number of classes; 0 for a number."""
        return 0 if self.table.task == "values" else self.target.distinct

    @property
    def any_classes(self) -> bool:
        """Return whether some target is one of several classes."""
        return any(each.classes for each in self.plans.values())

    @property
    def target_transforms(self) -> tuple[str, ...]:
        """Return the types of the target's transforms."""
        if self.classes:
            return ()
        clamp = ("clamp",) if self.clamps or is_amount(self.table) else ()
        return (*clamp, *(("log",) if is_amount(self.table) else ()), "standardize")

    @property
    def is_binary(self) -> bool:
        """Return whether the target has two classes."""
        return self.table.task == "binary"

    @property
    def metrics(self) -> list[str]:
        """Return the metrics of an output of one number or of a probability for each class.

        The first decides on the best epoch if there is only one target.
        """
        if not self.classes:
            return ["mean_squared_error", "r2", "mean_absolute_error"]
        return ["accuracy", *(["f1", "matthews"] if rare_class(self.table) else [])]

    @property
    def metrics_of_one_unit(self) -> list[str]:
        """Return the same metrics, for one unit if there are two classes."""
        if not self.is_binary:
            return self.metrics
        rare = ["f1", "average_precision"] if rare_class(self.table) else []
        return ["binary_accuracy", "roc_auc", *rare]


class TablePreset(Template):
    """A spec of fixed parts for any table; subclasses are listed by `declnet new --help`.

    Attributes:
        about_loss: a comment on the loss.
        most_categories: of a column; less frequent ones become one.
        where: how to try another loss that is suggested; None: as the spec says.
        clamps: whether predicted numbers stay in the range of the training data.
    """

    several_targets = True
    about_loss: ClassVar[str] = "what training minimizes"
    most_categories: ClassVar[int] = MOST_CATEGORIES
    where: ClassVar[str | None] = None
    clamps: ClassVar[bool] = False

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec, with the preparation, loss and sizes to suit the table."""
        features = usable_features_of(table)
        folds = folds_for(table, quick=self._is_quick(table, features))
        plan = TablePlan(
            table,
            features,
            sizes_for(table.rows, folds),
            frozenset(),
            folds=folds,
            clamps=self.clamps,
        )
        texts = {name: (each,) for name, each in plan.text_inputs.items()}
        inputs: dict[str, Sequence[ColumnProfile]] = {**texts, **self._inputs(plan)}
        several = len(inputs) > 1
        named = {name: [each.name for each in own] for name, own in inputs.items() if several}
        prepare = (*tokenizing(plan.features), *(self._prepare(plan) if plan.columns else ()))
        data = data_section(plan, prepare, named, plan.target_transforms)
        read = {name: f"input.{name}" if several else "input" for name in inputs}
        losses = (self._loss_section(each, name) for name, each in plan.plans.items())
        rest = self._optimizer(plan), self._training(plan)
        return joined((head(plan), data, self._model_section(plan, read), *losses, *rest))

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return how texts, rare values and targets are treated."""
        return table_notes(table, self.most_categories, self.where)

    def _is_quick(self, table: TableProfile, features: Features) -> bool:
        """Return whether a model for each of several folds is trained quickly."""
        return False

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        """Return the columns of each input other than texts; a single input needs no name."""
        return {"table": plan.columns} if plan.columns else {}

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _model_section(self, plan: TablePlan, read: Mapping[str, str]) -> Iterator[Line]:
        yield "[model]"
        if plan.double:
            yield 'dtype = "float64"', "the target varies too little for its size in float32"
        if plan.table.others:
            yield f"outputs = {toml(list(plan.plans))}", "the layers that give the predictions"
        yield "layers = [  # from the input to the output"
        texts = [name if read[name] != "input" else "" for name in plan.text_inputs]
        yield from text_layers(texts)
        yield from self._layers(plan, read, [text_vector(each) for each in texts])
        yield "]"

    def _layers(self, plan: TablePlan, read: Mapping[str, str], parts: list[str]) -> Iterator[Line]:
        """Yield the layers after those of texts.

        Args:
            read: what layers that read an input name, by its name.
            parts: the vectors of texts.
        """
        raise NotImplementedError

    def _loss_section(self, plan: TablePlan, name: str) -> Iterator[Line]:
        yield from loss_head(plan, name, self.about_loss)
        yield from self._loss(plan)
        if name:
            yield f"metrics = {toml(self._metrics(plan))}", "measured in addition to the loss"

    def _metrics(self, plan: TablePlan) -> list[str]:
        """Return the metrics of a target, as its output allows; the first decides."""
        return plan.metrics_of_one_unit

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError


def _repaired(plan: TablePlan, most: int) -> Iterator[Line]:
    """Yield what precedes other transforms: of dates, rare categories and infinite numbers."""
    if plan.features.dates:
        yield '  { type = "datetime" },', "dates to numbers: years elapsed, cycles of year and week"
    yield from grouping(plan.columns, most)
    yield from finite(plan.features)


def _filled(plan: TablePlan) -> Iterator[Line]:
    """Yield what follows a transform that makes the median 0."""
    if plan.features.gaps:
        yield INDICATORS
    yield '  { type = "impute", strategy = "constant", value = 0.0 },', "the median, if missing"


def _training_of(
    plan: TablePlan,
    epochs: Line,
    batch: int,
    callback: str,
    metrics: Sequence[str],
    drop_last: bool = False,
) -> Iterator[Line]:
    yield "[training]"
    yield epochs
    if plan.training_rows > batch:
        yield f"batch_size = {batch}", "samples per step; in smaller tables, all"
        if drop_last:
            yield "drop_last = true", "leaves out a smaller last batch"
    if not plan.table.others:
        yield f"metrics = {toml(list(metrics))}", "measured in addition to the loss"
    if plan.sizes.validation:
        monitor = f'monitor = "validation_{"loss" if plan.table.others else metrics[0]}"'
        yield "callbacks = ["
        yield f"  {{ type = {callback}, {monitor} }},"
        yield '  { type = "checkpoint", every_minutes = 1 },', "for declnet resume"
        yield "]"


def _scaled(plan: TablePlan) -> Iterator[Line]:
    yield '  { type = "robust_scale" },', "median 0, interquartile range 1, smoothly cut at ±3"
    yield from _filled(plan)


class RealMLPTDS(TablePreset):
    """RealMLP-TD-S: a network with tuned defaults, the simple variant.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td_s"

    def _is_quick(self, table: TableProfile, features: Features) -> bool:
        work = table.rows * (len(features.used) + COLUMNS_OF_HIDDEN_LAYERS)
        return not features.texts and work <= MOST_IN_FOLDS

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from _repaired(plan, self.most_categories)
        if plan.categories:
            comment = "a column per category, ±1 for two; missing is 0"
            yield '  { type = "signed_one_hot" },', comment
        yield from _scaled(plan)

    def _layers(self, plan: TablePlan, read: Mapping[str, str], parts: list[str]) -> Iterator[Line]:
        yield from _concatenated([*parts, *([read["table"]] if "table" in read else [])])
        yield '  "feature_scale",', "a trained factor for each feature"
        activation = "selu" if plan.any_classes else "mish"
        block = f'layers = [{{ type = "ntp_dense", units = 256 }}, "{activation}"]'
        name = 'name = "trunk", ' if plan.table.others else ""
        yield f"  {{ {name}repeat = 3, {block} }},", "three hidden layers"
        zeros = 'weight_initializer = "zeros", bias_initializer = "zeros"'
        yield from self._outputs(plan, f"trunk_3_{activation}", zeros)

    def _outputs(self, plan: TablePlan, trunk: str, start: str) -> Iterator[Line]:
        """Yield the last layers, which read the layer `trunk` if there are several targets."""
        for name, each in plan.plans.items():
            own = (f"{name}_logits" if each.classes else name) if name else "output"
            inputs = f', inputs = ["{trunk}"]' if name else ""
            units = f"units = {each.last_units}{inputs}, {start}"
            line = f'  {{ type = "ntp_dense", name = "{own}", {units} }},'
            yield (line, f"of {toml(each.target.name)}") if name else line
            if each.classes:
                kind = "sigmoid" if each.is_binary else "softmax"
                last = f'{{ type = "{kind}", name = "{name}" }}' if name else f'"{kind}"'
                what = "it into a probability" if each.is_binary else "them into probabilities"
                yield f"  {last},", f"turns {what}{'' if each.is_binary else ' that sum to 1'}"

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        if plan.classes:
            yield f'type = "{"binary" if plan.is_binary else "categorical"}_crossentropy"'
            yield "label_smoothing = 0.1", "reduces overconfidence"
            yield from ordinal_loss(plan)
        else:
            yield 'type = "mean_squared_error"', "of the prepared target"
            yield from counts_loss(plan)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adam"'
        yield from self._rates("0.04" if plan.any_classes else "0.07")
        yield ""
        yield from _group('"*.biases"', "learning_rate_factor = 0.1")
        weights, biases = ["learning_rate_factor = 2.0"], ["learning_rate_factor = 0.2"]
        yield from self._groups_of_two_classes(plan, weights, biases)
        yield ""
        yield from _group('"feature_scale_1.scale"', "learning_rate_factor = 6.0")

    def _groups_of_two_classes(
        self, plan: TablePlan, weights: Sequence[str], biases: Sequence[str]
    ) -> Iterator[Line]:
        """Yield the groups of layers with one unit for two classes."""
        plans = plan.plans.items()
        own = [f"{name}_logits" if name else "output" for name, each in plans if each.is_binary]
        if own:
            yield ""
            yield AS_TWO
            yield from _group(", ".join(f'"{name}.weights"' for name in own), *weights)
            yield ""
            yield from _group(", ".join(f'"{name}.biases"' for name in own), *biases)

    def _rates(self, peak: str) -> Iterator[Line]:
        rate = f'{{ type = "coslog", max_rate = {peak} }}'
        yield f"learning_rate = {rate}", "four cycles, each twice as long as the one before"
        yield "beta_2 = 0.95"
        yield "epsilon = 1e-8"

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        epochs = max(FEWEST_EPOCHS, min(256, MOST_STEPS * 256 // max(plan.training_rows, 1)))
        fewer = "" if epochs == 256 else "; 256 in smaller tables"
        line = f"epochs = {epochs}", f"passes over the training data{fewer}"
        yield from _training_of(plan, line, 256, '"best_epoch"', self._metrics(plan), True)
        one = plan.is_binary and not plan.table.others
        if one and rare_class(plan.table) and plan.sizes.validation:
            yield from threshold()


class RealMLPTD(RealMLPTDS):
    """RealMLP-TD: with periodic embeddings of numbers, dropout and weight decay.

    pytabkit multiplies a group's weight decay by the factor of its learning rate, in addition to
    the rate itself; its defaults were tuned like that, so the groups here have such decays.
    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td"
    default_for = "table"
    most_categories = 5000
    clamps = True

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        few = tuple(each for each in plan.categories if each not in _many(plan))
        inputs = {"numbers": plan.numbers, "categories": few, "many": _many(plan)}
        return {name: own for name, own in inputs.items() if own}

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from _repaired(plan, self.most_categories)
        inputs = self._inputs(plan)
        if "categories" in inputs:
            comment = "a column per category, ±1 for two; missing is 0"
            columns = _listed(inputs["categories"]) if "many" in inputs else ""
            yield f'  {{ type = "signed_one_hot"{columns} }},', comment
        if inputs.keys() - {"many"}:
            yield from _scaled(plan)
        if "many" in inputs:
            columns = _listed(inputs["many"])
            other = 'unknown = "index", missing = "unknown"'
            yield f'  {{ type = "ordinal"{columns}, {other} }},', "an integer per category"

    def _layers(self, plan: TablePlan, read: Mapping[str, str], parts: list[str]) -> Iterator[Line]:
        if "numbers" in read:
            comment = "periodic embeddings of 4 numbers each"
            yield (
                f'  {{ type = "pbld", name = "numbers", inputs = ["{read["numbers"]}"] }},',
                comment,
            )
            parts.append("numbers")
        if "categories" in read:
            parts.append(read["categories"])
        if "many" in read:
            embedding = f'type = "embedding", name = "embeddings", inputs = ["{read["many"]}"]'
            yield f"  {{ {embedding}, units = 8 }},", "a vector for each category"
            yield '  { type = "flatten", name = "vectors" },'
            parts.append("vectors")
        yield from _concatenated(parts)
        yield '  "feature_scale",', "a trained factor for each feature"
        activation = "selu" if plan.any_classes else "mish"
        start = 'weight_initializer = "unit_outputs", bias_initializer = "he_plus"'
        for number in (1, 2, 3):
            yield f'  {{ type = "ntp_dense", units = 256, {start} }},'
            yield f'  "{activation}",'
            of = f'"ntp_dense_{number}", "{activation}_{number}"'
            yield f'  {{ type = "parametric_activation", inputs = [{of}] }},'
            yield '  { type = "dropout", rate = { type = "flat_cosine", initial_rate = 0.15 } },'
        yield from self._outputs(plan, "dropout_3", start)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        yield from self._rates("0.04" if plan.any_classes else "0.2")
        comment = "constant for half of the training, then to 0"
        yield f"weight_decay = {_flat_cosine(0.02)}", comment
        yield ""
        yield from _group('"*.biases"', "learning_rate_factor = 0.1", "weight_decay = 0.0")
        weights = "learning_rate_factor = 2.0", f"weight_decay = {_flat_cosine(0.01)}"
        biases = "learning_rate_factor = 0.2", "weight_decay = 0.0"
        yield from self._groups_of_two_classes(plan, weights, biases)
        for parameters, factor in self._factors(plan):
            yield ""
            rate = f"learning_rate_factor = {factor}"
            decay = f"weight_decay = {_flat_cosine(round(0.02 * factor, 6))}"
            yield from _group(parameters, rate, decay)

    def _factors(self, plan: TablePlan) -> Iterator[tuple[str, float]]:
        """Yield what multiplies both the learning rate and the decay of some parameters."""
        yield '"feature_scale_1.scale"', 6.0
        yield ('"*.shares", "numbers.*"' if plan.numbers else '"*.shares"'), 0.1


class TabMMini(TablePreset):
    """TabM-mini: 32 networks in one that share hidden layers, with embeddings of numbers.

    All members see the same batches. Gorishniy, Kotelnikov and Babenko, TabM, ICLR 2025,
    arXiv:2410.24210.
    """

    type = "tabm_mini"
    about_loss = "the mean of the members' losses; predictions are the mean of theirs"
    where = "as with --preset mlp"

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        inputs = {"numbers": plan.numbers, "categories": plan.categories}
        return {name: own for name, own in inputs.items() if own}

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from _repaired(plan, self.most_categories)
        if plan.numbers:
            yield '  { type = "quantile_normal" },', "by rank to a normal distribution"
            yield from _filled(plan)
        if any(each.type == "text" for each in plan.categories):
            line = '  { type = "one_hot", missing = "zeros" },'
            yield line, "a column per category"

    def _layers(self, plan: TablePlan, read: Mapping[str, str], parts: list[str]) -> Iterator[Line]:
        if plan.numbers:
            bins = max(1, min(BINS, plan.training_rows - 1))
            inputs = f', inputs = ["{read["numbers"]}"]' if len(read) > 1 else ""
            sizes = f"units = 16, bins = {bins}"
            comment = "piecewise-linear embeddings"
            yield f'  {{ type = "piecewise_linear", name = "numbers"{inputs}, {sizes} }},', comment
            yield '  { type = "flatten", name = "embedded" },'
        if "categories" in read:
            parts.append(read["categories"])
        yield from self._members(bool(plan.numbers), parts)
        dense = '{ type = "dense", units = 512, weight_initializer = "fan_in_uniform" }'
        hidden = f'{dense}, "relu", {{ type = "dropout", rate = 0.1 }}'
        repeat = 2 if plan.numbers else 3
        name = 'name = "trunk", ' if plan.table.others else ""
        yield f"  {{ {name}repeat = {repeat}, layers = [{hidden}] }},"
        for name, each in plan.plans.items():
            own = f'name = "{name}", inputs = ["trunk_{repeat}_dropout"], ' if name else ""
            line = f'  {{ type = "member_dense", {own}units = {each.classes or 1} }},'
            yield line, f"an output each{f', of {toml(each.target.name)}' if name else ''}"

    def _members(self, embedded: bool, parts: Sequence[str]) -> Iterator[Line]:
        """Yield the layers that give each member its features.

        Args:
            embedded: whether there are embeddings of numbers, the layer `embedded`.
            parts: the other features.
        """
        yield "  # each member sees the features with its own factors"
        both = embedded and parts
        if embedded:
            own = 'name = "members_numbers", inputs = ["embedded"], ' if both else ""
            start = 'scale_initializer = { type = "per_feature", size = 16 }'
            yield f'  {{ type = "members", {own}members = 32, {start} }},'
        if parts:
            yield from _concatenated(parts)
            read = f'inputs = ["{parts[0]}"], ' if both and len(parts) == 1 else ""
            own = f'name = "members_others", {read}' if both else ""
            start = '{ type = "normal", std = 1.0 }' if both else '"random_signs"'
            yield f'  {{ type = "members", {own}members = 32, scale_initializer = {start} }},'
        if both:
            names = '["members_numbers", "members_others"]'
            yield f'  {{ type = "concatenate", axis = 1, inputs = {names} }},'

    def _metrics(self, plan: TablePlan) -> list[str]:
        return plan.metrics

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        yield f'type = "members_{"crossentropy" if plan.classes else "squared_error"}"'

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        yield "learning_rate = 0.002"
        yield "weight_decay = 3e-4", "pulls weights toward 0, to reduce overfitting"
        yield "epsilon = 1e-8"
        yield ""
        spared = ['"*.biases"', *(['"numbers.slopes"'] if plan.numbers else [])]
        yield from _group(", ".join(spared), "weight_decay = 0.0")

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        rows = plan.training_rows
        sizes = (size for limit, size in TABM_BATCHES.items() if rows < limit)
        batch = next(sizes, TABM_LARGEST_BATCH)
        stops = bool(plan.sizes.validation)
        callback = '"early_stopping", patience = 16'
        epochs = f"epochs = {1000 if stops else 50}", "passes over the training data"
        return _training_of(plan, epochs, batch, callback, self._metrics(plan))


def _concatenated(parts: Sequence[str]) -> Iterator[Line]:
    """Yield the layer that joins several vectors."""
    if len(parts) > 1:
        yield f'  {{ type = "concatenate", inputs = {toml(list(parts))} }},'


def _many(plan: TablePlan) -> tuple[ColumnProfile, ...]:
    """Return the columns of text with more than a few categories."""
    return tuple(
        each for each in plan.categories if each.type == "text" and each.distinct > FEW_CATEGORIES
    )


def _listed(columns: Sequence[ColumnProfile]) -> str:
    return f", columns = {toml([each.name for each in columns])}"


def _flat_cosine(value: float) -> str:
    return f'{{ type = "flat_cosine", initial_rate = {value:g} }}'


def _group(parameters: str, *settings: str) -> Iterator[Line]:
    yield "[[optimizer.groups]]"
    yield f"parameters = [{parameters}]"
    yield from settings
