"""Presets for tables: the spec of a published default network, written for a table."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import ClassVar

from declnet import ColumnProfile, DataError, Registry, TableProfile, Template
from declnet_standard.templates import (
    INDICATORS,
    MOST_CATEGORIES,
    Features,
    Line,
    Plan,
    counts_loss,
    data_section,
    features_of,
    finite,
    grouping,
    head,
    is_amount,
    is_category,
    joined,
    notes_on,
    notes_on_unread,
    rare_class,
    sizes_for,
    threshold,
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

MOST_STEPS = 8192
"""Steps of RealMLP above which it trains for fewer epochs than its authors': from this number of
training rows on, so that a table of 50,000 rows takes less than a minute."""

FEWEST_EPOCHS = 8


AS_TWO = "# one unit moves as far as the difference of two, one for each class, would"


class TablePlan(Plan):
    """A `Plan` whose columns are sorted by how a network of numbers and categories reads them."""

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
    def is_binary(self) -> bool:
        """Return whether there are two classes."""
        return self.table.task == "binary"


class TablePreset(Template):
    """A spec of fixed parts for any table; subclasses are listed by `declnet new --help`.

    Attributes:
        most_categories: of a column; less frequent ones become one.
        poisson: how to try the loss for counts.
    """

    most_categories: ClassVar[int] = MOST_CATEGORIES
    poisson: ClassVar[str] = "see [loss]"

    def spec_for_table(self, table: TableProfile, registry: Registry) -> str:
        """Return the spec, with the preparation, loss and sizes to suit the table."""
        plan = self._plan(table)
        inputs = {name: [each.name for each in own] for name, own in self._inputs(plan).items()}
        target = () if plan.classes else self._target_transforms(plan)
        named = inputs if len(inputs) > 1 else {}
        data = data_section(plan, self._prepare(plan), named, target)
        rest = self._model(plan), self._loss(plan), self._optimizer(plan), self._training(plan)
        return joined((head(plan), data, *rest))

    def notes_for_table(self, table: TableProfile) -> tuple[str, ...]:
        """Return which texts are left out, how to read them, and how rare values are treated."""
        features = features_of(table)
        texts = tuple(
            f'column "{each.name}" is free text, which this preset does not read; "mlp" does'
            for each in features.texts
        )
        notes = notes_on(table, features.others, self.most_categories, self.poisson)
        return (*texts, *notes_on_unread(features), *notes)

    def _plan(self, table: TableProfile) -> TablePlan:
        features = usable_features_of(table)
        reason = 'free text; the preset "mlp" reads it'
        texts = tuple((each, reason) for each in features.texts)
        if not features.others:
            raise DataError(
                "has no column of numbers or categories, only texts",
                hint="use --preset mlp, which reads texts",
            )
        if texts and not table.selects_features:
            raise DataError(
                f'has a column of free text, "{texts[0][0].name}", which this preset does not read',
                hint="use --preset mlp, which reads texts",
            )
        kept = Features(features.others, (*features.left_out, *texts))
        return TablePlan(table, kept, sizes_for(table.rows), frozenset())

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        """Return the columns of each input; one input needs no name."""
        return {"": plan.numbers + plan.categories}

    def _target_transforms(self, plan: TablePlan) -> tuple[str, ...]:
        return ("clamp", "log", "standardize") if is_amount(plan.table) else ("standardize",)

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

    def _model(self, plan: TablePlan) -> Iterator[Line]:
        yield "[model]"
        if plan.double:
            yield 'dtype = "float64"', "the target varies too little for its size in float32"
        yield "layers = [  # from the input to the output"
        yield from self._layers(plan)
        yield "]"

    def _layers(self, plan: TablePlan) -> Iterator[Line]:
        raise NotImplementedError

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
) -> Iterator[Line]:
    """Yield the section; the first of the metrics decides on the best epoch."""
    yield "[training]"
    yield epochs
    if plan.training_rows > batch:
        yield f"batch_size = {batch}", "samples per step; in smaller tables, all"
        yield "drop_last = true", "leaves out a smaller last batch"
    yield f"metrics = {toml(list(metrics))}", "measured in addition to the loss"
    if plan.sizes.validation:
        monitor = f'monitor = "validation_{metrics[0]}"'
        yield "callbacks = ["
        yield f"  {{ type = {callback}, {monitor} }},"
        yield '  { type = "checkpoint", every_minutes = 1 },', "for declnet resume"
        yield "]"


def _metrics(plan: TablePlan) -> list[str]:
    """Return the metrics for an output of one number or of a probability for each class."""
    if plan.table.task == "values":
        return ["mean_squared_error", "r2", "mean_absolute_error"]
    return ["accuracy", *(["f1", "matthews"] if rare_class(plan.table) else [])]


def _scaled(plan: TablePlan) -> Iterator[Line]:
    yield '  { type = "robust_scale" },', "median 0, interquartile range 1, smoothly cut at ±3"
    yield from _filled(plan)


class RealMLPTDS(TablePreset):
    """RealMLP-TD-S: a network with tuned defaults, the simple variant.

    Holzmüller, Grinsztajn and Steinwart, Better by Default, NeurIPS 2024, arXiv:2407.04491.
    """

    type = "realmlp_td_s"

    def _prepare(self, plan: TablePlan) -> Iterator[Line]:
        yield from _repaired(plan, self.most_categories)
        if plan.categories:
            comment = "a column per category, ±1 for two; missing is 0"
            yield '  { type = "signed_one_hot" },', comment
        yield from _scaled(plan)

    def _layers(self, plan: TablePlan) -> Iterator[Line]:
        yield '  "feature_scale",', "a trained factor for each feature"
        activation = "selu" if plan.classes else "mish"
        dense = '{ type = "ntp_dense", units = 256 }'
        yield f'  {{ repeat = 3, layers = [{dense}, "{activation}"] }},', "three hidden layers"
        yield from self._output(plan, 'weight_initializer = "zeros", bias_initializer = "zeros"')

    def _output(self, plan: TablePlan, start: str) -> Iterator[Line]:
        units = plan.last_units
        yield f'  {{ type = "ntp_dense", name = "output", units = {units}, {start} }},'
        if plan.is_binary:
            yield '  "sigmoid",', "turns it into a probability"
        elif plan.classes:
            yield '  "softmax",', "turns them into probabilities that sum to 1"

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        yield "[loss]  # what training minimizes"
        if plan.classes:
            yield f'type = "{"binary" if plan.is_binary else "categorical"}_crossentropy"'
            yield "label_smoothing = 0.1", "reduces overconfidence"
        else:
            yield 'type = "mean_squared_error"', "of the prepared target"
            yield from counts_loss(plan)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adam"'
        yield from self._rates("0.04" if plan.classes else "0.07")
        yield ""
        yield from _group('"*.biases"', "learning_rate_factor = 0.1")
        if plan.is_binary:
            yield ""
            yield AS_TWO
            yield from _group('"output.weights"', "learning_rate_factor = 2.0")
            yield ""
            yield from _group('"output.biases"', "learning_rate_factor = 0.2")
        yield ""
        yield from _group('"feature_scale_1.scale"', "learning_rate_factor = 6.0")

    def _rates(self, peak: str) -> Iterator[Line]:
        rate = f'{{ type = "coslog", max_rate = {peak} }}'
        yield f"learning_rate = {rate}", "four cycles, each twice as long as the one before"
        yield "beta_2 = 0.95"
        yield "epsilon = 1e-8"

    def _training(self, plan: TablePlan) -> Iterator[Line]:
        epochs = max(FEWEST_EPOCHS, min(256, MOST_STEPS * 256 // max(plan.training_rows, 1)))
        fewer = "" if epochs == 256 else "; 256 in smaller tables, may be a little better"
        line = f"epochs = {epochs}", f"passes over the training data{fewer}"
        metrics = _metrics(plan)
        if plan.is_binary:
            rare = ["f1", "average_precision"] if rare_class(plan.table) else []
            metrics = ["binary_accuracy", "roc_auc", *rare]
        yield from _training_of(plan, line, 256, '"best_epoch"', metrics)
        if plan.is_binary and rare_class(plan.table) and plan.sizes.validation:
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

    def default_instead(self, table: TableProfile) -> tuple[str, str] | None:
        """Return `mlp` for what only it can do: several targets, and texts."""
        if table.others:
            return "mlp", "there are several targets"
        texts = features_of(table).texts
        return ("mlp", f'column "{texts[0].name}" is free text') if texts else None

    def _inputs(self, plan: TablePlan) -> dict[str, Sequence[ColumnProfile]]:
        few = tuple(each for each in plan.categories if each not in _many(plan))
        inputs = {"numbers": plan.numbers, "categories": few, "many": _many(plan)}
        return {name: own for name, own in inputs.items() if own}

    def _target_transforms(self, plan: TablePlan) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("clamp", *super()._target_transforms(plan))))

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

    def _layers(self, plan: TablePlan) -> Iterator[Line]:
        inputs = self._inputs(plan)
        read = {name: f"input.{name}" if len(inputs) > 1 else "input" for name in inputs}
        parts = []
        if "numbers" in inputs:
            comment = "periodic embeddings of 4 numbers each"
            yield (
                f'  {{ type = "pbld", name = "numbers", inputs = ["{read["numbers"]}"] }},',
                comment,
            )
            parts.append("numbers")
        if "categories" in inputs:
            parts.append(read["categories"])
        if "many" in inputs:
            embedding = f'type = "embedding", name = "embeddings", inputs = ["{read["many"]}"]'
            yield f"  {{ {embedding}, units = 8 }},", "a vector for each category"
            yield '  { type = "flatten", name = "vectors" },'
            parts.append("vectors")
        if len(parts) > 1:
            names = ", ".join(f'"{each}"' for each in parts)
            yield f'  {{ type = "concatenate", inputs = [{names}] }},'
        yield '  "feature_scale",', "a trained factor for each feature"
        activation = "selu" if plan.classes else "mish"
        start = 'weight_initializer = "unit_outputs", bias_initializer = "he_plus"'
        for number in (1, 2, 3):
            yield f'  {{ type = "ntp_dense", units = 256, {start} }},'
            yield f'  "{activation}",'
            of = f'"ntp_dense_{number}", "{activation}_{number}"'
            yield f'  {{ type = "parametric_activation", inputs = [{of}] }},'
            yield '  { type = "dropout", rate = { type = "flat_cosine", initial_rate = 0.15 } },'
        yield from self._output(plan, start)

    def _optimizer(self, plan: TablePlan) -> Iterator[Line]:
        yield "[optimizer]"
        yield 'type = "adamw"'
        yield from self._rates("0.04" if plan.classes else "0.2")
        comment = "constant for half of the training, then to 0"
        yield f"weight_decay = {_flat_cosine(0.02)}", comment
        yield ""
        yield from _group('"*.biases"', "learning_rate_factor = 0.1", "weight_decay = 0.0")
        if plan.is_binary:
            yield ""
            yield AS_TWO
            decay = f"weight_decay = {_flat_cosine(0.01)}"
            yield from _group('"output.weights"', "learning_rate_factor = 2.0", decay)
            yield ""
            rate = "learning_rate_factor = 0.2"
            yield from _group('"output.biases"', rate, "weight_decay = 0.0")
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
    poisson = "as with --preset mlp"

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

    def _layers(self, plan: TablePlan) -> Iterator[Line]:
        both = plan.numbers and plan.categories
        if plan.numbers:
            bins = max(1, min(BINS, plan.training_rows - 1))
            read = ', inputs = ["input.numbers"]' if both else ""
            sizes = f"units = 16, bins = {bins}"
            comment = "piecewise-linear embeddings"
            yield f'  {{ type = "piecewise_linear", name = "numbers"{read}, {sizes} }},', comment
            yield '  { type = "flatten", name = "embedded" },'
        if both:
            yield '  { type = "concatenate", inputs = ["embedded", "input.categories"] },'
        scale = '{ type = "normal", std = 1.0 }' if plan.numbers else '"random_signs"'
        members = f'type = "members", members = 32, scale_initializer = {scale}'
        yield f"  {{ {members} }},", "each sees the features with its own factors"
        dense = '{ type = "dense", units = 512, weight_initializer = "fan_in_uniform" }'
        hidden = f'{dense}, "relu", {{ type = "dropout", rate = 0.1 }}'
        yield f"  {{ repeat = {2 if plan.numbers else 3}, layers = [{hidden}] }},"
        yield f'  {{ type = "member_dense", units = {plan.classes or 1} }},', "an output each"

    def _loss(self, plan: TablePlan) -> Iterator[Line]:
        yield "[loss]  # the mean of the members' losses; predictions are the mean of theirs"
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
        return _training_of(plan, epochs, batch, callback, _metrics(plan))


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
